"""What is drawn: each trial as a point with intervals, its looks, and the text over it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records import Key, SweepRecord, SweepTrial
from harness.report.names import BASE_NUMBER, base_trial, label_of, score_names, variant_of
from harness.report.reference import key_for_test
from harness.report.table import interval_text, number_text
from harness.statistics.estimates import Estimate, Estimates, Runs

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
    """All points of a sweep.

    Attributes:
        axes: Title per objective, with its direction.
        maximize: Direction per objective.
        trials: Complete trials, by their validation scores.
        base: The untuned model, if it was scored.
        confirmed: Confirmed trials, by their test scores.
    """

    axes: tuple[str, ...]
    maximize: tuple[bool, ...]
    trials: tuple[Point, ...]
    base: Point | None
    confirmed: tuple[Point, ...]

    def edge(self, x: int, y: int) -> list[tuple[float, float]]:
        """The corners of what the front reaches; none but for two objectives and two members."""
        corners = [
            (point.values[x].value, point.values[y].value)
            for point in self.trials
            if point.on_front
        ]
        return sorted(corners) if len(self.axes) == 2 and len(corners) > 1 else []


def points_of(record: SweepRecord, estimates: Estimates) -> Points:
    keys = [objective.key for objective in record.objectives]
    names = score_names(keys)
    tests = [key_for_test(record, key) for key in keys]
    styles = styles_of(record)
    probabilities = estimates.front_probabilities(record)
    points: list[Point] = []
    confirmed: list[Point] = []
    base = None
    for trial in (*record.trials, *base_trial(record)):
        chosen_by = _values(estimates, trial.results, keys)
        fresh = _values(estimates, trial.confirmed, tests)
        if trial.number == BASE_NUMBER:
            base = _point(record, trial, chosen_by, styles, names, None) if chosen_by else None
            continue
        if chosen_by and trial.values is not None:
            probability = probabilities.get(trial.number)
            points.append(_point(record, trial, chosen_by, styles, names, probability))
        if fresh and trial.values is not None:
            confirmed.append(_point(record, trial, fresh, styles, names, None))
    return Points(
        axes=tuple(
            f"{names[o.key]} ({'higher' if o.maximize else 'lower'} is better)"
            for o in record.objectives
        ),
        maximize=tuple(objective.maximize for objective in record.objectives),
        trials=tuple(points),
        base=base,
        confirmed=tuple(confirmed),
    )


def _values(
    estimates: Estimates, runs: Runs, keys: Sequence[Key | None]
) -> tuple[Estimate, ...] | None:
    values = [estimates.of(runs, key) for key in keys]
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


def _point(
    record: SweepRecord,
    trial: SweepTrial,
    values: tuple[Estimate, ...],
    styles: Mapping[str, int],
    names: Mapping[Key, str],
    probability: float | None,
) -> Point:
    variant = variant_of(trial) or ""
    hover = [label_of(trial, record)]
    for name, value in zip(names.values(), values, strict=True):
        hover.append(f"{name}: {number_text(value.value)} {interval_text(value)}".strip())
    if probability is not None:
        hover.append(f"on the front in {probability:.0%} of resamples")
    if not trial.feasible:
        hover.append("breaks a constraint")
    return Point(
        name="base" if trial.number == BASE_NUMBER else f"#{trial.number}",
        variant=variant,
        style=None if variant == "base" else styles[variant],
        values=values,
        on_front=trial.number in record.front,
        feasible=trial.feasible,
        hover=tuple(hover),
    )
