"""What is drawn: each trial as a point with intervals, its looks, and the text over it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records import Key, SweepRecord, SweepTrial
from harness.report.names import label_of, score_names, variant_of
from harness.report.reference import key_for_test
from harness.report.table import interval_text, number_text
from harness.statistics.estimates import Estimate, Estimates, Runs

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


def points_of(record: SweepRecord, estimates: Estimates) -> Points:
    keys = [objective.key for objective in record.objectives]
    names = score_names(keys)
    styles = styles_of(record)
    probabilities = estimates.front_probabilities(record)
    trials, confirmed = [], []
    for trial in record.trials:
        if trial.values is None:
            continue
        values = _values(estimates, trial.results, keys)
        if values is not None:
            trials.append(
                _point(record, trial, values, styles, names, probabilities.get(trial.number))
            )
        tests = [key_for_test(record, key) for key in keys]
        fresh = _values(estimates, trial.confirmed, tests)
        if fresh is not None:
            confirmed.append(_point(record, trial, fresh, styles, names, None))
    base = None
    if record.base is not None and (values := _values(estimates, (record.base,), keys)):
        hover = ("base, untuned", *_lines(values, list(names.values())))
        base = Point("base", "base", None, values, False, True, hover)
    return Points(
        axes=tuple(
            f"{names[o.key]} ({'higher' if o.maximize else 'lower'} is better)"
            for o in record.objectives
        ),
        maximize=tuple(objective.maximize for objective in record.objectives),
        trials=tuple(trials),
        base=base,
        confirmed=tuple(confirmed),
    )


def _values(
    estimates: Estimates, runs: Runs, keys: Sequence[Key | None]
) -> tuple[Estimate, ...] | None:
    values = [estimates.of(runs, key) for key in keys]
    present = tuple(value for value in values if value is not None)
    return present if len(present) == len(keys) else None


def styles_of(record: SweepRecord) -> dict[str, int]:
    """The looks of each method, by index; plain fine-tuning first, the same in every report."""
    variants = {variant_of(trial) or "" for trial in record.trials} - {"base"}
    ordered = sorted(variants, key=lambda name: (name != "sft", name))
    return {name: index for index, name in enumerate(ordered)}


def _lines(values: Sequence[Estimate], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        f"{name}: {number_text(value.value)} {interval_text(value)}".strip()
        for name, value in zip(names, values, strict=True)
    )


def _point(
    record: SweepRecord,
    trial: SweepTrial,
    values: tuple[Estimate, ...],
    styles: Mapping[str, int],
    names: Mapping[Key, str],
    probability: float | None,
) -> Point:
    variant = variant_of(trial) or ""
    hover = [label_of(trial, record), *_lines(values, list(names.values()))]
    if probability is not None:
        hover.append(f"on the front in {probability:.0%} of resamples")
    if not trial.feasible:
        hover.append("breaks a constraint")
    return Point(
        name=f"#{trial.number}",
        variant=variant,
        style=None if variant == "base" else styles[variant],
        values=values,
        on_front=trial.number in record.front,
        feasible=trial.feasible,
        hover=tuple(hover),
    )
