"""What is drawn: each trial as a point with intervals, its looks, and the text over it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records import Key, Split, SweepRecord, SweepTrial
from harness.report.names import (
    BASE_NUMBER,
    base_trial,
    label_of,
    of_what,
    variant_of,
)
from harness.report.reference import key_for_test
from harness.report.scored import ScoredSweep
from harness.report.table import interval_text, number_text
from harness.statistics import pareto
from harness.statistics.estimates import Estimate, Runs

INK = "#24292f"
GRID = "#ececec"
FRAME = "#c8ccd0"
BASE_COLOUR = "#6b6b6b"
# Okabe and Ito's colours, which people with any colour vision can tell apart; shapes say it again.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Plotly's name of each shape, and matplotlib's.
SYMBOLS = (
    ("circle", "o"), ("diamond", "D"), ("square", "s"), ("triangle-up", "^"), ("cross", "P"),
    ("x", "X"), ("star", "*"),
)  # fmt: skip
GLYPHS = ("●", "◆", "■", "▲", "✚", "✖", "★")
"""The same in text."""
BASE_SYMBOL = ("star-triangle-down", "v")


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration in the space of the objectives.

    Attributes:
        name: Short, to write beside it.
        variant: Its method.
        style: Index into colours and symbols; None for the base.
        values: One estimate per objective.
        on_front: Whether it is drawn as a member.
        feasible: Whether it keeps the constraints.
        hover: Lines of text about it.
    """

    name: str
    variant: str
    style: int | None
    values: tuple[Estimate, ...]
    on_front: bool
    feasible: bool
    hover: tuple[str, ...]

    @property
    def colour(self) -> str:
        return BASE_COLOUR if self.style is None else COLOURS[self.style % len(COLOURS)]

    @property
    def symbol(self) -> tuple[str, str]:
        """Of its method, as plotly calls it and as matplotlib does."""
        return BASE_SYMBOL if self.style is None else SYMBOLS[self.style % len(SYMBOLS)]


@dataclass(frozen=True, slots=True)
class Points:
    """All points of a sweep on the benchmarks of one split.

    Attributes:
        split: Of the scores: test for those to report, validation for those that chose.
        axes: Title per objective, with its direction.
        maximize: Direction per objective.
        ranges: Per objective the stretch of its axis to show; None where it may be any.
        trials: Complete trials; on test the confirmed ones.
        base: The untuned model, if it was scored.
    """

    split: Split
    axes: tuple[str, ...]
    maximize: tuple[bool, ...]
    ranges: tuple[tuple[float, float] | None, ...]
    trials: tuple[Point, ...]
    base: Point | None

    @property
    def everyone(self) -> tuple[Point, ...]:
        """The trials and, last, the base."""
        return (*self.trials, *(() if self.base is None else (self.base,)))

    def edge(self, x: int, y: int) -> list[tuple[float, float]]:
        """The corners of what the front reaches; none but for two objectives and two members."""
        corners = [
            (point.values[x].value, point.values[y].value)
            for point in self.trials
            if point.on_front
        ]
        return sorted(corners) if len(self.axes) == 2 and len(corners) > 1 else []


def points_of(sweep: ScoredSweep) -> Points:
    """By validation scores: what the trials were chosen by."""
    record = sweep.record
    keys = [objective.key for objective in record.objectives]
    trials = [trial for trial in record.trials if trial.values is not None]
    groups = [(trial, trial.results) for trial in (*trials, *base_trial(record))]
    return _points(sweep, Split.VALIDATION, keys, groups, record.front)


def confirmed_points_of(sweep: ScoredSweep) -> Points | None:
    """By the test scores of confirmed trials; None where there are none."""
    record = sweep.record
    keys = [key_for_test(record, objective.key) for objective in record.objectives]
    present = [key for key in keys if key is not None]
    trials = [trial for trial in record.trials if trial.confirmed and trial.values is not None]
    groups = [(trial, trial.confirmed) for trial in (*trials, *base_trial(record))]
    measured = {
        trial.number: values
        for trial in trials
        if trial.feasible and (values := _values(sweep, trial.confirmed, present))
    }
    if len(present) < len(keys) or not measured:
        return None
    members = pareto.front(
        [[estimate.value for estimate in values] for values in measured.values()],
        [objective.maximize for objective in record.objectives],
    )
    front = [number for index, number in enumerate(measured) if index in members]
    return _points(sweep, Split.TEST, present, groups, front)


def _points(
    sweep: ScoredSweep,
    split: Split,
    keys: list[Key],
    groups: Sequence[tuple[SweepTrial, Runs]],
    front: Sequence[int],
) -> Points:
    record, names = sweep.record, sweep.marks.named(keys)
    shares = sweep.shares if split is Split.VALIDATION else {}
    styles = styles_of(record)
    points: list[Point] = []
    for trial, runs in groups:
        values = _values(sweep, runs, keys)
        if values is not None:
            hover = _hover(record, trial, values, names, shares.get(trial.number))
            on_front = trial.number in front
            points.append(_point(trial, values, styles, on_front=on_front, hover=hover))
    base = next((point for point in points if point.style is None), None)
    return Points(
        split=split,
        axes=tuple(
            f"{names[key]} ({'higher' if o.maximize else 'lower'} is better)"
            for key, o in zip(keys, record.objectives, strict=True)
        ),
        maximize=tuple(objective.maximize for objective in record.objectives),
        ranges=tuple(
            _range(sweep.marks.scale_of(key), [point.values[axis] for point in points])
            for axis, key in enumerate(keys)
        ),
        trials=tuple(point for point in points if point.style is not None),
        base=base,
    )


def _range(
    scale: tuple[float, float] | None, values: Sequence[Estimate]
) -> tuple[float, float] | None:
    """What holds all values with their intervals, on the scale; all of it if they do not spread."""
    if scale is None or not values:
        return None
    low = min(value.value - reach(value)[0] for value in values)
    high = max(value.value + reach(value)[1] for value in values)
    worst, best = min(scale), max(scale)
    width = best - worst
    if high - low < 0.01 * width:
        low, high = worst, best
    air = 0.06 * (high - low)
    return max(low - air, worst - 0.02 * width), min(high + air, best + 0.02 * width)


def _values(sweep: ScoredSweep, runs: Runs, keys: Sequence[Key]) -> tuple[Estimate, ...] | None:
    values = [sweep.estimate(runs, key) for key in keys]
    present = tuple(value for value in values if value is not None)
    return present if len(present) == len(keys) else None


def reach(value: Estimate) -> tuple[float, float]:
    """How far the interval reaches below the value, and above it; 0 where there is none."""
    low = value.value if value.low is None else value.low
    high = value.value if value.high is None else value.high
    return max(0.0, value.value - low), max(0.0, high - value.value)


def styles_of(record: SweepRecord) -> dict[str, int]:
    """The looks of each method, by index; plain fine-tuning first, the same in every report."""
    variants = {variant_of(trial) or "" for trial in record.trials} - {"base"}
    ordered = sorted(variants, key=lambda name: (name != "sft", name))
    return {name: index for index, name in enumerate(ordered)}


def _hover(
    record: SweepRecord,
    trial: SweepTrial,
    values: Sequence[Estimate],
    names: Mapping[Key, str],
    share: float | None,
) -> tuple[str, ...]:
    lines = [label_of(trial, record)]
    for name, value in zip(names.values(), values, strict=True):
        lines.append(f"{name}: {number_text(value.value)} {interval_text(value)}".strip())
    if share is not None:
        lines.append(f"on the front in {share:.0%}{of_what(record)}")
    if not trial.feasible:
        lines.append("breaks a constraint")
    return tuple(lines)


def _point(
    trial: SweepTrial,
    values: tuple[Estimate, ...],
    styles: Mapping[str, int],
    *,
    on_front: bool,
    hover: tuple[str, ...],
) -> Point:
    is_base = trial.number == BASE_NUMBER
    variant = "base" if is_base else variant_of(trial) or ""
    return Point(
        name="base" if is_base else f"#{trial.number}",
        variant=variant,
        style=None if is_base else styles[variant],
        values=values,
        on_front=on_front,
        feasible=trial.feasible,
        hover=hover,
    )
