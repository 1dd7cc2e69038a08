"""Training curves of a sweep's methods, read from the store: means over seeds, and their spread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from harness.records import StepEvent, SweepRecord, SweepTrial
from harness.report.points import styles_of
from harness.report.reference import best_of_variants
from harness.trial.curves import stored_curves


@dataclass(frozen=True, slots=True)
class Band:
    """A metric over training: per step the mean over seeds, the lowest and the highest of them."""

    steps: tuple[int, ...]
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MethodCurves:
    """The curves of the trial that stands for a method.

    Attributes:
        variant: The method.
        trial: The one chosen.
        style: Index of its looks.
        runs: The curve of each seed; none where the trial trained nothing itself, or its adapters
            are not in the store.
    """

    variant: str
    trial: SweepTrial
    style: int
    runs: tuple[tuple[StepEvent, ...], ...]

    @property
    def label(self) -> str:
        """The method and the number of its trial."""
        return f"{self.variant} #{self.trial.number}"

    def keys(self, prefix: str) -> list[str]:
        """Metrics that begin so and that every run has, sorted."""
        per_run = [
            {key for point in run for key in point.metrics if key.startswith(prefix)}
            for run in self.runs
        ]
        return sorted(set.intersection(*per_run)) if per_run else []

    def band(self, key: str) -> Band | None:
        """The metric at the steps at which every run has it; None where there is none."""
        per_run = [_points(run, key) for run in self.runs]
        steps = sorted(set.intersection(*[set(run) for run in per_run])) if per_run else []
        if not steps:
            return None
        columns = [[run[step] for run in per_run] for step in steps]
        return Band(
            tuple(steps),
            tuple(fmean(column) for column in columns),
            tuple(min(column) for column in columns),
            tuple(max(column) for column in columns),
        )


def _points(run: Sequence[StepEvent], key: str) -> Mapping[int, float]:
    return {point.step: point.metrics[key] for point in run if key in point.metrics}


def method_curves(record: SweepRecord, home: Path) -> tuple[MethodCurves, ...]:
    """Every method with the curves of its best trial, as far as the store of the home has them."""
    styles = styles_of(record)
    methods = []
    for variant, trial in best_of_variants(record).items():
        runs = [stored_curves(run, home) for run in trial.results]
        whole = tuple(run for run in runs if run)
        methods.append(MethodCurves(variant, trial, styles[variant], whole))
    return tuple(methods)
