import re
from dataclasses import replace

import pytest

from harness.records import parse_key
from harness.report.answer import answer_of
from harness.report.build import write_report
from harness.report.comparison import compare_trials
from harness.report.comparison_tables import overview
from harness.report.marks import marks_of
from harness.report.page import claim
from harness.report.points import confirmed_points_of, points_of
from harness.report.scored import scored
from harness.report.tables import confirmed_table, front_table, num_seeds_text, trials_table
from tests.synthetic import make_record

GENERAL = parse_key("pocket_general/summary")
GENERAL_TEST = parse_key("pocket_general/summary_test")


@pytest.fixture(scope="module")
def overlapping():
    """A sweep whose training text has items of a test benchmark."""
    record = make_record(num_items=20)
    trials = []
    for trial in record.trials:
        runs = tuple(
            replace(run, facts={**run.facts, "contamination/pocket_general/facts_test/near": 0.2})
            for run in trial.results
        )
        trials.append(replace(trial, results=runs))
    return replace(record, trials=tuple(trials))


def at_the_ceiling(run):
    """A run that is right on every item of the general suite."""
    scores = {
        key: replace(score, value=1.0, statistics=tuple((1.0, 1.0) for _ in score.ids))
        if key.suite == "pocket_general"
        else score
        for key, score in run.scores.items()
    }
    summaries = {
        key: 1.0 if key.suite == "pocket_general" else value for key, value in run.summaries.items()
    }
    return replace(run, scores=scores, summaries=summaries)


@pytest.fixture(scope="module")
def level():
    """A sweep in which nothing is ever wrong in the general suite."""
    record = make_record(num_items=20)
    trials = tuple(
        replace(
            trial,
            results=tuple(map(at_the_ceiling, trial.results)),
            confirmed=tuple(map(at_the_ceiling, trial.confirmed)),
        )
        for trial in record.trials
    )
    return replace(record, trials=trials, base=at_the_ceiling(record.base))


def names(table):
    return [column.name for column in table.columns]


def test_an_overlap_stands_beside_the_score_in_tables_figures_and_comparisons(overlapping):
    sweep = scored(overlapping)
    assert sweep.marks.of(GENERAL_TEST) == " †"
    assert sweep.marks.of(GENERAL) == ""
    assert "general † ↑ confirmed" in names(confirmed_table(sweep))
    assert confirmed_points_of(sweep).axes[1].startswith("general † (")
    pairs = [pair for pair in compare_trials(overlapping) if pair.with_base and pair.confirmed]
    table = overview(pairs, "x", sweep.marks)
    assert "general †" in names(table)
    assert "†: overlaps with the training text." in table.note


def test_a_score_at_the_end_of_its_scale_is_marked_wherever_it_stands(level):
    sweep = scored(level)
    assert {GENERAL, GENERAL_TEST} <= marks_of(level).untelling
    for table in (front_table(sweep), trials_table(sweep)):
        assert "general ‡ ↑" in names(table)
        assert "‡: cannot tell configurations apart." in table.note
    assert points_of(sweep).axes[1].startswith("general ‡ (")


def test_a_score_that_does_not_spread_is_drawn_on_its_whole_scale(level):
    low, high = points_of(scored(level)).ranges[1]
    assert (low, high) == (pytest.approx(-0.02), pytest.approx(1.02))


def test_axes_never_leave_the_scale_of_a_summary():
    points = points_of(scored(make_record(num_items=20)))
    for low, high in points.ranges:
        assert -0.021 <= low < high <= 1.021


def test_the_page_says_first_what_tells_nothing_and_draws_no_conclusion_from_it(level, tmp_path):
    paths = write_report(level, tmp_path, home=tmp_path)
    page = re.sub(r"<script.*?</script>", "", paths.page.read_text("utf-8"), flags=re.DOTALL)
    first = page.index("pocket_general cannot tell configurations apart")
    assert page.index('class="headline') < first < page.index("trials finished")
    assert "cannot tell trials apart: the line is of the rest" in page
    assert "would likely add little" not in page
    assert "[1.000, 1.000]" not in page


def test_sentences_name_a_marked_score_with_its_mark(overlapping):
    marks = marks_of(overlapping)
    pairs = [pair for pair in compare_trials(overlapping) if pair.with_base and pair.confirmed]
    assert "general † -0." in answer_of(overlapping, pairs, marks).sentence
    assert "general † " in claim(pairs[0], marks)


def test_a_sentence_that_leaves_a_score_open_says_what_would_show_it():
    record = replace(make_record(num_items=20), margins={"translation": 0.001, "general": 0.001})
    said = [claim(pair, marks_of(record)) for pair in compare_trials(record)]
    undecided = [sentence for sentence in said if "undecided" in sentence]
    assert undecided
    assert all("(would be shown: 0.001 by " in sentence for sentence in undecided)


def test_where_some_trials_have_one_seed_it_is_said_what_their_figures_leave_out():
    record = make_record(num_items=8, num_trials=2)
    first = replace(record.trials[0], results=record.trials[0].results[:1])
    mixed = replace(record, trials=(first, *record.trials[1:]))
    assert num_seeds_text(mixed) == (
        "1 to 2 seeds per trial, over items and seeds; of one, of items alone: another seed is not "
        "counted in"
    )
