import math

import numpy as np
import pytest

from harness.statistics.comparing import compare
from harness.statistics.crossed import ItemTable, Sample, components
from harness.statistics.planning import (
    Units,
    items_needed,
    likely,
    power,
    seeds_needed,
    units_of,
)

SEPARATE = Units(0.1, 2 * 0.02**2, 0.2, "separate")


def simulated_power(units, difference, num_seeds, num_items, datasets=2000):
    """How often the test of ``crossed`` shows the difference, of normal scores with these parts."""
    rng = np.random.default_rng(3)
    sides = 2 if units.design == "separate" else 1
    item = rng.normal(0, math.sqrt(units.item), (datasets, 1, num_items))
    tables, values = [], []
    for side in range(sides):
        seed = rng.normal(0, math.sqrt(units.seed / sides), (datasets, num_seeds, 1))
        rest = rng.normal(0, math.sqrt(units.rest / sides), (datasets, num_seeds, num_items))
        tables.append(seed + rest + (difference + item if side == 0 else 0))
        values.append(tables[-1].mean(axis=2))
    parts = components([tuple(tables)], values, [False] * sides)
    estimates = values[0].mean(axis=1) - (values[1].mean(axis=1) if sides == 2 else 0)
    return float(np.mean(2 * parts.tail(np.abs(estimates)) <= 0.05))


@pytest.mark.parametrize(
    ("units", "num_seeds", "num_items"),
    [
        (SEPARATE, 5, 100),
        (SEPARATE, 10, 100),
        (Units(0.02, 0.03**2, 0.1, "common"), 5, 150),
        (Units(0.2, 0.0, 0.05, "separate"), 5, 60),
        (Units(0.001, 2 * 0.05**2, 0.01, "separate"), 6, 100),
    ],
)
def test_what_is_promised_is_what_simulation_gives(units, num_seeds, num_items):
    promised = 0.8
    differences = np.linspace(0, 1, 2001)[1:]
    difference = next(d for d in differences if power(units, d, num_seeds, num_items) >= promised)
    assert 0.72 <= simulated_power(units, difference, num_seeds, num_items) <= 0.86


def test_fewer_than_five_seeds_are_never_planned():
    assert seeds_needed(SEPARATE, 10.0, 1100) == 5


def test_where_the_seeds_alone_are_too_noisy_no_number_of_items_is_enough():
    noisy = Units(0.1, 2 * 0.06**2, 0.2, "separate")
    assert items_needed(noisy, 0.01, 5) is None
    assert seeds_needed(noisy, 0.01, 10**6) is None


def test_the_least_number_of_items_has_the_power_and_one_fewer_has_not():
    needed = items_needed(Units(0.1, 0.0, 0.1, "separate"), 0.05, 5)
    units = Units(0.1, 0.0, 0.1, "separate")
    assert power(units, 0.05, 5, needed) >= 0.8 > power(units, 0.05, 5, needed - 1)


def test_units_are_found_again_in_a_large_table():
    rng = np.random.default_rng(1)
    num_seeds, num_items = 60, 400
    shared = rng.normal(0, 0.5, num_items)

    def side():
        table = (
            shared
            + rng.normal(0, 0.3, num_items)
            + rng.normal(0, 0.2, (num_seeds, 1))
            + rng.normal(0, 0.4, (num_seeds, num_items))
        )
        return table

    tables = [side(), side()]
    first, second = (
        Sample(table.mean(axis=1), (ItemTable(table),), tuple(range(start, start + num_seeds)))
        for start, table in zip((0, 100), tables, strict=True)
    )
    units = units_of(compare(first, second))
    assert units.design == "separate"
    assert units.item == pytest.approx(2 * 0.3**2, rel=0.2)
    assert units.seed == pytest.approx(2 * 0.2**2, rel=0.4)
    assert units.rest == pytest.approx(2 * 0.4**2, rel=0.05)


def test_few_seeds_leave_a_wide_range():
    low, high = likely(Units(0.1, 1.0, 0.1, "common"), 5)
    # 4 / 7.779 and 4 / 1.0636, the quantiles of chi-squared with 4 degrees of freedom
    assert (low.seed, high.seed) == pytest.approx((0.5142, 3.7607), rel=1e-3)
