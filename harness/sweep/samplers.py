"""Optuna's samplers behind a list of configurations settled beforehand.

A trial's number decides its configuration while the list lasts, so neither the number of workers
nor an interruption moves one; nothing has to be queued in the storage. Behind the list a sampler
made anew for each number guides, so its chance depends on seed and number, not on when the process
was started. Where values of one setting take turns, the number decides that value too, and the
sampler sees the trials of that value alone.
"""

import json
from collections.abc import Container, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from harness.records import JSON
from harness.seeds import stream_seed
from harness.sweep.space import Dimension, Params
from harness.sweep.spec import SamplerSpec, SweepSpec

_ENOUGH = 2
"""Finished trials a guiding sampler needs; the configurations before it were spread evenly."""


class PlannedSampler(BaseSampler):
    """The planned configurations first, then what the sampler proposes."""

    def __init__(self, spec: SweepSpec, planned: Sequence[Params]) -> None:
        self._sampler = spec.sampler
        self._path, self._turns = spec.trials_per, spec.turns
        self._planned = planned
        self._guide: tuple[int, BaseSampler] | None = None

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Optuna's: what ``sample_relative`` is to draw together."""
        guide = self._guide_for(trial)
        space = guide.infer_relative_search_space(self._seen(study, trial), trial)
        return {name: values for name, values in space.items() if name != self._path}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Optuna's: several settings at once. A planned trial is counted, its draw is not used."""
        seen = self._seen(study, trial)
        drawn = self._guide_for(trial).sample_relative(seen, trial, search_space)
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
        if param_name == self._path:
            return self._turn(trial)
        guide, seen = self._guide_for(trial), self._seen(study, trial)
        return guide.sample_independent(seen, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self._guide_for(trial).after_trial(self._seen(study, trial), trial, state, values)

    def _guide_for(self, trial: FrozenTrial) -> BaseSampler:
        if self._guide is None or self._guide[0] != trial.number:
            of = "" if self._path is None else f":{self._turn(trial)}"
            self._guide = (trial.number, _make(self._sampler, trial.number, of))
        return self._guide[1]

    def _turn(self, trial: FrozenTrial) -> Any:
        """The stored form of the value whose turn it is."""
        return _label(self._turns[trial.number % len(self._turns)])

    def _seen(self, study: Study, trial: FrozenTrial) -> Study:
        return study if self._path is None else _OneValue(study, self._path, self._turn(trial))


class _OneValue(Study):
    """A study whose trials are those with one value of a setting.

    Optuna's samplers read trials through ``_get_trials`` and nothing else.
    """

    def __init__(self, study: Study, path: str, label: Any) -> None:
        self.__dict__.update(study.__dict__)
        self._path, self._label = path, label

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        trials = super()._get_trials(deepcopy, states, use_cache)
        return [trial for trial in trials if trial.params.get(self._path) == self._label]


class _Population(NSGAIISampler):
    """NSGA-II that keeps the parents it chose apart from those of another value's trials."""

    def __init__(self, of: str, *, seed: int, population_size: int) -> None:
        super().__init__(seed=seed, population_size=population_size)
        self._of = of

    @classmethod
    def _get_generation_key(cls) -> str:
        return NSGAIISampler._get_generation_key()

    def _get_parent_cache_key_prefix(self) -> str:  # type: ignore[override]
        return f"{NSGAIISampler._get_parent_cache_key_prefix()}{self._of}"


def _make(spec: SamplerSpec, number: int, of: str) -> BaseSampler:
    seed = stream_seed(spec.seed, f"sweep/sampler/{number}") % 2**32
    enough = min(_ENOUGH, spec.startup)
    match spec.name:
        case "tpe":
            # constant_liar: running trials count as bad ones, so that two workers do not ask alike
            return TPESampler(seed=seed, n_startup_trials=enough, constant_liar=True)
        case "gp":
            return GPSampler(seed=seed, n_startup_trials=enough, warn_independent_sampling=False)
        case "nsga2":
            return _Population(of, seed=seed, population_size=max(2, spec.startup))
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
