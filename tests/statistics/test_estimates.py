from dataclasses import replace

import pytest

from harness.records import Objective, Split, mean_value, parse_key
from harness.report.points import confirmed_points_of, points_of
from harness.report.reference import key_for_test
from harness.report.scored import scored
from harness.statistics.estimates import Estimate, estimate
from harness.statistics.samples import Samples
from tests.synthetic import make_record

GENERAL = parse_key("pocket_general/summary")


@pytest.fixture(scope="module")
def record():
    return make_record(num_items=40)


def test_an_estimate_is_the_mean_over_seeds_within_its_interval(record):
    runs = record.trials[1].results
    for key in (GENERAL, parse_key("pocket_translation/en_de_validation/bleu")):
        of_key = estimate(Samples(), runs, key)
        assert of_key.value == pytest.approx(mean_value(runs, key))
        assert of_key.low < of_key.value < of_key.high


def test_a_summary_without_its_parts_has_a_value_and_no_interval(record):
    bare = replace(record.trials[1].results[0], summary_parts={}, fingerprint="bare")
    of_bare = estimate(Samples(), (bare,), GENERAL)
    assert of_bare == Estimate(bare.summaries[GENERAL])


def test_what_one_run_lacks_has_no_estimate(record):
    run = record.trials[1].results[0]
    lacking = replace(run, summaries={})
    assert estimate(Samples(), (run, lacking), GENERAL) is None
    assert estimate(Samples(), (), GENERAL) is None


def test_points_are_the_complete_trials_and_the_base_of_each_split(record):
    sweep = scored(record)
    chosen_by, on_test = points_of(sweep), confirmed_points_of(sweep)
    assert [point.name for point in chosen_by.trials] == [f"#{n}" for n in range(9)]
    assert chosen_by.base.variant == "base"
    assert any(line.startswith("on the front in ") for line in chosen_by.trials[4].hover)
    assert {point.name for point in on_test.trials} == {f"#{n}" for n in record.front}
    test_key = parse_key("pocket_general/summary_test")
    assert on_test.base.values[1].value == record.base.summaries[test_key]
    assert on_test.split is Split.TEST


def test_a_summary_is_confirmed_by_the_suites_test_summary_and_a_score_by_its_objectives(record):
    score, test = parse_key("a/dev/bleu"), parse_key("a/final/bleu")
    chosen = replace(record, objectives=(Objective(score, True, 0.0, 1.0, test),))
    assert key_for_test(chosen, parse_key("a/summary")) == parse_key("a/summary_test")
    assert key_for_test(chosen, score) == test
    assert key_for_test(chosen, parse_key("a/other/bleu")) is None
