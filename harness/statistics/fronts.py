"""How sure a place on the front is: all systems moved together, as new items and seeds would.

The components of ``harness.statistics.crossed``, as matrices over every system and key: C_I from
the items' means, so that what is hard for all moves all; C_S and C_E from runs that had the same
seeds. Values are drawn about the estimates with covariance

    C_S + (C_I - C_E)+            (+: eigenvalues below 0 are 0)

as V = V_S + max(0, V_I - V_E) is of one difference; the seeds' part is divided by the root of a
chi-squared variable over its S - 1 degrees of freedom, which makes it Student's t. A system with
one run of a trained configuration adds no seeds' part: its shares are of items alone. How often a
share comes true is simulated in ``tests/statistics/fronts.md``.

Shapes: R draws, K pairs of system and key, S seeds, N items, T trials, M objectives.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.records import Key, SweepRecord, SweepTrial, TrialResult
from harness.seeds import stream_seed
from harness.statistics.constraints import parse_constraint
from harness.statistics.crossed import Floats, Sample
from harness.statistics.samples import Samples

NUM_DRAWS = 4000
_TIE = 1e-9

Name = TypeVar("Name", bound=Hashable)


def draw_values(
    samples: Mapping[Name, Sample], num_draws: int = NUM_DRAWS, seed: int = 0
) -> dict[Name, Floats]:
    """Values of every sample, [R], that vary together as other items and seeds would make them."""
    names = list(samples)
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, name in enumerate(names):
        if len(samples[name].seeds) > 1:
            groups.setdefault(tuple(sorted(samples[name].seeds)), []).append(index)
    everything = [samples[name] for name in names]
    covariance_KK = _items_covariance(everything)
    rng = np.random.default_rng(stream_seed(seed, "fronts"))
    values_RK = np.tile([sample.value for sample in everything], (num_draws, 1))
    for seeds, members in groups.items():
        group = [everything[index] for index in members]
        covariance_KK[np.ix_(members, members)] -= _rest_covariance(group)
        values_RK[:, members] += _seeds_part(group, len(seeds), num_draws, rng)
    sizes, axes_KK = np.linalg.eigh(covariance_KK)
    spread_KK = axes_KK * np.sqrt(np.maximum(sizes, 0.0))
    values_RK += rng.standard_normal((num_draws, len(names))) @ spread_KK.T
    return {name: values_RK[:, index] for index, name in enumerate(names)}


def _by_items(samples: Sequence[Sample]) -> dict[Hashable, list[tuple[int, Floats]]]:
    """Tables of the same items, with the index of the sample each is of, runs in seeds' order."""
    tables: dict[Hashable, list[tuple[int, Floats]]] = {}
    for index, sample in enumerate(samples):
        order = np.argsort(sample.seeds) if sample.seeds else np.arange(len(sample.values_S))
        for number, table in enumerate(sample.tables):
            name: Hashable = table.items or (index, number)
            tables.setdefault(name, []).append((index, table.values_SN[order]))
    return tables


def _items_covariance(samples: Sequence[Sample]) -> Floats:
    covariance = np.zeros((len(samples), len(samples)))
    for tables in _by_items(samples).values():
        means_KN = np.stack([values_SN.mean(axis=0) for _, values_SN in tables])
        _add(covariance, [index for index, _ in tables], np.atleast_2d(np.cov(means_KN)),
             means_KN.shape[1])  # fmt: skip
    return covariance


def _rest_covariance(samples: Sequence[Sample]) -> Floats:
    """Of what an item does with a seed, of samples with the same seeds."""
    covariance = np.zeros((len(samples), len(samples)))
    for tables in _by_items(samples).values():
        values_KSN = np.stack([values_SN for _, values_SN in tables])
        _, num_seeds, num_items = values_KSN.shape
        rest = values_KSN - values_KSN.mean(axis=1, keepdims=True)
        rest = (rest - rest.mean(axis=2, keepdims=True)).reshape(len(tables), -1)
        squares_KK = rest @ rest.T / ((num_seeds - 1) * (num_items - 1))
        _add(covariance, [index for index, _ in tables], squares_KK, num_items * num_seeds)
    return covariance


def _add(covariance: Floats, indices: list[int], squares: Floats, count: int) -> None:
    covariance[np.ix_(indices, indices)] += squares / count


def _seeds_part(
    samples: Sequence[Sample], num_seeds: int, num_draws: int, rng: np.random.Generator
) -> Floats:
    """How far other seeds would move samples with the same seeds, [R, K]."""
    values_KS = np.stack([sample.values_S[np.argsort(sample.seeds)] for sample in samples])
    away_KS = values_KS - values_KS.mean(axis=1, keepdims=True)
    df = num_seeds - 1
    scale_R1 = np.sqrt(df / rng.chisquare(df, (num_draws, 1)))
    moved: Floats = rng.standard_normal((num_draws, num_seeds)) * scale_R1 @ away_KS.T
    return moved / math.sqrt(num_seeds * df)


def front_shares(record: SweepRecord, samples: Samples) -> Mapping[int, float]:
    """By trial number, how often it keeps every constraint and no other such trial beats it.

    The share of draws. Empty where an objective's or a constraint's items are not known.
    """
    trials = [trial for trial in record.trials if trial.values is not None and trial.results]
    keys = [objective.key for objective in record.objectives]
    constrained = {c.key for t in trials for c in map(parse_constraint, t.violations)}
    measured: dict[tuple[int | None, Key], Sample] = {}
    systems: list[tuple[int | None, tuple[TrialResult, ...]]] = [
        (trial.number, trial.results) for trial in trials
    ]
    if record.base is not None:
        systems.append((None, (record.base,)))
    for number, runs in systems:
        for key in {*constrained, *(keys if number is not None else ())}:
            of_key = samples.of_runs(runs, key)
            if of_key is not None and of_key.sample is not None:
                measured[number, key] = of_key.sample
    drawn = draw_values(measured) if measured else {}
    losses, kept = [], []
    for trial in trials:
        feasible = _keeps_constraints(trial, drawn)
        if feasible is None or any((trial.number, key) not in drawn for key in keys):
            return {}
        signs = [-1.0 if objective.maximize else 1.0 for objective in record.objectives]
        values = [drawn[trial.number, key] * sign for key, sign in zip(keys, signs, strict=True)]
        losses.append(np.stack(values, axis=1))
        kept.append(feasible)
    if not trials:
        return {}
    losses_RTM, kept_RT = np.stack(losses, axis=1), np.stack(kept, axis=1)
    losses_RTM[~kept_RT] = math.inf
    share = (non_dominated(losses_RTM) & kept_RT).mean(axis=0)
    return {trial.number: float(p) for trial, p in zip(trials, share, strict=True)}


def _keeps_constraints(
    trial: SweepTrial, drawn: Mapping[tuple[int | None, Key], Floats]
) -> NDArray[np.bool_] | None:
    """Whether the trial keeps all constraints, by draw, [R]; None where unknown."""
    kept = np.ones(NUM_DRAWS, dtype=bool)
    for constraint in map(parse_constraint, trial.violations):
        values = drawn.get((trial.number, constraint.key))
        of_base = drawn.get((None, constraint.key))
        if values is None or (constraint.factor and of_base is None):
            return None
        kept &= constraint.violation(values, of_base) <= 0
    return kept


def non_dominated(losses_RTM: Floats) -> NDArray[np.bool_]:
    """Which trials none dominates, by draw, [R, T]."""
    num_draws, num_trials, _ = losses_RTM.shape
    free = np.ones((num_draws, num_trials), dtype=bool)
    for other in range(num_trials):
        theirs = losses_RTM[:, other : other + 1]
        with np.errstate(invalid="ignore"):
            at_least_as_good = (theirs <= losses_RTM + _TIE).all(axis=2)
            better = (theirs < losses_RTM - _TIE).any(axis=2)
        free &= ~(at_least_as_good & better)
    return free
