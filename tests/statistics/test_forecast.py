import numpy as np
import pytest

from harness.statistics.comparing import compare
from harness.statistics.crossed import ItemTable, Sample
from harness.statistics.forecast import Forecast, Spread, spread_of, stated
from harness.statistics.planning import Units, least_amount, units_of


def configurations(by_seeds, *, rng, seed_sd=0.05, own_sd=0.3, rest_sd=0.4, num_items=200):
    """Of a suite of two benchmarks, one configuration for each tuple of seeds."""
    shared = rng.normal(0, 0.5, num_items)
    for seeds in by_seeds:
        table = (
            shared
            + rng.normal(0, own_sd, num_items)
            + rng.normal(0, seed_sd, (len(seeds), 1))
            + rng.normal(0, rest_sd, (len(seeds), num_items))
        )
        parts = np.split(table, [num_items // 4], axis=1)
        tables = tuple(ItemTable(part * part.shape[1] / num_items) for part in parts)
        yield Sample(table.mean(axis=1), tables, seeds)


@pytest.mark.parametrize(
    "by_seeds", [[(1, 2, 3), (3, 1, 2)], [(1, 2, 3), (4, 5, 6)]], ids=["common", "separate"]
)
def test_two_configurations_tell_what_their_comparison_does(by_seeds):
    first, second = configurations(by_seeds, rng=np.random.default_rng(1))
    spread, units = spread_of([first, second]), units_of(compare(first, second))
    assert spread.difference.design == units.design
    for name in ("item", "seed", "rest"):
        assert getattr(spread.difference, name) == pytest.approx(getattr(units, name))


def test_of_two_that_share_seeds_the_degrees_of_freedom_are_those_of_the_paired_test():
    pair = configurations([(1, 2, 3, 4), (1, 2, 3, 4)], rng=np.random.default_rng(1))
    assert spread_of(list(pair)).df == pytest.approx(3)


@pytest.mark.parametrize("first", [0, 5], ids=["common", "separate"])
def test_many_configurations_give_the_parts_they_were_made_of(first):
    by_seeds = [tuple(range(n * first, n * first + 5)) for n in range(60)]
    spread = spread_of(list(configurations(by_seeds, rng=np.random.default_rng(2))))
    assert spread.difference.item == pytest.approx(2 * 0.3**2, rel=0.1)
    assert spread.difference.seed == pytest.approx(2 * 0.05**2, rel=0.25)
    assert spread.difference.rest == pytest.approx(2 * 0.4**2, rel=0.05)
    assert spread.one_more.seed == pytest.approx(0.05**2, rel=0.25)
    assert spread.one_more.rest == pytest.approx(0.4**2, rel=0.05)
    assert spread.df > 100
    low, high = spread.likely("difference")
    assert low == high == spread.difference


def test_few_seeds_leave_a_range():
    units = Units(0.1, 1.0, 0.0, "common")
    low, high = Spread(units, units, 4.0, 100).likely("difference")
    # 4 / 7.779 and 4 / 1.0636, the quantiles of chi-squared with 4 degrees of freedom
    assert (low.seed, high.seed) == pytest.approx((0.5142, 3.7607), rel=1e-3)


def test_the_range_holds_what_is_true_in_about_80_of_100_cases():
    rng = np.random.default_rng(4)
    design = {"seed_sd": 0.06, "own_sd": 0.3, "rest_sd": 0.35, "num_items": 200}
    true = least_amount(Units(2 * 0.3**2, 2 * 0.06**2, 2 * 0.35**2, "separate"), 5, 200)
    held = 0
    for _ in range(150):
        spread = spread_of(list(configurations([(1, 2, 3), (4, 5, 6)], rng=rng, **design)))
        low, high = (least_amount(units, 5, 200) for units in spread.likely("difference"))
        held += low <= true <= high
    assert 0.72 * 150 <= held <= 0.95 * 150


def test_where_seeds_seem_to_do_nothing_they_may_still_do_something():
    units = Units(0.1, 0.0, 2.0, "common")
    low, high = Spread(units, units, 4.0, 100).likely("difference")
    # the seeds' mean square holds 2 / 100 of the rest, and may be 3.7607 times what was seen
    assert (low.seed, high.seed) == pytest.approx((0.0, 0.02 * 2.7607), rel=1e-3)


def test_one_configuration_leaves_open_how_items_differ_between_two():
    (alone,) = configurations([(1, 2, 3, 4, 5)], rng=np.random.default_rng(3), num_items=2000)
    low, high = spread_of([alone]).likely("difference")
    # what sets items apart: .5 shared and .3 of its own
    assert (low.item, high.item) == (0.0, pytest.approx(0.5**2 + 0.3**2, rel=0.1))


def test_a_guess_is_no_range():
    guess = stated(0.02, 0.5, 0.1, num_items=300, common=False)
    assert guess.likely("difference")[0] == guess.likely("difference")[1]
    assert guess.difference.item == pytest.approx(0.25 - 2 * 0.01)
    assert guess.difference.seed == pytest.approx(2 * 0.0004)
    assert guess.one_more.rest == pytest.approx(0.01)


def test_without_a_word_on_the_rest_the_careful_guess_is_taken():
    guess = stated(0.02, 0.5, None, num_items=300, common=True)
    assert (guess.difference.item, guess.difference.rest) == (0.25, 0.0)
    assert guess.one_more.rest == 0.125


def plan(units, amount, num_seeds=5, num_items=100):
    return Forecast("key", "difference", amount, (units, units), num_seeds, num_items)


@pytest.mark.parametrize(
    ("units", "amount", "growth"),
    [
        (Units(0.01, 0.0, 0.0, "common"), 0.1, "nothing"),
        (Units(0.1, 0.04**2, 0.5, "common"), 0.1, "either"),
        (Units(0.0, 0.1**2, 0.0, "common"), 0.1, "seeds"),
        (Units(1.0, 0.0, 0.0, "common"), 0.1, "items"),
        (Units(1.0, 0.1**2, 0.0, "common"), 0.1, "both"),
        (Units(1.0, 1.0, 0.0, "common"), 0.1, "beyond"),
    ],
)
def test_what_must_grow_is_said(units, amount, growth):
    assert plan(units, amount).growth == growth


def test_both_together_are_enough_where_neither_alone_is():
    forecast = plan(Units(1.0, 0.1**2, 0.0, "common"), 0.1)
    seeds, items = forecast.together
    grown = plan(Units(1.0, 0.1**2, 0.0, "common"), 0.1, seeds, items)
    assert grown.power[0] >= 0.8
