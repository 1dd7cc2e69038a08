"""Methods by all of their confirmed points: at each other's translation, and as whole fronts.

One point of a method stands for one choice between the task and the rest; another choice is another
point. So a method is also compared with what lies between two points of a rival, at the same
translation, and by the volume that all of its points cover. All of it is on test data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import plotly.graph_objects as go

from harness.records import Axis, Key, Objective, Split, SummaryKey, SweepTrial
from harness.report.figures import faded, styled
from harness.report.names import axis_of, variant_of
from harness.report.points import COLOURS, styles_of
from harness.report.reference import best_of_variants, key_for_test
from harness.report.scored import ScoredSweep
from harness.report.table import Column, Table, number_text
from harness.statistics.combining import MIN_APART, at_matched, volume_sample
from harness.statistics.comparing import Comparison, Decision, compare, decide, interval, is_within
from harness.statistics.crossed import Floats, Sample
from harness.statistics.estimates import Estimate
from harness.statistics.fronts import draw_values
from harness.statistics.margins import DEFAULT_MARGINS
from harness.statistics.pareto import front
from harness.statistics.samples import holm_of
from harness.statistics.wording import decision_text

MIN_POINTS = 2
_GRID = 80


@dataclass(frozen=True)
class MethodFront:
    """The confirmed points of a method.

    Attributes:
        variant: The method.
        trials: Confirmed ones that keep every constraint.
        samples: Of each, by key, its test scores.
        members: Indices of those that none of them beats in every objective.
    """

    variant: str
    trials: tuple[SweepTrial, ...]
    samples: tuple[Mapping[Key, Sample], ...]
    members: tuple[int, ...]


def method_fronts(sweep: ScoredSweep) -> list[MethodFront]:
    """Of every method with confirmed trials, plain fine-tuning first; [] if none has several."""
    record = sweep.record
    goals = confirmed_objectives(sweep)
    styles = styles_of(record)
    fronts = []
    for variant in sorted(styles, key=styles.__getitem__):
        trials = [
            trial
            for trial in record.trials
            if variant_of(trial) == variant and trial.confirmed and trial.feasible
        ]
        samples = [_samples(sweep, trial) for trial in trials]
        whole = [
            index for index, of_trial in enumerate(samples) if all(o.key in of_trial for o in goals)
        ]
        if whole and goals:
            kept = [samples[index] for index in whole]
            members = front(
                [[of_trial[o.key].value for o in goals] for of_trial in kept],
                [o.maximize for o in goals],
            )
            fronts.append(
                MethodFront(variant, tuple(trials[index] for index in whole), tuple(kept), members)
            )
    return fronts if any(len(of_method.trials) >= MIN_POINTS for of_method in fronts) else []


def confirmed_objectives(sweep: ScoredSweep) -> list[Objective]:
    """The objectives as they are confirmed; [] where one is not."""
    goals = [
        replace(objective, key=key)
        for objective in sweep.record.objectives
        if (key := key_for_test(sweep.record, objective.key)) is not None
    ]
    return goals if len(goals) == len(sweep.record.objectives) else []


def _samples(sweep: ScoredSweep, trial: SweepTrial) -> dict[Key, Sample]:
    """Its test scores at the objectives and at every suite's summary."""
    keys: list[Key] = [objective.key for objective in confirmed_objectives(sweep)]
    keys += sorted({key for run in trial.confirmed for key in run.summaries}, key=str)
    measured = {key: sweep.samples.of_runs(trial.confirmed, key) for key in dict.fromkeys(keys)}
    return {
        key: of_key.sample
        for key, of_key in measured.items()
        if of_key is not None and of_key.sample is not None and key.split is Split.TEST
    }


@dataclass(frozen=True)
class _Matched:
    """A trial and a rival method at the trial's value of the task."""

    trial: SweepTrial
    rival: MethodFront
    task: float
    reach: tuple[float, float]
    comparisons: Mapping[Key, Comparison]
    tells: bool


def matched_table(sweep: ScoredSweep, fronts: Sequence[MethodFront]) -> Table | None:
    """Each method's representative against every rival at the same translation; None without."""
    task = _task(sweep)
    if task is None or not fronts:
        return None
    keys = [key for key in fronts[0].samples[0] if key != task]
    pairs = _matched(sweep, fronts, task, keys)
    if not pairs or not keys:
        return None
    names = sweep.marks.named(keys)
    cells = _decided(sweep, pairs, keys)
    columns = (
        Column("trial", "text", "What stands for a method, as confirmed."),
        Column("rival", "text", "The method it is held against, and its points on test."),
        Column("translation", "number", "What both have there."),
        *[
            Column(names[key], "estimate", f"{key}: the trial minus the rival at that translation.")
            for key in keys
        ],
        Column("remark", "text", "Why there is no number, or no decision."),
    )
    rows = tuple(
        (
            f"#{pair.trial.number} {variant_of(pair.trial)}",
            f"{pair.rival.variant} ({', '.join(f'#{n}' for n in _numbers(pair.rival))})",
            pair.task,
            *[cells.get((index, key)) for key in keys],
            _remark(pair),
        )
        for index, pair in enumerate(pairs)
    )
    note = (
        f"{sweep.marks.named([task])[task]} on test. A rival is taken on the straight line between "
        "the two points of its front next to that value; that these are estimates, too, is in "
        f"the intervals. Of points less than {MIN_APART:g} standard errors apart nothing is "
        f"decided. One family, adjusted by Holm. {sweep.marks.note}"
    ).rstrip()
    return Table("matched", "At matched translation", columns, rows, note)


def _task(sweep: ScoredSweep) -> Key | None:
    """The first objective that is translation, as it is confirmed."""
    goals = confirmed_objectives(sweep)
    for goal, objective in zip(goals, sweep.record.objectives, strict=False):
        if axis_of(sweep.record, objective.key) is Axis.TRANSLATION:
            return goal.key
    return None


def _numbers(rival: MethodFront) -> list[int]:
    return [rival.trials[index].number for index in rival.members]


def _matched(
    sweep: ScoredSweep, fronts: Sequence[MethodFront], task: Key, keys: Sequence[Key]
) -> list[_Matched]:
    standing = best_of_variants(sweep.record)
    pairs = []
    for own in fronts:
        trial = standing.get(own.variant)
        if trial is None or trial not in own.trials:
            continue
        mine = own.samples[own.trials.index(trial)]
        for rival in fronts:
            points = [rival.samples[index] for index in rival.members]
            if rival is own or len(rival.trials) < MIN_POINTS:
                continue
            values = [point[task].value for point in points]
            sides = {
                key: at_matched(mine, points, task, key)
                for key in keys
                if key in mine and all(key in point for point in points)
            }
            pairs.append(
                _Matched(
                    trial,
                    rival,
                    mine[task].value,
                    (min(values), max(values)),
                    {
                        key: compare(matched.own, matched.rival)
                        for key, matched in sides.items()
                        if matched is not None
                    },
                    all(matched.tells for matched in sides.values() if matched is not None),
                )
            )
    return pairs


def _decided(
    sweep: ScoredSweep, pairs: Sequence[_Matched], keys: Sequence[Key]
) -> dict[tuple[int, Key], Estimate]:
    """By pair and key the difference with what is decided of it, all as one family."""
    lines = [
        (index, key, pair.comparisons[key])
        for index, pair in enumerate(pairs)
        for key in keys
        if key in pair.comparisons
    ]
    adjusted = holm_of(
        [comparison if pairs[index].tells else None for index, _, comparison in lines]
    )
    goals = {goal.key: goal.maximize for goal in confirmed_objectives(sweep)}
    cells = {}
    for (index, key, comparison), p_value in zip(lines, adjusted, strict=True):
        axis = axis_of(sweep.record, key)
        named = axis.value if isinstance(key, SummaryKey) and axis is not None else ""
        yardstick = named if isinstance(key, SummaryKey) else key.metric
        margin = (sweep.record.margins or DEFAULT_MARGINS).get(yardstick)
        decision = Decision.UNDECIDED
        if pairs[index].tells:
            decision = decide(
                comparison, higher_is_better=goals.get(key, True), margin=margin, p_value=p_value
            )
        remark = decision_text(decision, margin, within_margin=is_within(comparison, margin))
        cells[index, key] = _cell(comparison, remark)
    return cells


def _cell(comparison: Comparison, remark: str) -> Estimate:
    bounds = (None, None) if comparison.constant else (comparison.low, comparison.high)
    return Estimate(comparison.value, *bounds, signed=True, remark=remark)


def _remark(pair: _Matched) -> str | None:
    low, high = pair.reach
    if pair.comparisons:
        return None if pair.tells else f"{pair.rival.variant}'s points are hardly apart there"
    if len(pair.rival.members) < MIN_POINTS:
        return f"{pair.rival.variant} has one point that beats its others"
    if not low <= pair.task <= high:
        return f"outside {pair.rival.variant}'s {number_text(low)} to {number_text(high)}"
    return "its points have other seeds"


def volumes_table(sweep: ScoredSweep, fronts: Sequence[MethodFront]) -> Table | None:
    """The volume that each method's points cover, and against those it is compared with."""
    goals = confirmed_objectives(sweep)
    if not fronts or not goals:
        return None
    volumes = {
        of_method.variant: volume_sample(_points(of_method, goals), goals) for of_method in fronts
    }
    named = sweep.record.spec.get("against")
    against = [str(n) for n in named] if isinstance(named, Sequence) and named else ["sft"]
    references = [name for name in against if volumes.get(name) is not None]
    columns = (
        Column("method", "text", "The method."),
        Column("points", "text", "Its confirmed trials."),
        Column("seeds", "number", "Of each."),
        Column("hypervolume", "estimate", "Of its points on test, with its interval."),
        *[
            Column(f"minus {name}", "estimate", f"Its hypervolume minus that of {name}.")
            for name in references
        ],
    )
    cells = _volume_cells(volumes, references)
    rows = tuple(
        (
            of_method.variant,
            ", ".join(f"#{trial.number}" for trial in of_method.trials),
            len(of_method.trials[0].confirmed),
            _volume_cell(volumes[of_method.variant]),
            *[cells.get((of_method.variant, name)) for name in references],
        )
        for of_method in fronts
    )
    names = sweep.marks.named([goal.key for goal in goals])
    units = ", ".join(
        f"{names[goal.key]} from {goal.reference:g} in units of {goal.scale:g}" for goal in goals
    )
    note = (
        f"Test data; {units}. More points cover more: compare methods with as many. Where points "
        "lie close to each other the volume is too large by luck, for all methods alike. One "
        f"family, adjusted by Holm. {sweep.marks.note}"
    ).rstrip()
    return Table("volumes", "Volume of each method's front", columns, rows, note)


def _points(of_method: MethodFront, goals: Sequence[Objective]) -> list[list[Sample]]:
    return [[of_trial[goal.key] for goal in goals] for of_trial in of_method.samples]


def _volume_cell(volume: Sample | None) -> Estimate | None:
    if volume is None:
        return None
    if volume.value == 0:
        return Estimate(0.0, remark="no point is beyond the references")
    return Estimate(volume.value, *(interval(volume) or ()))


def _volume_cells(
    volumes: Mapping[str, Sample | None], references: Sequence[str]
) -> dict[tuple[str, str], Estimate]:
    lines = [
        (variant, name, compare(volume, other))
        for variant, volume in volumes.items()
        for name in references
        if variant != name and volume is not None and (other := volumes[name]) is not None
        and len(volume.tables) == len(other.tables)
    ]  # fmt: skip
    adjusted = holm_of([comparison for _, _, comparison in lines])
    return {
        (variant, name): _cell(
            comparison, str(decide(comparison, higher_is_better=True, p_value=p_value))
        )
        for (variant, name, comparison), p_value in zip(lines, adjusted, strict=True)
    }


def attainment_figure(sweep: ScoredSweep, fronts: Sequence[MethodFront]) -> go.Figure | None:
    """What each method's points reach; None but for two objectives and several points."""
    goals = confirmed_objectives(sweep)
    shown = [of_method for of_method in fronts if len(of_method.trials) >= MIN_POINTS]
    if len(goals) != 2 or not shown:
        return None
    drawn = draw_values(
        {
            (trial.number, goal.key): of_trial[goal.key]
            for of_method in shown
            for trial, of_trial in zip(of_method.trials, of_method.samples, strict=True)
            for goal in goals
        }
    )
    figure = go.Figure()
    styles = styles_of(sweep.record)
    names = sweep.marks.named([goal.key for goal in goals])
    for of_method in shown:
        axes = [
            np.stack([drawn[trial.number, goal.key] for trial in of_method.trials], axis=1)
            for goal in goals
        ]
        _add_attained(
            figure,
            of_method.variant,
            COLOURS[styles[of_method.variant] % len(COLOURS)],
            axes,
            goals,
        )
    figure.update_xaxes(title_text=names[goals[0].key])
    figure.update_yaxes(title_text=names[goals[1].key])
    return styled(figure, height=420)


def _add_attained(
    figure: go.Figure, name: str, colour: str, axes: Sequence[Floats], goals: Sequence[Objective]
) -> None:
    at = np.linspace(axes[0].min(axis=1).mean(), axes[0].max(axis=1).mean(), _GRID)
    low, middle, high = attained(axes, [goal.maximize for goal in goals], at)
    known = np.isfinite(low) & np.isfinite(high)
    band_x, band_y = [*at[known], *at[known][::-1]], [*high[known], *low[known][::-1]]
    figure.add_trace(
        go.Scatter(
            x=band_x,
            y=band_y,
            fill="toself",
            fillcolor=faded(colour, 0.15),
            line={"width": 0},
            hoverinfo="skip",
            legendgroup=name,
            showlegend=False,
        )
    )
    seen = np.isfinite(middle)
    line = {"color": colour, "width": 2}
    figure.add_trace(
        go.Scatter(x=at[seen], y=middle[seen], mode="lines", line=line, name=name, legendgroup=name)
    )


def attained(axes: Sequence[Floats], maximize: Sequence[bool], at: Floats) -> Floats:
    """The second objective that is reached at each value of the first or better, [3, X].

    Args:
        axes: Per objective the values of a method's points by draw, [R, T].
        maximize: Directions.
        at: Values of the first objective, [X].

    Returns:
        What is reached in nine, in five and in one of ten draws; infinite where nothing is.
    """
    signs = [1.0 if more else -1.0 for more in maximize]
    first_RT, second_RT = axes[0] * signs[0], axes[1] * signs[1]
    reached_RX = np.stack(
        [np.where(first_RT >= value * signs[0], second_RT, -np.inf).max(axis=1) for value in at],
        axis=1,
    )
    quantiles: Floats = np.quantile(reached_RX, [0.1, 0.5, 0.9], axis=0, method="lower")
    return quantiles * signs[1]
