"""MT-Bench's grading by judges that follow a rule, behind a real server on loopback."""

import itertools
import json
import logging
import statistics

import pytest

from harness.errors import DataError
from harness.evaluation.score import Unmeasured, score_predictions
from harness.metrics.judge_grade import JudgeGrade
from harness.metrics.judging.client import JudgeClient
from harness.protocols import Services
from tests.metrics.judging.conftest import prediction, shown, write_lines
from tests.servers.loopback import refused, said, serving


def by_length(asked):
    """A rating of the length of the answer in tens of characters."""
    return f"Fine. Rating: [[{len(shown(asked)['a']) // 10}]]"


ITEMS = [
    prediction("one", "x" * 40),
    prediction("two", "y" * 80, "z" * 60),
    prediction("sum", "v" * 20, "w" * 30, category="math"),
]


def metric(bench, prompts_file, references_file=None, **settings):
    found = {"server": bench.server, "prompts": prompts_file, "references": references_file}
    return JudgeGrade.model_validate(found | settings)


def score(items, kind, services):
    return score_predictions(items, "judge_grade", kind.plain(), services)


def test_the_value_is_the_mean_rating_of_all_turns_and_each_turn_has_its_own(
    judge, prompts, references
):
    bench = judge(by_length)
    kind = metric(bench, prompts, references)
    found = score(ITEMS, kind, bench.services)
    assert found.value == pytest.approx((4 + 8 + 6 + 2 + 3) / 5)
    assert found.facts == pytest.approx(
        {
            "turn_1": (4 + 8 + 2) / 3,
            "turn_2": (6 + 3) / 2,
            "unrated": 0.0,
            "sd_between_repeats": 0.0,
            "sd_within_items": 0.0,
            "in_math": 2.5,
        }
    )
    assert bench.num_asked == 5 * 2


def test_the_judge_sees_the_turns_and_the_references_where_a_category_has_them(
    judge, prompts, references
):
    bench = judge(by_length)
    score(ITEMS, metric(bench, prompts, references, repeats=1), bench.services)
    said_to = sorted(asked.body["messages"][1]["content"] for asked in bench.loopback.asked)
    first, second = "question 1 of {}", "question 2 of {}"
    assert said_to == sorted(
        [
            f"<q>{first.format('one')}</q><a>{'x' * 40}</a>",
            f"<q>{first.format('two')}</q><a>{'y' * 80}</a>",
            f"<q>{first.format('two')}</q><old>{'y' * 80}</old>"
            f"<q>{second.format('two')}</q><a>{'z' * 60}</a>",
            f"<right>4</right><q>{first.format('sum')}</q><a>{'v' * 20}</a>",
            f"<right>4</right><right>5</right><q>{first.format('sum')}</q><old>{'v' * 20}</old>"
            f"<q>{second.format('sum')}</q><a>{'w' * 30}</a>",
        ]
    )
    bodies = [asked.body for asked in bench.loopback.asked]
    assert {body["temperature"] for body in bodies} == {0.0}
    assert {body["messages"][0]["role"] for body in bodies} == {"system"}


def test_judgements_without_a_rating_are_counted_and_are_no_zero(judge, prompts):
    bench = judge(lambda asked: "I cannot say." if "one" in shown(asked)["q"] else "[[6]]")
    kind = metric(bench, prompts)
    found = score(ITEMS[:2], kind, bench.services)
    assert found.value == 6.0
    totals = [sum(column) for column in zip(*found.statistics, strict=True)]
    assert kind.details(totals)["unrated"] == pytest.approx(1 / 3)
    alone = kind.aggregate(found.statistics[0])
    assert alone is None


def test_a_judge_that_never_rates_measures_nothing(judge, prompts):
    bench = judge(lambda asked: "Hm. " * 30)
    found = score(ITEMS[:1], metric(bench, prompts), bench.services)
    assert found == Unmeasured(
        "judge_grade: none of the 2 judgements of m has a verdict in the form its prompt asks for; "
        f"the first: {'Hm. ' * 20 + '...'!r}"
    )


def test_the_spread_between_repeats_is_that_of_their_means(judge, prompts):
    numbers = itertools.cycle([3, 5, 4, 8])
    bench = judge(lambda asked: f"[[{next(numbers)}]]")
    bench.server["parallel"] = 1
    kind = metric(bench, prompts)
    items = [prediction("one", "a"), prediction("two", "b")]
    found = score(items, kind, bench.services)
    # asked in the order one, one again, two, two again: repeats (3, 4) and (5, 8)
    assert found.value == pytest.approx((3.5 + 6.5) / 2)
    totals = [sum(column) for column in zip(*found.statistics, strict=True)]
    details = kind.details(totals)
    assert details["sd_between_repeats"] == pytest.approx(statistics.stdev([3.5, 6.5]))
    within = (statistics.variance([3, 5]) + statistics.variance([4, 8])) / 2
    assert details["sd_within_items"] == pytest.approx(within**0.5)


def test_scoring_again_asks_nothing_and_more_repeats_ask_for_the_new_ones_only(judge, prompts):
    bench = judge(by_length)
    first = score(ITEMS[:2], metric(bench, prompts), bench.services)
    assert bench.num_asked == 6
    assert score(ITEMS[:2], metric(bench, prompts), bench.services) == first
    assert bench.num_asked == 6
    score(ITEMS[:2], metric(bench, prompts, repeats=3), bench.services)
    assert bench.num_asked == 9


def test_what_came_before_a_failure_is_kept_and_the_next_scoring_goes_on(prompts, tmp_path):
    answered = []

    def answering(asked):
        if len(answered) < 2:
            answered.append(asked)
            return said("[[7]]")
        return refused(400, "out of credit")

    services = Services(judge=JudgeClient(tmp_path / "judgements"))
    items = [prediction(name, name) for name in ("one", "two", "three")]
    with serving(answering) as loopback:
        server = loopback.spec(parallel=1).plain()
        kind = JudgeGrade.model_validate({"server": server, "prompts": prompts, "repeats": 1})
        failed = score(items, kind, services)
        assert isinstance(failed, Unmeasured)
        assert "out of credit" in failed.reason
        assert len(answered) == 2
        answered.clear()
        assert score(items, kind, services).value == 7.0
        assert len(answered) == 1


def test_the_number_of_judgements_is_told_before_they_are_asked(judge, prompts, caplog):
    bench = judge(by_length)
    with caplog.at_level(logging.WARNING, "harness"):
        score(ITEMS[:2], metric(bench, prompts), bench.services)
        score(ITEMS[:2], metric(bench, prompts, repeats=3), bench.services)
    said_so = [record.getMessage() for record in caplog.records]
    assert "asking the judge m for 6 judgements (0 of 6 are there already)" in said_so[0]
    assert "asking the judge m for 3 judgements (6 of 9 are there already)" in said_so[1]


def test_the_signature_names_judge_model_served_prompts_and_settings_but_no_address(
    judge, prompts, references
):
    bench = judge(by_length)
    kind = metric(bench, prompts, references, temperature=0.5)
    signature = score(ITEMS, kind, bench.services).signature
    assert signature.startswith(
        "judge_grade|judge:m|served:served|prompts:single-math-v1,single-math-v1-multi-turn,"
        "single-v1,single-v1-multi-turn:"
    )
    for part in ("|temperature:0.5|", "|repeats:2|", "|rule:3|", "|references:"):
        assert part in signature
    assert "127.0.0.1" not in signature


def test_sampled_repeats_have_seeds_of_their_own(judge, prompts):
    bench = judge(by_length)
    score(ITEMS[:1], metric(bench, prompts, temperature=1.0, repeats=3), bench.services)
    assert sorted(asked.body["seed"] for asked in bench.loopback.asked) == [0, 1, 2]


def test_the_judgements_are_there_to_be_read(judge, prompts):
    bench = judge(by_length)
    rows = metric(bench, prompts, repeats=1).judgements(ITEMS[1:2], bench.services)
    assert rows[1] == {
        "id": "two",
        "turn": 2,
        "repeat": 1,
        "prompt": "single-v1-multi-turn",
        "judge": "served",
        "verdict": 6.0,
        "judgement": "Fine. Rating: [[6]]",
    }


def test_a_judge_that_thinks_aloud_is_read_behind_its_thoughts_and_shown_whole(judge, prompts):
    text = "<think>Weak: [[2]]? No.</think>\nRating: [[7]]"
    bench = judge(lambda asked: text)
    kind = metric(bench, prompts, repeats=1)
    assert score(ITEMS[:1], kind, bench.services).value == 7.0
    (row,) = kind.judgements(ITEMS[:1], bench.services)
    assert (row["verdict"], row["judgement"]) == (7.0, text)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"server": None}, "judge_grade.server is not set"),
        ({"prompts": "nowhere.jsonl"}, "judge_grade.prompts: no such file: nowhere.jsonl"),
        ({"references": "no.jsonl"}, "judge_grade.references: no such file: no.jsonl"),
        ({}, "has no answer for 1 of 3 items (first: 'sum')"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_measured(judge, prompts, settings, reason):
    bench = judge(by_length)
    items = ITEMS[:2] if settings else ITEMS
    found = score(items, metric(bench, prompts, **settings), bench.services)
    assert isinstance(found, Unmeasured)
    assert reason in found.reason
    assert bench.num_asked == 0


def test_files_are_found_in_the_data_folder(judge, prompts, tmp_path, monkeypatch):
    (tmp_path / "data/fastchat").mkdir(parents=True)
    (tmp_path / prompts).rename(tmp_path / "data/fastchat/judge_prompts.jsonl")
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "data"))
    bench = judge(by_length)
    settings = {"server": bench.server}
    assert score_predictions(ITEMS[:1], "judge_grade", settings, bench.services).value == 4.0


def test_an_item_whose_earlier_answers_are_missing_is_named(judge, prompts):
    bench = judge(by_length)
    row = prediction("two", "a", "b")
    cut = type(row)(row.id, row.prompt, row.output, row.answer, extra={"turns": ["a", "b"]})
    with pytest.raises(DataError, match="item 'two': found 2 questions and 1 answers"):
        score([cut], metric(bench, prompts), bench.services)


def test_faults_of_the_reference_answers_are_told_with_their_lines(judge, prompts, tmp_path):
    path = write_lines(tmp_path / "bad.jsonl", [{"question_id": 1, "choices": []}, {}])
    with pytest.raises(DataError, match=r"bad.jsonl:2: allowed: question_id and choices"):
        score(ITEMS, metric(judge(by_length), prompts, path), Services())


def test_without_its_key_nothing_is_measured_but_what_is_there(judge, prompts, monkeypatch):
    bench = judge(by_length)
    server = {**bench.server, "key_variable": "JUDGE_KEY"}
    kind = metric(bench, prompts, server=server)
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    found = score(ITEMS[:1], kind, bench.services)
    assert isinstance(found, Unmeasured)
    assert "JUDGE_KEY, which is to hold the server's API key, is not set" in found.reason
    monkeypatch.setenv("JUDGE_KEY", "sk-very-secret-0123456789")
    judged = score(ITEMS[:1], kind, bench.services)
    monkeypatch.delenv("JUDGE_KEY")
    assert score(ITEMS[:1], kind, bench.services) == judged


def test_no_key_is_in_what_is_kept(judge, prompts, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "sk-very-secret-0123456789")
    bench = judge(by_length)
    server = {**bench.server, "key_variable": "JUDGE_KEY"}
    kind = metric(bench, prompts, server=server)
    found = score(ITEMS[:1], kind, bench.services)
    kept = [path.read_text() for path in bench.folder.rglob("*.json")]
    assert len(kept) == 2
    assert json.loads(kept[0])["judgement"]["text"] == "Fine. Rating: [[4]]"
    assert all("sk-very-secret" not in text for text in [*kept, found.signature])
    assert "sk-very-secret" in bench.loopback.asked[0].headers["authorization"]
