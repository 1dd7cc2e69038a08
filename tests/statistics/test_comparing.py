import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.comparing import Decision, compare, decide, holm, interval, is_within
from harness.statistics.crossed import ItemTable, Sample

RNG = np.random.default_rng(0)


def runs(mean, *, seeds=(), items=200, between=0.01, spread=0.1, shared=None):
    """Scores of items with a common part; each run moved by its seed's effect."""
    num_runs = max(1, len(seeds))
    common = RNG.normal(0, 0.3, items) if shared is None else shared
    effects = RNG.normal(0, between, num_runs) if seeds else np.zeros(num_runs)
    table = mean + common + effects[:, None] + RNG.normal(0, spread, (num_runs, items))
    table += (mean + effects - table.mean(axis=1))[:, None]
    return Sample(table.mean(axis=1), (ItemTable(table),), tuple(seeds))


SHARED = RNG.normal(0, 0.3, 200)
FIVE, OTHER = (1, 2, 3, 4, 5), (6, 7, 8, 9, 10)


def decision(first, second, **arguments):
    return decide(compare(first, second), higher_is_better=True, **arguments)


def test_a_large_difference_is_better_one_way_and_worse_the_other():
    high, low = runs(0.8, seeds=FIVE, shared=SHARED), runs(0.6, seeds=OTHER, shared=SHARED)
    assert decision(high, low) is Decision.BETTER
    assert decision(low, high) is Decision.WORSE
    assert decide(compare(low, high), higher_is_better=False) is Decision.BETTER


def test_a_small_difference_is_equivalent_within_a_wide_margin_and_undecided_without_one():
    first, second = runs(0.70, seeds=FIVE, shared=SHARED), runs(0.70, seeds=OTHER, shared=SHARED)
    assert decision(first, second, margin=0.1) is Decision.EQUIVALENT
    assert decision(first, second) is Decision.UNDECIDED
    assert decision(first, second, margin=0.001) is Decision.UNDECIDED


def test_a_difference_may_be_shown_to_be_no_worse_without_being_equivalent():
    rows = np.array([0.0, 0.04, 0.0, 0.04])[:, None] + np.zeros((4, 50))
    first = Sample(rows.mean(axis=1), (ItemTable(rows),), (1, 2, 3, 4))
    second = Sample(np.zeros(1), (ItemTable(np.zeros((1, 50))),))
    found = compare(first, second)
    # t(3) = 3.182 and 2.353 of the standard error .01155: .02 +- .037 and +- .027
    assert (found.low, found.high) == pytest.approx((-0.01674, 0.05674), abs=1e-4)
    assert decide(found, higher_is_better=True, margin=0.02) is Decision.NOT_WORSE
    assert decide(found, higher_is_better=False, margin=0.02) is Decision.UNDECIDED
    assert decide(found, higher_is_better=True, margin=0.05) is Decision.EQUIVALENT


def test_a_difference_that_is_real_and_too_small_to_matter_says_both():
    first = runs(0.72, seeds=FIVE, shared=SHARED, between=1e-4, spread=1e-3)
    second = runs(0.70, seeds=OTHER, shared=SHARED, between=1e-4, spread=1e-3)
    assert decision(first, second, margin=0.05) is Decision.BETTER
    assert is_within(compare(first, second), 0.05)
    assert not is_within(compare(first, second), 0.01)


def test_an_adjusted_p_decides_where_one_is_given():
    high, low = runs(0.8, seeds=FIVE, shared=SHARED), runs(0.6, seeds=OTHER, shared=SHARED)
    assert decision(high, low, p_value=0.2) is Decision.UNDECIDED


def test_one_seed_of_a_trained_system_decides_nothing_and_shows_its_items_alone():
    found = compare(runs(0.9, seeds=(1,), shared=SHARED), runs(0.1, seeds=FIVE, shared=SHARED))
    assert found.items_only
    assert found.p_value is None
    assert found.low is not None
    assert decide(found, higher_is_better=True, margin=5.0) is Decision.UNDECIDED


def test_one_seed_decides_nothing_though_no_item_differs_or_a_family_gives_a_p():
    first = runs(0.8, seeds=(1,), shared=SHARED)
    alike = compare(first, first)
    assert (alike.constant, alike.p_value) == (True, None)
    assert decide(alike, higher_is_better=True, margin=5.0, p_value=1.0) is Decision.UNDECIDED


def test_two_systems_without_seeds_are_compared_over_their_items():
    found = compare(runs(0.8, shared=SHARED), runs(0.6, shared=SHARED))
    assert found.num_seeds == (None, None)
    assert not found.items_only
    assert decide(found, higher_is_better=True) is Decision.BETTER


def test_no_item_that_differs_is_no_difference_and_no_test():
    first = runs(0.8, seeds=FIVE, shared=SHARED)
    found = compare(first, first)
    assert (found.value, found.low, found.high, found.p_value, found.constant) == (0, 0, 0, 1, True)
    assert decide(found, higher_is_better=True, margin=0.01) is Decision.EQUIVALENT


def test_a_difference_that_no_item_varies_about_has_no_interval():
    table = np.ones((1, 50))
    found = compare(
        Sample(np.ones(1), (ItemTable(table),)),
        Sample(np.zeros(1), (ItemTable(np.zeros((1, 50))),)),
    )
    assert (found.value, found.low, found.p_value, found.constant) == (1.0, None, None, False)


def test_items_that_all_score_alike_have_no_interval():
    alike = np.zeros((3, 48))
    assert interval(Sample(alike.mean(axis=1), (ItemTable(alike),), (1, 2, 3))) is None


def test_fewer_than_six_items_have_no_interval():
    few = runs(0.5, seeds=FIVE, items=5)
    assert interval(few) is None
    assert compare(few, runs(0.4, seeds=OTHER, items=5)).low is None


def test_an_interval_of_one_system_lies_about_its_value():
    found = runs(0.5, seeds=FIVE)
    low, high = interval(found)
    assert low < found.value < high
    assert (low + high) / 2 == pytest.approx(found.value)


def test_holm_equals_the_values_computed_by_hand():
    # Four tests: 4 * .005, 3 * .01, 2 * .03, then the largest so far.
    assert holm([0.03, 0.005, 0.04, 0.01]) == pytest.approx([0.06, 0.02, 0.06, 0.03])
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))
    assert all(a <= min(1.0, len(p_values) * p) for a, p in zip(adjusted, p_values, strict=True))
    ranked = sorted(zip(p_values, adjusted, strict=True))
    assert [a for _, a in ranked] == sorted(adjusted)
