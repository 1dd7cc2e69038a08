import numpy as np
import pytest
from scipy import stats

from harness.statistics.crossed import ItemTable, Sample, components_of, components_of_new_runs
from harness.statistics.gating import Drop, GateDecision, drop_of, fixed, judge
from tests.statistics.simulate import PAGE, SECTIONS, GateCell, gate_cells, simulate_gate

PASS, REGRESSION, UNDECIDED = GateDecision.PASS, GateDecision.REGRESSION, GateDecision.UNDECIDED


def sample(rows, seeds=()):
    table = np.asarray(rows, dtype=np.float64)
    return Sample(table.mean(axis=1), (ItemTable(table),), tuple(seeds))


def drawn(num_seeds, num_items=50, first_seed=1, seed=0, shift=0.0):
    rng = np.random.default_rng([seed, first_seed])
    item = np.random.default_rng(seed).normal(0, 1, num_items)
    noise = rng.normal(0, 0.1, (num_seeds, 1)) + rng.normal(0, 0.3, (num_seeds, num_items))
    return sample(item + noise + shift, range(first_seed, first_seed + num_seeds))


def test_the_parts_of_new_runs_are_the_known_runs_times_their_own_and_the_new_share():
    known, new = drawn(4), drawn(2, first_seed=11)
    own, parts = components_of(known), components_of_new_runs(known, new)
    # of a mean of 4 and a mean of 2: s^2 (1/4 + 1/2), where the known mean alone has s^2 / 4
    assert parts.seeds == pytest.approx(float(own.seeds) * 3)
    assert parts.rest == pytest.approx(float(own.rest) * 3)
    assert float(parts.seeds) == pytest.approx(known.values_S.var(ddof=1) * (1 / 4 + 1 / 2))
    between = known.tables[0].values_SN.mean(axis=0) - new.tables[0].values_SN.mean(axis=0)
    assert float(parts.items) == pytest.approx(between.var(ddof=1) / 50)
    assert float(parts.seeds_df) == 3


def test_three_new_runs_are_compared_by_their_own_spread_too():
    known, new = drawn(5), drawn(3, first_seed=11)
    drop = drop_of(known, new, higher_is_better=True)
    both = components_of(known, new)
    assert float(drop.components.seeds) == float(both.seeds)
    assert float(drop.components.seeds) != float(components_of_new_runs(known, new).seeds)


def test_the_mean_of_runs_made_again_is_compared_over_items_alone():
    old, new = fixed(drawn(3)), fixed(drawn(3, first_seed=11, shift=-0.3))
    drop = drop_of(old, new, higher_is_better=True)
    first, second = (side.tables[0].values_SN[0] for side in (old, new))
    test = stats.ttest_rel(first, second, alternative="greater")
    assert drop.p_value == pytest.approx(test.pvalue)
    low = stats.ttest_rel(first, second).confidence_interval(0.9)
    assert drop.upper() == pytest.approx(low.high)
    assert drop.upper(0.1) < drop.upper()


def test_a_drop_is_a_rise_where_lower_is_better():
    known, new = drawn(4), drawn(1, first_seed=11)
    up, down = (drop_of(known, new, higher_is_better=value) for value in (True, False))
    assert up.value == pytest.approx(-down.value)
    assert min(up.p_value, down.p_value) < 0.5
    assert max(up.p_value, down.p_value) == 1.0


@pytest.mark.parametrize("num_items", [6, 100])
def test_items_that_all_fell_alike_are_a_drop_by_the_sign_test(num_items):
    old, new = sample([[1.0] * num_items]), sample([[0.0] * num_items])
    drop = drop_of(old, new, higher_is_better=True)
    assert (drop.value, drop.upper(), drop.p_value) == (1.0, 1.0, 2.0**-num_items)
    assert judge({"a": drop}, {"a": 0.02})["a"] == (REGRESSION, 2.0**-num_items)
    gain = drop_of(new, old, higher_is_better=True)
    assert judge({"a": gain}, {"a": 0.0})["a"][0] is PASS


def test_fewer_than_six_items_say_nothing_unless_none_differs():
    old, new = sample([[1.0, 0.0, 1.0]]), sample([[0.0, 1.0, 1.0]])
    drop = drop_of(old, new, higher_is_better=True)
    assert (drop.value, drop.constant, drop.upper()) == (0.0, False, None)
    assert judge({"a": drop}, {"a": 0.5})["a"][0] is UNDECIDED
    same = drop_of(old, old, higher_is_better=True)
    assert (same.constant, same.upper()) == (True, 0.0)
    assert judge({"a": same}, {"a": 0.0})["a"][0] is PASS


def test_holm_counts_what_differs_alone():
    drop = drop_of(
        fixed(drawn(1)), fixed(drawn(1, first_seed=11, shift=-0.3)), higher_is_better=True
    )
    same = Drop(0.0, None, 50, constant=True)
    alone = judge({"a": drop}, {"a": 0.0})["a"][1]
    beside = judge({"a": drop, "b": same, "c": same}, dict.fromkeys("abc", 0.0))["a"][1]
    twice = judge({"a": drop, "d": drop}, dict.fromkeys("ad", 0.0))["a"][1]
    assert alone == beside == drop.p_value
    assert twice == pytest.approx(2 * drop.p_value)


def test_so_many_items_as_are_said_to_decide_do_so_in_about_eight_of_ten_cases():
    drop = drop_of(fixed(drawn(1)), fixed(drawn(1, first_seed=11)), higher_is_better=True)
    tolerance = drop.value + 0.05
    needed = drop.items_needed(tolerance)
    sd = float(np.sqrt(drop.components.variance * 50))
    rng = np.random.default_rng(7)
    drops = rng.normal(drop.value, sd, (4000, needed))
    half = stats.t.ppf(0.95, needed - 1) * drops.std(axis=1, ddof=1) / np.sqrt(needed)
    assert np.mean(drops.mean(axis=1) + half < tolerance) == pytest.approx(0.8, abs=0.02)


def test_no_number_of_items_decides_where_the_seeds_alone_leave_it_open():
    drop = drop_of(drawn(4), drawn(1, first_seed=11), higher_is_better=True)
    assert drop.items_needed(drop.value + 1e-4) is None


def test_every_cell_of_the_gate_stands_on_the_page_within_its_bounds():
    (section,) = (
        part
        for part in PAGE.read_text("utf-8").split("\n## ")
        if part.startswith(SECTIONS["gate"][0])
    )
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    rows = [[float(cell) for cell in line] for line in lines[2:]]
    settings = [(c.baseline_seeds, c.new_runs, c.items, c.spread) for c in gate_cells()]
    assert [tuple(row[:4]) for row in rows] == settings
    for seeds, _, _, _, *regressions, _, at_5, _, at_7, passes in rows:
        assert max(regressions) <= 0.06
        assert (at_7 if seeds == 3 else at_5) >= 0.85
        assert passes <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "errors"),
    [
        (GateCell(5, 1, 100, 0.03), 5),
        (GateCell(5, 1, 100, 0.06), 5),
        (GateCell(3, 1, 100, 0.03), 7),
        (GateCell(5, 3, 100, 0.03), 5),
    ],
    ids=str,
)
def test_the_gates_error_rates_are_those_that_are_promised(cell, errors):
    rates = simulate_gate(cell, datasets=1000)
    assert max(rates.any_regression.values()) <= 0.06
    assert rates.all_pass[errors] >= 0.85
    assert rates.passes_at_tolerance <= 0.06
