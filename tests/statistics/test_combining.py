import numpy as np
import pytest

from harness.records import Objective, parse_key
from harness.statistics.combining import at_matched, combined, volume_sample
from harness.statistics.comparing import compare, interval
from harness.statistics.crossed import ItemTable, Sample
from tests.statistics.simulate_fronts import FrontCell, coverage

RNG = np.random.default_rng(5)
ITEMS = tuple(f"item-{number}" for number in range(100))
GOALS = tuple(Objective(parse_key(f"{name}/summary"), True, 0.0, 1.0) for name in ("task", "other"))


def sample(mean, seeds=(1, 2, 3), items=ITEMS):
    table = RNG.normal(0, 0.1, (max(1, len(seeds)), len(items)))
    table += mean - table.mean()
    return Sample(table.mean(axis=1), (ItemTable(table, items),), tuple(seeds))


def test_a_sum_has_the_weighted_items_and_seeds_at_the_value_it_is_given():
    first, second = sample(0.4), sample(0.6)
    both = combined([(0.25, first), (0.75, second)], 0.55)
    assert both.value == pytest.approx(0.55)
    (table,) = both.tables
    rows = [one.tables[0].values_SN for one in (first, second)]
    assert table.values_SN == pytest.approx(0.25 * rows[0] + 0.75 * rows[1])
    assert both.num_items == 100


def test_tables_of_other_items_stay_apart():
    both = combined([(1.0, sample(0.4)), (1.0, sample(0.6, items=ITEMS[:50]))], 1.0)
    assert [table.values_SN.shape for table in both.tables] == [(3, 100), (3, 50)]


def test_runs_are_added_by_seed_and_other_seeds_cannot_be():
    first, second = sample(0.4), sample(0.6)
    turned = Sample(
        second.values_S[::-1],
        (ItemTable(second.tables[0].values_SN[::-1], ITEMS),),
        second.seeds[::-1],
    )
    plain, again = (combined([(1.0, first), (1.0, one)], 1.0) for one in (second, turned))
    assert again.values_S == pytest.approx(plain.values_S)
    assert combined([(1.0, first), (1.0, sample(0.6, seeds=(4, 5, 6)))], 1.0) is None


def test_the_volume_of_one_point_varies_with_its_sides():
    point = (sample(0.5), sample(0.8, items=tuple(f"b{n}" for n in range(80))))
    volume = volume_sample([point], GOALS)
    assert volume.value == pytest.approx(0.4)
    # dV = .8 dx + .5 dy
    expected = 0.8 * point[0].values_S + 0.5 * point[1].values_S
    assert volume.values_S - volume.value == pytest.approx(expected - expected.mean(), abs=1e-6)
    low, high = interval(volume)
    assert low < 0.4 < high


def test_a_point_that_others_beat_adds_no_uncertainty():
    good, bad = (sample(0.5), sample(0.8)), (sample(0.3), sample(0.2))
    alone, both = volume_sample([good], GOALS), volume_sample([good, bad], GOALS)
    assert both.value == pytest.approx(alone.value)
    assert both.values_S == pytest.approx(alone.values_S)


def test_a_rival_is_taken_on_the_line_between_its_two_points():
    rivals = [
        {"task": sample(0.2), "other": sample(0.9)},
        {"task": sample(0.8), "other": sample(0.3)},
        {"task": sample(0.6), "other": sample(0.7)},
    ]
    own = {"task": sample(0.5), "other": sample(0.8)}
    matched = at_matched(own, rivals, "task", "other")
    mine, theirs = matched.own, matched.rival
    # at .5: three quarters of the way from .9 to .7
    assert (mine.value, theirs.value) == (pytest.approx(0.8), pytest.approx(0.75))
    assert compare(mine, theirs).value == pytest.approx(0.05)


def test_what_the_task_itself_varies_by_is_in_a_matched_difference():
    steep = [
        {"task": sample(0.4), "other": sample(0.9)},
        {"task": sample(0.5), "other": sample(0.1)},
    ]
    flat = [steep[0], {"task": steep[1]["task"], "other": sample(0.9)}]
    own = {"task": sample(0.45), "other": sample(0.5)}
    widths = []
    for rivals in (steep, flat):
        matched = at_matched(own, rivals, "task", "other")
        found = compare(matched.own, matched.rival)
        widths.append(found.high - found.low)
    assert widths[0] > 3 * widths[1]


def test_from_points_that_are_hardly_apart_nothing_is_decided():
    own = {"task": sample(0.5), "other": sample(0.8)}
    rivals = [
        {"task": sample(0.49), "other": sample(0.9)},
        {"task": sample(0.51), "other": sample(0.3)},
    ]
    near = at_matched(own, rivals, "task", "other")
    assert near.apart < 4
    assert not near.tells
    far = at_matched(own, [{**rivals[0], "task": sample(0.1)}, rivals[1]], "task", "other")
    assert far.tells


@pytest.mark.parametrize("value", [0.1, 0.9])
def test_outside_the_rivals_points_nothing_is_said(value):
    rivals = [
        {"task": sample(0.2), "other": sample(0.9)},
        {"task": sample(0.8), "other": sample(0.3)},
    ]
    own = {"task": sample(value), "other": sample(0.8)}
    assert at_matched(own, rivals, "task", "other") is None
    assert at_matched(own, rivals[:1], "task", "other") is None


@pytest.mark.slow
@pytest.mark.parametrize("cell", [FrontCell(3, 0.0), FrontCell(5, 0.03), FrontCell(10, 0.06)])
def test_intervals_of_whole_fronts_and_at_matched_task_cover(cell):
    of_cell = coverage(cell, 400, seed=1, apart=2.0)
    assert of_cell.volume >= 0.92
    assert of_cell.matched >= 0.92
    assert of_cell.volumes_apart <= 0.08
    assert of_cell.matched_apart <= 0.08
