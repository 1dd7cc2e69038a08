"""What holds of judged scores whatever the judge says: tables of verdicts, drawn at random."""

import re
import tempfile
from pathlib import Path
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.evaluation.score import score_predictions
from harness.metrics.judge_grade import JudgeGrade
from harness.metrics.judge_preference import JudgePreference
from harness.protocols import Judgement, Services
from harness.settings.spec import digest
from harness.statistics.comparing import compare
from harness.statistics.samples import Samples
from harness.storage.predictions import write_predictions
from tests.metrics.judging.conftest import TEMPLATES, prediction, write_lines

REPEATS = 3
VERDICTS = [1.0, 0.0, 0.5, None]
WORDS = {1.0: "[[A]]", 0.0: "[[B]]", 0.5: "[[C]]", None: "?"}
SERVER = {"url": "http://127.0.0.1:1/v1", "model": "m"}


def files(folder):
    rows = [
        {"name": name, "system_prompt": "", "prompt_template": text, "output_format": form}
        for name, (text, form) in TEMPLATES.items()
    ]
    return write_lines(folder / "prompts.jsonl", rows)


class TableJudge:
    """Says what a table has for an item's number, its order and the repeat."""

    def __init__(self, said):
        self.said = said

    def ask(self, server, requests):
        return [Judgement(self.said(*self.place(one)), "m") for one in requests]

    def place(self, request):
        text = request.messages[-1].content
        return int(re.search(r"of (\d+)", text)[1]), "<a>ours" in text, request.repeat


def repeated(values):
    return st.lists(values, min_size=REPEATS, max_size=REPEATS)


def means(columns):
    """The mean of each column that has any value."""
    kept = [[value for value in column if value is not None] for column in columns]
    return [mean(column) for column in kept if column]


rating_or_none = st.none() | st.integers(1, 10)


@given(st.lists(repeated(rating_or_none), min_size=1, max_size=8))
def test_a_grade_is_the_mean_over_repeats_of_their_means(table):
    given_any = [value for row in table for value in row if value is not None]
    judge = TableJudge(lambda item, ours, repeat: f"[[{table[item][repeat]}]]")
    items = [prediction(str(number), "ours") for number in range(len(table))]
    with tempfile.TemporaryDirectory() as folder:
        settings = {"server": SERVER, "prompts": files(Path(folder)), "repeats": REPEATS}
        found = score_predictions(items, "judge_grade", settings, Services(judge=judge))
    if not given_any:
        assert "no" in found.reason
        return
    by_repeat = means(zip(*table, strict=True))
    assert found.value == pytest.approx(mean(by_repeat))
    assert found.facts["unrated"] == pytest.approx(1 - len(given_any) / (REPEATS * len(table)))
    if len(by_repeat) > 1:
        assert found.facts["sd_between_repeats"] == pytest.approx(stdev(by_repeat), abs=1e-9)
    for row, statistics in zip(table, found.statistics, strict=True):
        alone = JudgeGrade(repeats=REPEATS).aggregate(statistics)
        kept = [value for value in row if value is not None]
        assert alone == (pytest.approx(mean(kept)) if kept else None)


def points(ours_first, ours_second):
    """FastChat's rule in other words; ``ours_second`` is what was said of A, the other's answer."""
    if ours_first is None or ours_second is None:
        return None
    won, lost = (ours_first, ours_second) == (1, 0), (ours_first, ours_second) == (0, 1)
    return 1.0 if won else 0.0 if lost else 0.5


both_orders = st.tuples(st.sampled_from(VERDICTS), st.sampled_from(VERDICTS))


@given(st.lists(repeated(both_orders), min_size=1, max_size=8))
def test_a_preference_is_won_when_both_orders_say_so_and_else_a_tie_or_lost(table):
    def said(item, ours, repeat):
        return WORDS[table[item][repeat][0 if ours else 1]]

    items = [prediction(str(number), "ours") for number in range(len(table))]
    others = [prediction(str(number), "theirs") for number in range(len(table))]
    with tempfile.TemporaryDirectory() as folder:
        write_predictions(Path(folder) / "other.jsonl", others)
        settings = {
            "server": SERVER,
            "prompts": files(Path(folder)),
            "repeats": REPEATS,
            "against": f"{folder}/other.jsonl",
        }
        services = Services(judge=TableJudge(said))
        found = score_predictions(items, "judge_preference", settings, services)
    expected = [[points(*pair) for pair in row] for row in table]
    decided = [value for row in expected for value in row if value is not None]
    if not decided:
        assert found.reason
        return
    assert found.value == pytest.approx(mean(means(zip(*expected, strict=True))))
    facts = found.facts
    assert facts["won"] == pytest.approx(decided.count(1.0) / len(decided))
    assert facts["lost"] == pytest.approx(decided.count(0.0) / len(decided))
    assert facts["won"] + facts["tied"] + facts["lost"] == pytest.approx(1.0)
    agreeing = [
        pair in {(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)}
        for row in table
        for pair in row
        if None not in pair
    ]
    assert facts["orders_agree"] == pytest.approx(mean(agreeing))
    assert JudgePreference.model_validate(settings).aggregate(found.statistics[0]) == (
        pytest.approx(mean(one)) if (one := means(zip(*expected[:1], strict=True))) else None
    )


def test_a_comparison_sees_a_better_system(tmp_path):
    def better(item, ours, repeat):
        noise = int(digest([item, repeat])[:2], 16) % 3
        return f"[[{5 + noise}]]"

    def worse(item, ours, repeat):
        return "[[5]]" if item % 2 else better(item, ours, repeat)

    items = [prediction(str(number), "ours") for number in range(40)]
    settings = {"server": SERVER, "prompts": files(tmp_path), "repeats": 2}
    first, second = (
        score_predictions(items, "judge_grade", settings, Services(judge=TableJudge(said)))
        for said in (better, worse)
    )
    samples = Samples()
    found = compare(samples.of_score(first).sample, samples.of_score(second).sample)
    assert found.value == pytest.approx(first.value - second.value)
    assert found.low > 0
    assert found.num_items == 40
