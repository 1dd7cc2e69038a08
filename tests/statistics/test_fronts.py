from dataclasses import replace

import numpy as np
import pytest

from harness.records import mean_value, parse_key
from harness.statistics.comparing import compare
from harness.statistics.crossed import ItemTable, Sample
from harness.statistics.fronts import draw_values, front_shares, non_dominated
from harness.statistics.samples import Samples
from tests.statistics.simulate_fronts import FrontCell, shares_and_truth
from tests.synthetic import make_record, make_result

GENERAL = parse_key("pocket_general/summary")
ITEMS = tuple(f"item-{number:03}" for number in range(300))
RNG = np.random.default_rng(3)
HARD = RNG.normal(0, 0.3, 300)


@pytest.fixture(scope="module")
def record():
    return make_record(num_items=40)


def system(mean, seeds=(1, 2, 3, 4, 5), spread=0.1, between=0.02, items=ITEMS):
    effects = RNG.normal(0, between, max(1, len(seeds)))
    table = mean + HARD[: len(items)] + effects[:, None]
    table = table + RNG.normal(0, spread, table.shape)
    return Sample(table.mean(axis=1), (ItemTable(table, items),), tuple(seeds))


def test_draws_lie_about_the_values_as_wide_as_the_intervals_of_differences():
    first, second = system(0.5), system(0.6)
    drawn = draw_values({"first": first, "second": second}, num_draws=20000)
    difference = drawn["first"] - drawn["second"]
    parts = compare(first, second).components
    assert np.median(difference) == pytest.approx(first.value - second.value, abs=2e-3)
    middle = np.quantile(difference, 0.75) - np.quantile(difference, 0.25)
    # quartiles of Student's t with 4 degrees of freedom lie at .741 of its unit
    assert middle == pytest.approx(2 * 0.741 * np.sqrt(float(parts.variance)), rel=0.1)


def test_the_items_that_are_hard_for_all_move_all_together():
    drawn = draw_values({"a": system(0.5, seeds=()), "b": system(0.6, seeds=())}, 5000)
    assert np.corrcoef(drawn["a"], drawn["b"])[0, 1] == pytest.approx(0.9, abs=0.05)
    others = tuple(f"other-{number}" for number in range(300))
    apart = draw_values(
        {"a": system(0.5, seeds=()), "b": system(0.6, seeds=(), items=others)}, 5000
    )
    assert np.corrcoef(apart["a"], apart["b"])[0, 1] == pytest.approx(0.0, abs=0.05)


def test_runs_in_another_order_of_their_seeds_are_the_same_runs():
    sample, other = system(0.5), system(0.6)
    (table,) = other.tables
    turned = Sample(
        other.values_S[::-1], (ItemTable(table.values_SN[::-1], table.items),), other.seeds[::-1]
    )
    first = draw_values({"a": sample, "b": other}, 50)
    second = draw_values({"a": sample, "b": turned}, 50)
    assert second["b"] == pytest.approx(first["b"])


def test_equal_points_do_not_beat_each_other():
    losses = np.array([[[0.1, 0.2], [0.1 + 1e-12, 0.2], [0.3, 0.2]]])
    assert non_dominated(losses).tolist() == [[True, True, False]]


def test_shares_are_high_for_the_clear_and_split_for_the_close(record):
    shares = front_shares(record, Samples())
    feasible = {t.number for t in record.trials if t.values is not None and t.feasible}
    assert set(shares) == {t.number for t in record.trials if t.values is not None}
    assert shares[2] < 0.1
    assert all(0 <= share <= 1 for share in shares.values())
    mean_of_front = sum(shares[n] for n in record.front) / len(record.front)
    others = feasible - set(record.front)
    assert mean_of_front > sum(shares[n] for n in others) / len(others)


def test_a_constraint_that_is_barely_kept_makes_a_place_on_the_front_doubtful(record):
    trial = record.trials[4]
    runs = tuple(make_result(seed=s, general=0.7, num_items=40) for s in (1, 2, 3, 4, 5))
    value = mean_value(runs, GENERAL)
    shares = []
    for bound in (value - 0.3, value, value + 0.3):
        only = replace(trial, results=runs, violations={f"{GENERAL} >= {bound}": bound - value})
        shares.append(front_shares(replace(record, trials=(only,)), Samples())[4])
    assert shares == [
        pytest.approx(1.0, abs=0.01),
        pytest.approx(0.5, abs=0.1),
        pytest.approx(0.0, abs=0.01),
    ]


def test_trials_measured_alike_share_their_place_on_the_front(record):
    trial = record.trials[4]
    twins = replace(record, trials=(trial, replace(trial, number=50)), front=(4, 50))
    assert front_shares(twins, Samples()) == {4: 1.0, 50: 1.0}


def test_a_trial_whose_items_are_not_known_leaves_all_shares_unknown(record):
    trial = record.trials[4]
    bare = tuple(replace(run, summary_parts={}) for run in trial.results)
    assert front_shares(replace(record, trials=(replace(trial, results=bare),)), Samples()) == {}
    assert front_shares(replace(record, trials=()), Samples()) == {}


@pytest.mark.slow
@pytest.mark.parametrize("cell", [FrontCell(3, 0.03), FrontCell(5, 0.06)])
def test_shares_come_true_about_as_often_as_they_say(cell):
    told, true = shares_and_truth(cell, 200, seed=1)
    for low, high in ((0.2, 0.5), (0.5, 0.8), (0.8, 0.95)):
        inside = (told >= low) & (told < high)
        assert true[inside].mean() == pytest.approx(told[inside].mean(), abs=0.13)
