import random
from dataclasses import replace

import pytest

from harness.errors import EXIT_DONE, EXIT_NO, EXIT_UNDECIDED, DataError
from harness.gate.baseline import Baseline, Tolerance
from harness.gate.decide import compare
from harness.gate.verdict import Outcome
from harness.records import Score, parse_key
from tests.synthetic import make_result

NEW = parse_key("suite/new/exact_match")
FACTS = parse_key("pocket_general/facts_test/exact_match")


def scored(values, *, key="suite/bench/exact_match", signature="s", seed=1, upwards=True):
    ids = tuple(f"item-{n}" for n in range(len(values)))
    statistics = tuple((float(value), 1.0) for value in values)
    key = parse_key(str(key))
    score = Score(key.metric, sum(values) / len(values), upwards, signature, ids, statistics)
    empty = make_result(num_items=1, seed=seed)
    return replace(empty, scores={key: score}, config={"a": 1}, unmeasured={})


def verdict(old, new, *, tolerance=0.02, **settings):
    baseline = Baseline(Tolerance(default=tolerance), tuple(old))
    report = compare(baseline, new, **settings)
    assert len(report.verdicts) == 1
    return report.verdicts[0], report


def hits(rate, num_items=400, seed=0):
    rng = random.Random(seed)
    return [float(rng.random() < rate) for _ in range(num_items)]


def test_the_same_scores_pass_unchanged_even_without_tolerance():
    result = make_result(splits=("test",))
    report = compare(Baseline(Tolerance(default=0.0), (result,)), [result])
    assert report.outcome is Outcome.PASS
    assert report.exit_code == EXIT_DONE
    assert {found.reason for found in report.verdicts} == {"unchanged"}


def test_all_right_stays_all_right():
    found, _ = verdict([scored([1.0] * 4)], [scored([1.0] * 4)])
    assert found.outcome is Outcome.PASS


def test_a_clear_drop_is_a_regression():
    found, report = verdict([scored(hits(0.9))], [scored(hits(0.7))])
    assert found.outcome is Outcome.REGRESSION
    assert report.exit_code == EXIT_NO
    assert found.change == pytest.approx(-0.2, abs=0.05)
    assert found.interval.high < 0


def test_a_clear_gain_passes():
    found, _ = verdict([scored(hits(0.7))], [scored(hits(0.9))])
    assert found.outcome is Outcome.PASS


def test_a_drop_within_the_tolerance_passes_when_the_interval_is_within_it_too():
    old = [1.0] * 1000
    found, _ = verdict([scored(old)], [scored([0.0] * 10 + old[10:])], tolerance=0.02)
    assert found.outcome is Outcome.PASS
    assert found.interval.high < 0


def test_what_is_open_is_undecided_and_names_the_items_that_would_decide():
    old, new = hits(0.8, 100, 1), hits(0.8, 100, 2)
    found, report = verdict([scored(old)], [scored(new)], tolerance=0.02)
    assert found.outcome is Outcome.UNDECIDED
    assert report.exit_code == EXIT_UNDECIDED
    assert found.items_needed > 100
    assert f"about {found.items_needed} items would decide" in found.reason


def test_where_lower_is_better_a_rise_is_the_regression():
    key = parse_key("suite/bench/empty")
    low, high = (scored(hits(rate), key=key, upwards=False) for rate in (0.1, 0.4))
    assert verdict([low], [high])[0].outcome is Outcome.REGRESSION
    assert verdict([high], [low])[0].outcome is Outcome.PASS


def test_a_missing_score_is_a_regression_with_its_reason():
    old = make_result(splits=("test",))
    scores = {key: score for key, score in old.scores.items() if key != FACTS}
    new = replace(old, scores=scores, unmeasured={FACTS: "no such file: facts.jsonl"})
    report = compare(Baseline(Tolerance(), (old,)), [new])
    assert report.exit_code == EXIT_NO
    worse = [found for found in report.verdicts if found.outcome is Outcome.REGRESSION]
    assert [found.key for found in worse] == [FACTS]
    assert worse[0].reason == "not measured: no such file: facts.jsonl"


def test_a_score_missing_in_one_seed_is_a_regression_that_names_the_seed():
    old = [scored(hits(0.9), seed=seed) for seed in (1, 2)]
    new = [old[0], replace(old[1], scores={})]
    found, _ = verdict(old, new)
    assert found.outcome is Outcome.REGRESSION
    assert "in the run with seed 2" in found.reason


def test_another_signature_cannot_be_decided():
    found, report = verdict([scored(hits(0.9), signature="a")], [scored(hits(0.1), signature="b")])
    assert found.outcome is Outcome.UNDECIDED
    assert "different signatures: a / b" in found.reason
    assert report.exit_code == EXIT_UNDECIDED


def test_other_items_cannot_be_decided():
    found, _ = verdict([scored(hits(0.9))], [scored(hits(0.9)[:-1])])
    assert found.outcome is Outcome.UNDECIDED
    assert "not the same items: 1 of them" in found.reason


def test_a_handful_of_items_decides_nothing():
    found, _ = verdict([scored([1.0] * 5)], [scored([0.0] * 5)])
    assert found.outcome is Outcome.UNDECIDED
    assert found.items_needed == 6


def test_a_regression_outweighs_what_is_undecided():
    old, new = make_result(splits=("test",)), make_result(splits=("test",), general=0.2)
    key = parse_key("pocket_safety/harmful_test/exact_match")
    changed = replace(new.scores[key], signature="another")
    report = compare(
        Baseline(Tolerance(), (old,)), [replace(new, scores={**new.scores, key: changed})]
    )
    assert report.count(Outcome.UNDECIDED) >= 1
    assert report.outcome is Outcome.REGRESSION


def test_scores_only_the_candidate_has_are_named_not_compared():
    old = scored(hits(0.9))
    new = replace(old, scores={**old.scores, NEW: old.scores[parse_key("suite/bench/exact_match")]})
    _, report = verdict([old], [new])
    assert report.uncompared == (NEW,)
    assert report.outcome is Outcome.PASS


def test_seeds_that_scatter_widen_the_interval():
    rates = (0.5, 0.9, 0.6, 0.8)
    old = [scored(hits(0.8, seed=seed), seed=seed) for seed in range(4)]
    steady = [scored(hits(0.78, seed=seed), seed=seed) for seed in range(4)]
    wild = [scored(hits(rate, seed=seed), seed=seed) for seed, rate in enumerate(rates)]
    narrow, _ = verdict(old, steady)
    wide, _ = verdict(old, wild)
    assert narrow.num_seeds == wide.num_seeds == (4, 4)
    assert (wide.interval.high - wide.interval.low) > 3 * (
        narrow.interval.high - narrow.interval.low
    )
    assert wide.outcome is Outcome.UNDECIDED


@pytest.mark.slow
def test_chance_alone_rarely_fails_any_of_many_scores():
    failed = 0
    for trial in range(40):
        runs = []
        for side in (0, 1):
            rng = random.Random(f"{trial}/{side}")
            scores = {}
            for number in range(10):
                key = parse_key(f"suite/bench_{number}/exact_match")
                values = [float(rng.random() < 0.8) for _ in range(80)]
                scores[key] = scored(values, key=key).scores[key]
            runs.append(replace(scored([1.0] * 6), scores=scores))
        report = compare(Baseline(Tolerance(default=0.0), (runs[0],)), [runs[1]], seed=trial)
        failed += report.outcome is Outcome.REGRESSION
    assert failed <= 5  # 5 % of 40 are 2; more than 5 would happen once in a hundred times


@pytest.mark.parametrize("side", ["baseline", "scores"])
def test_a_value_that_was_edited_is_refused(side):
    result = scored(hits(0.9))
    key = parse_key("suite/bench/exact_match")
    edited = replace(result, scores={key: replace(result.scores[key], value=0.5)})
    sides = (edited, result) if side == "baseline" else (result, edited)
    with pytest.raises(DataError, match=rf"{side}: 0\.scores\.{key}\.value: found 0\.5"):
        verdict([sides[0]], [sides[1]])


def test_a_score_whose_file_lacks_its_settings_is_not_said_to_add_up_to_something():
    key = parse_key("suite/bench/chrf")
    of_order_4 = ((1.0,) * 12,) * 6
    score = Score("chrf", 50.0, True, "s", tuple("abcdef"), of_order_4)
    result = replace(scored([1.0] * 6), scores={key: score})
    with pytest.raises(DataError, match=r"found 50\.0, but its items cannot be added up"):
        verdict([result], [result])


def test_two_configurations_are_not_one_candidate():
    result = scored(hits(0.9))
    other = replace(result, config={"a": 2}, seed=2)
    with pytest.raises(DataError, match="scores: found 2 configurations"):
        verdict([result], [result, other])
    with pytest.raises(DataError, match="no results"):
        verdict([result], [])
