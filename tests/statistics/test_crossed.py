import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.crossed import (
    ItemTable,
    Sample,
    clustered,
    components_of,
    pseudo_values,
    residual_mean_square,
)


def sample(rows, seeds=None):
    values = np.array(rows, dtype=float)
    runs = tuple(range(len(rows))) if seeds is None else seeds
    return Sample(values.mean(axis=1), (ItemTable(values),), runs)


# seeds in rows, items in columns; means of items 1, 2, 4.5 and of seeds 2, 3
FIRST = [[1, 2, 3], [1, 2, 6]]
# means of items 0, 1, 2 and of seeds 2, 0
SECOND = [[1, 2, 3], [-1, 0, 1]]


def test_the_parts_of_a_mean_are_those_computed_by_hand():
    found = components_of(sample(FIRST))
    # items: var(1, 2, 4.5) / 3; seeds: var(2, 3) / 2
    assert float(found.items) == pytest.approx(3.25 / 3)
    assert float(found.seeds) == pytest.approx(0.5 / 2)
    # residuals +-(.5, .5, -1): 2 * 1.5 / ((3 - 1) (2 - 1)) = 1.5, over N S = 6
    assert float(found.rest) == pytest.approx(1.5 / 6)
    assert (found.items_df, float(found.seeds_df)) == (2, 1)
    assert float(found.variance) == pytest.approx(0.25 + 3.25 / 3 - 0.25)


def test_separate_seeds_add_up_with_the_degrees_of_freedom_of_welch():
    found = components_of(sample(FIRST, (1, 2)), sample(SECOND, (3, 4)))
    # differences of items' means 1, 1, 2.5
    assert float(found.items) == pytest.approx(0.75 / 3)
    assert float(found.seeds) == pytest.approx(0.5 / 2 + 2 / 2)
    assert float(found.rest) == pytest.approx(1.5 / 6 + 0)
    assert float(found.seeds_df) == pytest.approx(1.25**2 / (0.25**2 / 1 + 1**2 / 1))


def test_common_seeds_are_one_table_of_differences_whatever_their_order():
    found = components_of(sample(FIRST, (1, 2)), sample(SECOND[::-1], (2, 1)))
    # differences (0, 0, 0) and (2, 2, 5): seeds 0 and 3, residuals as in FIRST
    assert float(found.seeds) == pytest.approx(4.5 / 2)
    assert float(found.rest) == pytest.approx(1.5 / 6)
    assert float(found.seeds_df) == 1


def test_a_system_without_seeds_adds_to_the_items_alone():
    fixed = Sample(np.array([1.0]), (ItemTable(np.array([[0.0, 1.0, 2.0]])),))
    found = components_of(sample(FIRST), fixed)
    assert float(found.seeds) == pytest.approx(0.5 / 2)
    assert float(found.items) == pytest.approx(0.75 / 3)
    alone = components_of(fixed, fixed)
    assert (float(alone.seeds), float(alone.rest), math.isinf(alone.seeds_df)) == (0, 0, True)
    assert float(alone.df) == 2


def test_the_half_width_is_that_of_the_t_test_over_seeds_where_they_are_all_there_is():
    rows = [[0.1] * 4, [0.2] * 4, [0.6] * 4]
    found = components_of(sample(rows))
    # sd of .1, .2, .6 is .26458; t(2) at .975 is 4.30265
    assert float(found.half_width(0.975)) == pytest.approx(4.302653 * 0.264575 / math.sqrt(3), 1e-5)
    assert 2 * float(found.tail(found.half_width(0.975))) == pytest.approx(0.05)


def test_without_seeds_it_is_the_t_test_over_items():
    fixed = Sample(np.array([2.0]), (ItemTable(np.array([[1.0, 2.0, 3.0]])),))
    found = components_of(fixed)
    assert float(found.half_width(0.975)) == pytest.approx(4.302653 / math.sqrt(3), 1e-5)


def test_a_suite_adds_items_and_rest_of_its_benchmarks_and_takes_seeds_from_its_value():
    rows = np.array(FIRST, dtype=float) / 2
    suite = Sample(2 * rows.mean(axis=1), (ItemTable(rows), ItemTable(rows)), (1, 2))
    found, alone = components_of(suite), components_of(sample(FIRST))
    assert float(found.items) == pytest.approx(float(alone.items) / 2)
    assert float(found.rest) == pytest.approx(float(alone.rest) / 2)
    assert float(found.seeds) == pytest.approx(float(alone.seeds))
    assert found.items_df == 4


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=9))
def test_the_pseudo_values_of_a_mean_are_its_scores(scores):
    statistics = np.array([[score, 1.0] for score in scores])
    found = pseudo_values(statistics, lambda totals: totals[0] / totals[1])
    assert found == pytest.approx(np.array(scores), abs=1e-9)


def test_the_pseudo_values_of_a_ratio_are_those_computed_by_hand():
    # 1 of 2, 3 of 4 and 2 of 2: 6/8; without each 5/6, 3/4, 4/6
    found = pseudo_values(np.array([[1.0, 2.0], [3.0, 4.0], [2.0, 2.0]]), lambda t: t[0] / t[1])
    assert found == pytest.approx(np.array([3 * 0.75 - 2 * f for f in (5 / 6, 3 / 4, 4 / 6)]))


def test_a_metric_without_a_value_has_no_pseudo_values():
    assert pseudo_values(np.zeros((3, 1)), lambda totals: None) is None


def test_items_of_a_cluster_are_summed():
    statistics = np.array([[1.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    assert clustered(statistics, ["b", "a", "b"]).tolist() == [[2.0, 1.0], [5.0, 2.0]]


def test_the_residual_of_a_table_that_adds_up_is_none():
    table = np.add.outer([0.0, 3.0], [1.0, 2.0, 5.0])
    assert float(residual_mean_square(table)) == pytest.approx(0, abs=1e-12)
