"""Optuna's samplers behind a list of configurations settled beforehand.

A trial's number decides its configuration while the list lasts, so neither the number of workers
nor an interruption moves one; nothing has to be queued in the storage. Behind the list a sampler
made anew for each number guides, so its chance depends on seed and number, not on when the process
was started.
"""

import json
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from harness.records import JSON
from harness.seeds import stream_seed
from harness.sweep.space import Dimension, Params
from harness.sweep.spec import SamplerSpec

_ENOUGH = 2
"""Finished trials a guiding sampler needs; the configurations before it were spread evenly."""


class PlannedSampler(BaseSampler):
    """The planned configurations first, then what the sampler proposes."""

    def __init__(self, spec: SamplerSpec, planned: Sequence[Params]) -> None:
        self._spec = spec
        self._planned = planned
        self._guide: tuple[int, BaseSampler] | None = None

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Optuna's: what ``sample_relative`` is to draw together."""
        return self._guide_for(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Optuna's: several settings at once. A planned trial is counted, its draw is not used."""
        drawn = self._guide_for(trial).sample_relative(study, trial, search_space)
        return {} if trial.number < len(self._planned) else drawn

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        if trial.number < len(self._planned):
            return _label(self._planned[trial.number][param_name])
        guide = self._guide_for(trial)
        return guide.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._guide_for(trial).after_trial(study, trial, state, values)

    def _guide_for(self, trial: FrozenTrial) -> BaseSampler:
        if self._guide is None or self._guide[0] != trial.number:
            self._guide = (trial.number, _make(self._spec, trial.number))
        return self._guide[1]


def _make(spec: SamplerSpec, number: int) -> BaseSampler:
    seed = stream_seed(spec.seed, f"sweep/sampler/{number}") % 2**32
    enough = min(_ENOUGH, spec.startup)
    match spec.name:
        case "tpe":
            # constant_liar: running trials count as bad ones, so that two workers do not ask alike
            return TPESampler(seed=seed, n_startup_trials=enough, constant_liar=True)
        case "gp":
            return GPSampler(seed=seed, n_startup_trials=enough, warn_independent_sampling=False)
        case "nsga2":
            return NSGAIISampler(seed=seed, population_size=max(2, spec.startup))
        case _:
            return RandomSampler(seed=seed)


def suggest(trial: optuna.Trial, path: str, dimension: Dimension) -> JSON:
    """A value of one dimension: planned, proposed, or the one the trial already has."""
    if dimension.values is not None:
        return read_label(trial.suggest_categorical(path, [_label(v) for v in dimension.values]))
    assert dimension.low is not None
    assert dimension.high is not None
    if dimension.integral:
        low, high, step = int(dimension.low), int(dimension.high), int(dimension.step or 1)
        return trial.suggest_int(path, low, high, step=step, log=dimension.log)
    return trial.suggest_float(
        path, dimension.low, dimension.high, step=dimension.step, log=dimension.log
    )


_MARK = "json:"


def _label(value: JSON) -> Any:
    """A choice as Optuna can store it: lists and mappings as marked text."""
    if isinstance(value, list | tuple | dict):
        return _MARK + json.dumps(value, sort_keys=True)
    return value


def read_label(label: JSON) -> JSON:
    """The value behind a stored choice."""
    if isinstance(label, str) and label.startswith(_MARK):
        value: JSON = json.loads(label.removeprefix(_MARK))
        return value
    return label
