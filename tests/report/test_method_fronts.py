from dataclasses import replace

import numpy as np
import pytest

from harness.records import parse_key
from harness.report.method_fronts import (
    attained,
    attainment_figure,
    matched_table,
    method_fronts,
    volumes_table,
)
from harness.report.reference import best_of_variants
from harness.report.scored import scored
from harness.statistics.combining import combined
from harness.statistics.pareto import hypervolume
from tests.synthetic import OBJECTIVES, TRIALS, make_record, make_result

SEEDS = (101, 102, 103)
SFT, RADIS = (0, 1), (4, 5, 6)


def confirming(record, numbers, seeds=SEEDS):
    """The record with these trials confirmed, and no others."""
    trials = []
    for trial in record.trials:
        runs = ()
        if trial.number in numbers:
            variant, _, _, _, *qualities = TRIALS[trial.number]
            named = dict(zip(("translation", "general", "safety"), qualities, strict=True))
            runs = tuple(
                make_result(
                    variant=variant,
                    seed=seed,
                    splits=("test",),
                    params=trial.params,
                    num_items=40,
                    **named,
                )
                for seed in seeds
            )
        trials.append(replace(trial, confirmed=runs))
    return replace(record, trials=tuple(trials), margins={"general": 0.02})


@pytest.fixture(scope="module")
def plain():
    return make_record(num_items=40, fresh_seeds=())


@pytest.fixture(scope="module")
def sweep(plain):
    return scored(confirming(plain, SFT + RADIS))


@pytest.fixture(scope="module")
def fronts(sweep):
    return method_fronts(sweep)


def rows_of(table):
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def test_a_methods_front_is_all_of_its_confirmed_points(fronts):
    assert [(one.variant, [trial.number for trial in one.trials]) for one in fronts] == [
        ("sft", list(SFT)),
        ("radis", list(RADIS)),
    ]
    assert fronts[0].members == (0, 1)


def test_without_a_method_of_several_points_there_is_nothing_to_say(plain):
    alone = scored(confirming(plain, (1, 4)))
    assert method_fronts(alone) == []
    assert matched_table(alone, []) is None
    assert volumes_table(alone, []) is None
    assert attainment_figure(alone, []) is None


def test_at_matched_translation_a_trial_meets_the_line_between_a_rivals_points(sweep, fronts):
    rows = {row["trial"].split()[1]: row for row in rows_of(matched_table(sweep, fronts))}
    radis = rows["radis"]
    task, general = (
        parse_key(f"pocket_{name}/summary_test") for name in ("translation", "general")
    )
    low, high = ({key: one[key].value for key in (task, general)} for one in fronts[0].samples)
    (trial,) = [one for one in fronts[1].trials if f"#{one.number} radis" == radis["trial"]]
    mine = fronts[1].samples[fronts[1].trials.index(trial)]
    weight = (mine[task].value - low[task]) / (high[task] - low[task])
    between = low[general] + weight * (high[general] - low[general])
    assert radis["rival"] == "sft (#0, #1)"
    assert radis["translation"] == pytest.approx(mine[task].value)
    assert radis["general"].value == pytest.approx(mine[general].value - between)
    assert radis["general"].low < radis["general"].value < radis["general"].high
    assert radis["general"].remark


def test_outside_a_rivals_range_it_is_said_and_there_is_no_number(sweep, fronts):
    (row,) = [row for row in rows_of(matched_table(sweep, fronts)) if "sft" in row["trial"]]
    assert row["general"] is None
    assert row["remark"].startswith("outside radis's 0.")


def test_the_volume_of_a_front_is_that_of_its_points_in_stated_units(sweep, fronts):
    table = volumes_table(sweep, fronts)
    keys = [parse_key(f"pocket_{name}/summary_test") for name in ("translation", "general")]
    for row, front in zip(rows_of(table), fronts, strict=True):
        points = [[of_trial[key].value for key in keys] for of_trial in front.samples]
        expected = hypervolume(
            points,
            maximize=[True, True],
            reference=[o.reference for o in OBJECTIVES],
            scale=[o.scale for o in OBJECTIVES],
        )
        assert row["hypervolume"].value == pytest.approx(expected)
        assert row["hypervolume"].low < expected < row["hypervolume"].high
    assert "translation from 0 in units of 1" in table.note
    sft, radis = rows_of(table)
    assert sft["minus sft"] is None
    assert radis["minus sft"].value == pytest.approx(
        radis["hypervolume"].value - sft["hypervolume"].value
    )


def test_a_front_that_is_beyond_no_reference_has_no_volume_to_conclude_from(plain):
    far = tuple(replace(objective, reference=2.0) for objective in OBJECTIVES)
    sweep = scored(confirming(replace(plain, objectives=far), SFT + RADIS))
    for row in rows_of(volumes_table(sweep, method_fronts(sweep))):
        assert row["hypervolume"].remark == "no point is beyond the references"
        assert row["hypervolume"].low is None


def test_what_is_attained_is_the_best_of_the_points_that_reach_so_far():
    first = np.tile([0.2, 0.6], (10, 1))
    second = np.tile([0.9, 0.5], (10, 1))
    levels = attained([first, second], [True, True], np.array([0.1, 0.4, 0.7]))
    assert levels[1].tolist() == [0.9, 0.5, -np.inf]
    fewer = attained([-first, second], [False, True], np.array([-0.1, -0.4, -0.7]))
    assert fewer[1].tolist() == [0.9, 0.5, -np.inf]


def test_the_figure_of_what_is_attained_has_a_line_per_method(sweep, fronts):
    figure = attainment_figure(sweep, fronts)
    assert [trace.name for trace in figure.data if trace.name] == ["sft", "radis"]


def test_of_points_that_are_hardly_apart_nothing_is_decided_and_it_is_said(sweep, fronts):
    task = parse_key("pocket_translation/summary_test")
    general = parse_key("pocket_general/summary_test")
    sft, radis = fronts
    standing = best_of_variants(sweep.record)["radis"]
    value = radis.samples[radis.trials.index(standing)][task].value
    near = tuple(
        {
            **of_trial,
            task: combined([(1.0, of_trial[task])], value + shift),
            general: combined([(1.0, of_trial[general])], 0.1 - shift),
        }
        for of_trial, shift in zip(sft.samples, (-0.001, 0.001), strict=True)
    )
    rows = rows_of(matched_table(sweep, [replace(sft, samples=near), radis]))
    (row,) = [row for row in rows if row["trial"] == f"#{standing.number} radis"]
    assert row["remark"] == "sft's points are hardly apart there"
    assert row["general"].value > 0.5
    assert row["general"].remark == "undecided"
