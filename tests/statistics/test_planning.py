import math

import numpy as np
import pytest

from harness.statistics.comparing import compare
from harness.statistics.crossed import ItemTable, Sample
from harness.statistics.planning import (
    Units,
    items_needed,
    least_amount,
    power,
    seeds_needed,
    units_of,
)
from tests.statistics.simulate import NUM_KEYS, gate_passes, planned_power

SEPARATE = Units(0.1, 2 * 0.02**2, 0.2, "separate")


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
    difference = least_amount(units, num_seeds, num_items)
    assert power(units, difference, num_seeds, num_items) == pytest.approx(0.8)
    assert 0.72 <= planned_power(units, difference, num_seeds, num_items, 2000) <= 0.86


def test_eight_keys_pass_the_gate_as_often_as_is_promised():
    one_more = Units(0.0, 0.03**2, 0.1, "one more")
    tolerance = least_amount(one_more, 5, 100, 0.8 ** (1 / NUM_KEYS))
    assert 0.76 <= gate_passes(one_more, tolerance, 5, 100, 1000) <= 0.86


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


def test_the_least_difference_has_the_power_and_a_smaller_one_has_not():
    least = least_amount(SEPARATE, 5, 200)
    assert power(SEPARATE, least * 1.001, 5, 200) >= 0.8 > power(SEPARATE, least * 0.999, 5, 200)


@pytest.mark.parametrize(("num_seeds", "errors"), [(3, 6.0), (5, 4.4), (10, 3.9)])
def test_eight_keys_pass_together_at_the_tolerance_that_simulation_gave(num_seeds, errors):
    # standard errors at which a gate of 8 keys, simulated, passes as a whole in .8 of cases
    one_more = Units(0.0, 1.0, 0.0, "one more")
    se = math.sqrt(1 + 1 / num_seeds)
    least = least_amount(one_more, num_seeds, 1000, least_power=0.8 ** (1 / 8))
    assert least / se == pytest.approx(errors, abs=0.1)


def test_huge_differences_are_always_shown():
    assert {power(SEPARATE, 10.0**k, seeds, 100) for k in range(1, 9) for seeds in (5, 10)} == {1.0}
