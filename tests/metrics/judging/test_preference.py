"""Pairwise comparison by judges that follow a rule, behind a real server on loopback."""

import json
import random
import re

import pytest

from harness.errors import DataError
from harness.evaluation.score import Unmeasured, score_predictions
from harness.metrics.judge_preference import JudgePreference
from harness.storage.predictions import write_predictions
from tests.metrics.judging.conftest import Bench, prediction, shown
from tests.servers.loopback import said, serving


def longer(asked):
    """Prefers the longer answer; a tie where both are as long."""
    texts = shown(asked)
    first, second = len(texts["a"]), len(texts["b"])
    return "[[C]]" if first == second else f"[[{'A' if first > second else 'B'}]]"


OURS = [prediction("won", "xxx"), prediction("lost", "x"), prediction("tied", "xx")]
OTHERS = [prediction(name, "yy") for name in ("tied", "won", "lost", "another")]


@pytest.fixture
def against(tmp_path):
    write_predictions(tmp_path / "other.jsonl", OTHERS)
    return str(tmp_path / "other.jsonl")


def score(bench, prompts, against, items=OURS, **settings):
    given = {"server": bench.server, "prompts": prompts, "against": against, **settings}
    kind = JudgePreference.model_validate(given)
    return kind, score_predictions(items, "judge_preference", given, bench.services)


def details(kind, found):
    return kind.details([sum(column) for column in zip(*found.statistics, strict=True)])


def test_longer_answers_win_by_a_judge_that_prefers_them(judge, prompts, against):
    bench = judge(longer)
    kind, found = score(bench, prompts, against)
    assert found.value == 0.5
    assert [kind.aggregate(row) for row in found.statistics] == [1.0, 0.0, 0.5]
    third = pytest.approx(1 / 3)
    assert details(kind, found) == {
        "won": third,
        "tied": third,
        "lost": third,
        "without_verdict": 0.0,
        "orders_agree": 1.0,
        "shown_first": 0.5,
        "sd_between_repeats": 0.0,
        "sd_within_items": 0.0,
        "length_ratio": 1.0,
    }
    assert bench.num_asked == 3 * 2 * 2


def test_a_judge_that_always_prefers_the_first_decides_nothing(judge, prompts, against):
    kind, found = score(judge(lambda asked: "[[A]]"), prompts, against)
    assert found.value == 0.5
    told = details(kind, found)
    assert (told["tied"], told["orders_agree"], told["shown_first"]) == (1.0, 0.0, 1.0)


def test_a_win_in_one_order_and_a_tie_in_the_other_is_a_tie(judge, prompts, against):
    bench = judge(lambda asked: "[[A]]" if shown(asked)["a"] == "xxx" else "[[C]]")
    _, found = score(bench, prompts, against, items=OURS[:1])
    assert found.value == 0.5


def test_a_judge_that_draws_lots_gives_a_half_and_a_spread(judge, prompts, tmp_path):
    draws = random.Random(1)
    items = [prediction(str(number), "a" * number) for number in range(1, 21)]
    write_predictions(tmp_path / "other.jsonl", [prediction(one.id, "b") for one in items])
    bench = judge(lambda asked: f"[[{draws.choice('AB')}]]")
    bench.server["parallel"] = 1
    kind, found = score(bench, prompts, str(tmp_path / "other.jsonl"), items, repeats=5)
    assert found.value == pytest.approx(0.5, abs=0.12)
    told = details(kind, found)
    # by chance half of the comparisons are won or lost and half tied: variance 1/8 of a repeat's
    # item, so .354 within items and .354 / sqrt(20) = .079 between repeats
    assert told["sd_within_items"] == pytest.approx(0.354, abs=0.06)
    assert 0.02 < told["sd_between_repeats"] < 0.16
    assert told["orders_agree"] == pytest.approx(0.5, abs=0.12)


def test_a_comparison_of_which_an_order_has_no_verdict_is_left_out(judge, prompts, against):
    def rule(asked):
        return "Hm." if shown(asked)["b"] == "xxx" else longer(asked)

    kind, found = score(judge(rule), prompts, against)
    assert found.value == pytest.approx((0.0 + 0.5) / 2)
    assert details(kind, found)["without_verdict"] == pytest.approx(1 / 3)
    assert kind.aggregate(found.statistics[0]) is None


def test_both_turns_are_compared_with_the_other_systems_own_first_answer(judge, prompts, tmp_path):
    ours = [prediction("one", "x", "xx")]
    write_predictions(tmp_path / "other.jsonl", [prediction("one", "yyy", "y")])
    bench = judge(longer)
    _, found = score(bench, prompts, str(tmp_path / "other.jsonl"), ours, repeats=1)
    assert found.value == 0.5
    second = [
        asked.body["messages"][1]["content"]
        for asked in bench.loopback.asked
        if "<old>" in asked.body["messages"][1]["content"]
    ]
    question = "<q>question 1 of onequestion 2 of one</q>"
    assert sorted(second) == sorted(
        [
            f"{question}<old>x</old><a>xx</a><old>yyy</old><b>y</b>",
            f"{question}<old>yyy</old><a>y</a><old>x</old><b>xx</b>",
        ]
    )


def test_the_prompt_of_alpaca_eval_and_its_reference_outputs_are_understood(
    judge, alpaca_prompt, tmp_path
):
    rows = [{"instruction": row.prompt, "output": "yy", "generator": "g"} for row in OURS]
    (tmp_path / "baseline.json").write_text(json.dumps(rows[::-1]))

    def rule(asked):
        texts = shown(asked)
        return "m" if len(texts["a"]) >= len(texts["b"]) else "M"

    bench = judge(rule)
    kind, found = score(bench, alpaca_prompt, str(tmp_path / "baseline.json"))
    assert [kind.aggregate(row) for row in found.statistics] == [1.0, 0.0, 0.5]
    assert "prompts:clf:" in found.signature
    assert "|orders:both|weighted:no|" in found.signature


def weighing(asked, text="m", **message):
    """Gives .6 to what is shown first."""
    top = [{"token": "m", "logprob": -0.5108}, {"token": "M", "logprob": -0.9163}]
    reply = said(text, **message)
    content = [{"token": "m", "logprob": -0.5108, "top_logprobs": top}]
    reply.body["choices"][0]["logprobs"] = {"content": content}
    return reply


WEIGHTED = {"items": OURS[:1], "weighted": True, "max_tokens": 1, "repeats": 1}


def test_weighted_preferences_are_probabilities_of_the_verdict(alpaca_prompt, against, tmp_path):
    with serving(weighing) as loopback:
        bench = Bench(loopback, tmp_path / "judgements")
        kind, found = score(bench, alpaca_prompt, against, **WEIGHTED)
    # .6 for what is shown first in one order, and so .4 in the other
    assert found.value == pytest.approx(0.5, abs=1e-4)
    assert details(kind, found)["shown_first"] == 1.0
    assert loopback.asked[0].body["top_logprobs"] == 5


@pytest.mark.parametrize(
    ("answering", "reason"),
    [
        (lambda asked: said("m"), "and the server gives none"),
        (lambda asked: weighing(asked, "<think>m</think>m"), "and the model thinks aloud first"),
        (lambda asked: weighing(asked, reasoning="m"), "and the model thinks aloud first"),
    ],
    ids=["none", "thoughts", "thoughts apart"],
)
def test_a_judge_without_weights_is_refused_and_not_remembered(
    alpaca_prompt, against, tmp_path, answering, reason
):
    answers = [answering]
    with serving(lambda asked: answers[-1](asked)) as loopback:
        bench = Bench(loopback, tmp_path / "judgements")
        _, refused = score(bench, alpaca_prompt, against, **WEIGHTED)
        assert isinstance(refused, Unmeasured)
        assert f"the log-probabilities of its verdict are wanted, {reason}" in refused.reason
        assert not list(bench.folder.rglob("*.json"))
        answers.append(weighing)
        _, found = score(bench, alpaca_prompt, against, **WEIGHTED)
    assert found.value == pytest.approx(0.5, abs=1e-4)


def test_a_judgement_kept_without_its_weights_is_asked_again(alpaca_prompt, against, tmp_path):
    with serving(weighing) as loopback:
        bench = Bench(loopback, tmp_path / "judgements")
        _, first = score(bench, alpaca_prompt, against, **WEIGHTED)
        for path in bench.folder.rglob("*.json"):
            record = json.loads(path.read_text())
            record["judgement"]["alternatives"] = None
            path.write_text(json.dumps(record))
        assert score(bench, alpaca_prompt, against, **WEIGHTED)[1] == first
        assert bench.num_asked == 4


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"against": None}, "judge_preference.against is not set"),
        ({"against": "no.jsonl"}, "judge_preference.against: no such file: no.jsonl"),
        ({"prompts": "no.txt"}, "alpaca_eval_clf.txt of https://github.com/tatsu-lab/alpaca_eval"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_measured(
    judge, prompts, against, settings, reason
):
    bench = judge(longer)
    given = {"prompts": prompts, "against": against, **settings}
    _, found = score(bench, given["prompts"], given["against"])
    assert isinstance(found, Unmeasured)
    assert reason in found.reason
    assert bench.num_asked == 0


def test_items_the_other_system_did_not_answer_are_counted(judge, prompts, against):
    items = [*OURS, prediction("new", "x"), prediction("newer", "x")]
    with pytest.raises(DataError, match=r"no answer to 2 of 5 items, matched by id \(first: 'new'"):
        score(judge(longer), prompts, against, items)


@pytest.mark.parametrize("text", ["{", "{}", '[{"instruction": 1}]'])
def test_reference_outputs_of_another_form_are_refused(judge, prompts, tmp_path, text):
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(DataError, match=re.escape(str(path))):
        score(judge(longer), prompts, str(path))


def test_weighted_needs_a_prompt_with_a_verdict_of_one_token(judge, prompts, against):
    with pytest.raises(DataError, match="allowed: AlpacaEval's prompt"):
        score(judge(longer), prompts, against, weighted=True)


def test_swapping_the_systems_turns_the_win_rate_around(judge, prompts, tmp_path):
    draws = random.Random(3)
    answers = [("a" * draws.randint(1, 5), "b" * draws.randint(1, 5)) for _ in range(12)]
    systems = [
        [prediction(str(n), texts[side]) for n, texts in enumerate(answers)] for side in (0, 1)
    ]
    for side in (0, 1):
        write_predictions(tmp_path / f"{side}.jsonl", systems[side])
    bench = judge(longer)
    values = [
        score(bench, prompts, str(tmp_path / f"{1 - side}.jsonl"), systems[side])[1].value
        for side in (0, 1)
    ]
    assert values[0] == pytest.approx(1 - values[1])
    assert values[0] != 0.5
    # the same two texts in the same order are one request, whichever system is "ours"
    assert bench.num_asked == 12 * 2 * 2
