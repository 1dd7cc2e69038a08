"""Every figure of a report with its interval, and each trial's probability of being on the front.

All resamples of items and seeds are shared (see ``harness.statistics.bootstrap``), so trials are
compared within a resample: two trials that get the same items wrong rise and fall together.

Shapes: R resamples, S seeds, T trials, M objectives.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.records import (
    Key,
    ScoreKey,
    SummaryKey,
    SweepRecord,
    SweepTrial,
    TrialResult,
    mean_value,
)
from harness.statistics import bootstrap
from harness.statistics.bootstrap import LEVEL, Draws, Floats
from harness.statistics.constraints import parse_constraint

Runs = tuple[TrialResult, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds with its bootstrap interval; without bounds where it has none.

    ``signed`` for a difference, which is written with its sign; ``remark`` is a word on it.
    """

    value: float
    low: float | None = None
    high: float | None = None
    signed: bool = False
    remark: str = ""


def is_higher_better(runs: Sequence[TrialResult], key: Key) -> bool:
    """Direction of a key; a summary's is up."""
    if isinstance(key, SummaryKey):
        return True
    return next((run.scores[key].higher_is_better for run in runs if key in run.scores), True)


class Estimates:
    """Computes estimates once each, with intervals at one level."""

    level = LEVEL

    def __init__(self, draws: Draws | None = None) -> None:
        self.draws = draws or Draws()
        self._scores: dict[tuple[str, ScoreKey], Floats | None] = {}

    def of(self, runs: Runs, key: Key | None) -> Estimate | None:
        """The mean over the runs with its interval; None unless every run has the key."""
        value = None if key is None else mean_value(runs, key)
        if key is None or value is None:
            return None
        means = self._means(runs, key)
        bounds = None if means is None else bootstrap.interval(means, self.level)
        return Estimate(value, *(bounds or ()))

    def columns(self, runs: Runs, key: Key) -> Floats | None:
        """The key's value per resample of items and run, [R, S]; None where it has no items."""
        columns = [self._column(run, key) for run in runs]
        present = [column for column in columns if column is not None]
        return np.stack(present, axis=1) if present and len(present) == len(columns) else None

    def _column(self, run: TrialResult, key: Key) -> Floats | None:
        if isinstance(key, ScoreKey):
            return self._score(run, key) if key in run.scores else None
        parts = run.summary_parts.get(key, ())
        if not parts or any(part.key not in run.scores for part in parts):
            return None
        columns = [(self._score(run, part.key), part) for part in parts]
        scaled = [
            np.clip((values - part.worst) / (part.best - part.worst), 0.0, 1.0)
            for values, part in columns
            if values is not None
        ]
        return np.mean(scaled, axis=0) if len(scaled) == len(parts) else None

    def _score(self, run: TrialResult, key: ScoreKey) -> Floats | None:
        """The score per resample of its items, [R]; None where these do not add up to it."""
        of_run = (run.fingerprint, key)
        if of_run not in self._scores:
            score = run.scores[key]
            self._scores[of_run] = (
                bootstrap.resampled(score, self.draws, bootstrap.aggregate_of(score))
                if bootstrap.adds_up(score)
                else None
            )
        return self._scores[of_run]

    def front_probabilities(self, record: SweepRecord) -> Mapping[int, float]:
        """By trial number, how often it keeps every constraint and no other such trial beats it.

        The share of resamples. Empty where an objective or a constraint cannot be resampled.
        """
        trials = [trial for trial in record.trials if trial.values is not None and trial.results]
        losses, feasible = [], []
        for trial in trials:
            means = [self._means(trial.results, o.key) for o in record.objectives]
            present = [values for values in means if values is not None]
            kept = self._keeps_constraints(trial, record.base)
            if kept is None or len(present) < len(means):
                return {}
            signs = [-1.0 if objective.maximize else 1.0 for objective in record.objectives]
            losses.append(np.stack(present, axis=1) * signs)
            feasible.append(kept)
        if not trials:
            return {}
        losses_RTM, feasible_RT = np.stack(losses, axis=1), np.stack(feasible, axis=1)
        losses_RTM[np.isnan(losses_RTM) | ~feasible_RT[:, :, None]] = math.inf
        share = (_non_dominated(losses_RTM) & feasible_RT).mean(axis=0)
        return {trial.number: float(p) for trial, p in zip(trials, share, strict=True)}

    def _means(self, runs: Runs, key: Key) -> Floats | None:
        """The key's mean over resampled seeds, per resample of items, [R]."""
        columns = self.columns(runs, key)
        if columns is None:
            return None
        return bootstrap.over_seeds(columns, [run.seed for run in runs], self.draws)

    def _keeps_constraints(
        self, trial: SweepTrial, base: TrialResult | None
    ) -> NDArray[np.bool_] | None:
        """Whether the trial keeps all constraints, by resample, [R]; None where unknown."""
        kept = np.ones(self.draws.num_resamples, dtype=bool)
        for constraint in map(parse_constraint, trial.violations):
            values = self._means(trial.results, constraint.key)
            of_base = None if base is None else self._means((base,), constraint.key)
            if values is None or (constraint.factor and of_base is None):
                return None
            kept &= constraint.violation(values, of_base) <= 0
        return kept


def _non_dominated(losses_RTM: Floats) -> NDArray[np.bool_]:
    """Which trials none dominates, by resample, [R, T]."""
    num_resamples, num_trials, _ = losses_RTM.shape
    free = np.ones((num_resamples, num_trials), dtype=bool)
    for other in range(num_trials):
        theirs = losses_RTM[:, other : other + 1]
        at_least_as_good = (theirs <= losses_RTM).all(axis=2)
        better = (theirs < losses_RTM).any(axis=2)
        free &= ~(at_least_as_good & better)
    return free
