"""What is kept of an ability: where a ratio may be given at all, and its interval."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.records import Score, SummaryPart, TrialResult, parse_key
from harness.statistics.retention import kept_of_base, kept_of_part
from harness.statistics.samples import Samples

KEY = parse_key("s/b_validation/exact_match")
OTHER = parse_key("s/c_validation/exact_match")
SUITE = parse_key("s/summary")
QUARTER = SummaryPart(KEY, worst=0, best=1, chance=0.25)
PLAIN = SummaryPart(KEY, worst=0, best=1)


def result(rights, seed=0, variant="base", parts=(PLAIN,), signature="s"):
    """A run that got so many of a hundred items right, by key; or just those of a list."""
    scores = {}
    for key, given in rights.items():
        items = [1.0] * given + [0.0] * (100 - given) if isinstance(given, int) else given
        names = tuple(f"{n:04}" for n in range(len(items)))
        rows = tuple((float(one), 1.0) for one in items)
        value = math.fsum(items) / len(items)
        scores[key] = Score("exact_match", value, True, signature, names, rows)
    return TrialResult(
        variant, f"{variant}{seed}", {}, variant, seed, scores, {}, {SUITE: 0.5}, {}, {}, {}, {},
        summary_parts={SUITE: tuple(parts)},
    )  # fmt: skip


def kept(tuned, base, part=PLAIN):
    runs = tuned if isinstance(tuned, tuple) else (result({KEY: tuned}, 1, "sft"),)
    return kept_of_part(runs, result({KEY: base}), part, Samples())


def test_it_is_what_is_left_above_chance():
    assert kept(50, 75, QUARTER).value == pytest.approx(0.5)
    assert kept(20, 75, QUARTER).value == pytest.approx(-0.1)
    everything = kept(75, 75, QUARTER)
    assert (everything.value, everything.low, everything.high) == pytest.approx((1, 1, 1), abs=2e-3)


@pytest.mark.parametrize(
    ("tuned", "base", "part"),
    [
        (94, 6, PLAIN),  # 1567 %: six of a hundred are above 0, but nothing to keep
        (7, 6, PLAIN),
        (20, 30, QUARTER),  # its interval is .21 to .39
        (60, 30, QUARTER),
        (60, 33, QUARTER),  # .23 to .42
        (60, 20, QUARTER),
        (10, 50, SummaryPart(KEY, worst=1, best=0)),
        ([1.0] * 5, [1.0] * 4 + [0.0], PLAIN),  # too few items for an interval of the base
    ],
)
def test_there_is_none_unless_the_base_is_clearly_above_chance(tuned, base, part):
    assert kept(tuned, base, part) is None


def test_more_items_make_clear_what_few_do_not():
    thousand = [1.0] * 360 + [0.0] * 640
    assert kept(36, 36, QUARTER) is not None
    assert kept(33, 33, QUARTER) is None
    assert kept(thousand, thousand, QUARTER).value == pytest.approx(1.0)


def test_scores_that_do_not_compare_have_none():
    tuned = result({KEY: 70}, 1, "sft", signature="other")
    assert kept((tuned,), 75) is None
    lacking = replace(tuned, scores={})
    assert kept((lacking,), 75) is None


def test_the_interval_of_one_run_is_fiellers_closed_form():
    rng = np.random.default_rng(3)
    base = (rng.random(200) < 0.7).astype(float)
    tuned = np.where(rng.random(200) < 0.8, base, 1 - base)
    found = kept(list(tuned), list(base), QUARTER)
    (vt, c), (_, vb) = np.cov(tuned, base) / 200
    q = stats.t.ppf(0.975, 199) ** 2
    t, b = tuned.mean() - 0.25, base.mean() - 0.25
    roots = np.roots([b * b - q * vb, -2 * (t * b - q * c), t * t - q * vt])
    assert (found.low, found.high) == pytest.approx(sorted(roots), abs=1e-6)


def test_seeds_that_differ_widen_it():
    alike = tuple(result({KEY: 60}, seed, "sft") for seed in (1, 2, 3))
    apart = tuple(result({KEY: n}, seed, "sft") for seed, n in ((1, 50), (2, 60), (3, 70)))
    narrow, wide = kept(alike, 80), kept(apart, 80)
    assert narrow.value == pytest.approx(wide.value)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_a_suite_keeps_the_mean_of_those_of_which_it_can_be_said():
    parts = (PLAIN, replace(PLAIN, key=OTHER))
    base = result({KEY: 80, OTHER: 50}, parts=parts)
    tuned = [result({KEY: 40, OTHER: 50}, 1, "sft", parts)]
    found = kept_of_base(tuned, base, SUITE, Samples())
    assert found.value == pytest.approx(0.75)
    assert found.low < 0.75 < found.high
    weak = result({KEY: 80, OTHER: 4}, parts=parts)
    assert kept_of_base(tuned, weak, SUITE, Samples()).value == pytest.approx(0.5)
    none = result({KEY: 3, OTHER: 4}, parts=parts)
    assert kept_of_base(tuned, none, SUITE, Samples()) is None
    assert kept_of_base(tuned, None, SUITE, Samples()) is None


@pytest.mark.slow
def test_the_intervals_cover_the_true_ratio():
    rng = np.random.default_rng(11)
    covered, trials, suites = 0, 0, 0
    for _ in range(200):
        ease = rng.normal(0, 1, 60)
        base = (rng.random(60) < stats.norm.cdf(ease + 0.6)).astype(float)
        tuned = (rng.random(60) < stats.norm.cdf(ease + 0.2)).astype(float)
        runs = [result({KEY: list(tuned)}, 1, "sft")]
        untuned = result({KEY: list(base)})
        part = kept_of_part(runs, untuned, PLAIN, Samples())
        suite = kept_of_base(runs, untuned, SUITE, Samples())
        # a sum of two standard normals: cdf(shift / sqrt(2))
        truth = stats.norm.cdf(0.2 / 2**0.5) / stats.norm.cdf(0.6 / 2**0.5)
        trials += 1
        covered += part.low <= truth <= part.high
        suites += suite.low <= truth <= suite.high
    assert covered / trials == pytest.approx(0.95, abs=0.035)
    assert suites / trials == pytest.approx(0.95, abs=0.035)
