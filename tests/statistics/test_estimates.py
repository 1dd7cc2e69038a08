from dataclasses import replace

import pytest

from harness.records import Objective, mean_value, parse_key
from harness.report.points import points_of
from harness.report.reference import key_for_test
from harness.statistics.bootstrap import Draws
from harness.statistics.estimates import Estimates
from tests.synthetic import make_record, make_result

GENERAL = parse_key("pocket_general/summary")


@pytest.fixture(scope="module")
def record():
    return make_record(num_items=40)


@pytest.fixture
def estimates():
    return Estimates(Draws(300))


def test_an_estimate_is_the_mean_over_seeds_within_its_interval(record, estimates):
    runs = record.trials[1].results
    for key in (GENERAL, parse_key("pocket_translation/en_de_validation/bleu")):
        found = estimates.of(runs, key)
        assert found.value == pytest.approx(mean_value(runs, key))
        assert found.low < found.value < found.high


def test_a_resampled_summary_is_the_mean_of_its_scaled_parts(record, estimates):
    run = record.trials[1].results[0]
    parts = [estimates.columns((run,), part.key) for part in run.summary_parts[GENERAL]]
    assert estimates.columns((run,), GENERAL) == pytest.approx((parts[0] + parts[1]) / 2)


def test_a_summary_without_its_parts_has_a_value_and_no_interval(record, estimates):
    bare = replace(record.trials[1].results[0], summary_parts={}, fingerprint="bare")
    found = estimates.of((bare,), GENERAL)
    assert found.value == bare.summaries[GENERAL]
    assert found.low is None


def test_what_one_run_lacks_has_no_estimate(record, estimates):
    run = record.trials[1].results[0]
    lacking = replace(run, summaries={})
    assert estimates.of((run, lacking), GENERAL) is None
    assert estimates.of((), GENERAL) is None


def test_probabilities_of_being_on_the_front_are_high_for_the_clear_and_split_for_the_close(
    record, estimates
):
    found = estimates.front_probabilities(record)
    feasible = {t.number for t in record.trials if t.values is not None and t.feasible}
    assert set(found) == {t.number for t in record.trials if t.values is not None}
    assert found[2] == 0
    assert all(0 <= share <= 1 for share in found.values())
    assert max(found[number] for number in record.front) > 0.7
    mean_of_front = sum(found[n] for n in record.front) / len(record.front)
    others = feasible - set(record.front)
    assert mean_of_front > sum(found[n] for n in others) / len(others)


def test_a_constraint_that_is_barely_kept_makes_a_place_on_the_front_doubtful(record, estimates):
    trial = record.trials[4]
    value = mean_value(trial.results, GENERAL)
    found = {}
    for bound in (value - 0.2, value, value + 0.2):
        only = replace(trial, violations={f"{GENERAL} >= {bound}": bound - value})
        found[bound] = estimates.front_probabilities(replace(record, trials=(only,)))[4]
    assert list(found.values()) == [1.0, pytest.approx(0.5, abs=0.2), 0.0]


def test_trials_measured_alike_share_their_place_on_the_front(record, estimates):
    trial = record.trials[4]
    twin = replace(trial, number=50)
    twins = replace(record, trials=(trial, twin), front=(4, 50))
    assert estimates.front_probabilities(twins) == {4: 1.0, 50: 1.0}


def test_a_trial_clearly_beaten_is_never_on_the_front(record, estimates):
    runs = tuple(make_result(seed=s, translation=0.5, general=0.2, num_items=40) for s in (1, 2))
    worst = replace(record.trials[2], results=runs, violations={})
    found = estimates.front_probabilities(replace(record, trials=(record.trials[4], worst)))
    assert found == {4: 1.0, 2: 0.0}


def test_points_are_the_complete_trials_the_base_and_the_confirmed(record, estimates):
    points = points_of(record, estimates)
    assert [point.name for point in points.trials] == [f"#{n}" for n in range(9)]
    assert points.base.variant == "base"
    assert {point.name for point in points.confirmed} == {f"#{n}" for n in record.front}
    assert any("of resamples" in line for line in points.trials[4].hover)


def test_a_summary_is_confirmed_by_the_suites_test_summary_and_a_score_by_its_objectives(record):
    score, test = parse_key("a/dev/bleu"), parse_key("a/final/bleu")
    chosen = replace(record, objectives=(Objective(score, True, 0.0, 1.0, test),))
    assert key_for_test(chosen, parse_key("a/summary")) == parse_key("a/summary_test")
    assert key_for_test(chosen, score) == test
    assert key_for_test(chosen, parse_key("a/other/bleu")) is None
