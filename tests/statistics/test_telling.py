from dataclasses import replace

import pytest

from harness.records import SummaryPart, parse_key
from harness.statistics.telling import untelling, untelling_text
from tests.synthetic import make_result

GENERAL = parse_key("pocket_general/summary")
FACTS = parse_key("pocket_general/facts_validation/exact_match")
SUMS = parse_key("pocket_general/arithmetic_validation/exact_match")


def runs(*values, key=FACTS, only=True):
    """Runs with these scores on one benchmark, whose suite is it alone."""
    made = []
    for value in values:
        run = make_result(splits=("validation",), num_items=48)
        scores = {**run.scores, key: replace(run.scores[key], value=value)}
        parts = run.summary_parts[GENERAL]
        kept = tuple(part for part in parts if part.key == key) if only else parts
        made.append(replace(run, scores=scores, summary_parts={GENERAL: kept}))
    return made


@pytest.mark.parametrize(
    ("values", "end"), [((0.0, 0.0, 0.0), "worst"), ((1.0, 1.0), "best"), ((0.0, 1 / 48), "worst")]
)
def test_a_suite_at_one_end_of_its_scale_in_every_run_tells_nothing(values, end):
    (found,) = untelling(GENERAL, runs(*values))
    assert (found.end, found.num_items, found.num_runs) == (end, 48, len(values))
    assert untelling(FACTS, runs(*values)) == (found,)


@pytest.mark.parametrize("values", [(0.0, 1.0), (0.0, 0.1), (0.5, 0.5), (1.0, 0.9)])
def test_a_suite_that_any_run_moves_tells_something(values):
    assert untelling(GENERAL, runs(*values)) == ()


def test_a_suite_tells_something_while_one_of_its_benchmarks_does():
    assert untelling(GENERAL, runs(0.0, 0.0, only=False)) == ()


def test_a_scale_on_which_lower_is_better_has_its_worst_end_where_it_says():
    made = [
        replace(run, summary_parts={GENERAL: (SummaryPart(FACTS, worst=1.0, best=0.0),)})
        for run in runs(1.0, 1.0)
    ]
    assert untelling(GENERAL, made)[0].end == "worst"


def test_what_was_not_measured_is_not_said_to_tell_nothing():
    assert untelling(parse_key("other/summary"), runs(0.0)) == ()
    assert untelling(GENERAL, []) == ()


def test_the_sentence_says_of_how_many_answers_nothing_was_there():
    made = runs(0.0, 0.0)
    empty = replace(made[0].scores[FACTS], metric="empty", value=1.0)
    key = parse_key("pocket_general/facts_validation/empty")
    made = [replace(run, scores={**run.scores, key: empty}) for run in made]
    text = untelling_text("ability", untelling(GENERAL, made))
    assert text == (
        "ability cannot tell configurations apart: all 2 runs score 0, the worst there is, on "
        "facts (48 items, 100% of the answers empty or without the form that is asked for)"
    )
