"""Training curves of a sweep's methods, read from the store: means over seeds, and their spread."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from harness.records import StepEvent, SweepRecord, SweepTrial
from harness.report.points import styles_of
from harness.report.reference import best_of_variants
from harness.trial.curves import stored_curves

Band: TypeAlias = dict[int, list[float]]
"""A metric over training: by step, ascending, its value in each run."""


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

    def band(self, key: str) -> Band:
        """The metric at the steps at which every run has it."""
        values: Band = {}
        for run in self.runs:
            for point in run:
                if key in point.metrics:
                    values.setdefault(point.step, []).append(point.metrics[key])
        return {
            step: values[step] for step in sorted(values) if len(values[step]) == len(self.runs)
        }


def method_curves(record: SweepRecord, home: Path) -> tuple[MethodCurves, ...]:
    """Every method with the curves of the trial that stands for it, as the store has them."""
    styles = styles_of(record)
    return tuple(
        MethodCurves(
            variant,
            trial,
            styles[variant],
            tuple(curve for run in trial.results if (curve := stored_curves(run, home))),
        )
        for variant, trial in best_of_variants(record).items()
    )
