"""What a sweep optimises and what it must keep: objectives and constraints over validation scores.

Both name a score, ``suite/benchmark/metric``, or a suite's summary, ``suite/summary``. Choosing
never sees a test benchmark, so a key of one is refused here, before anything runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pydantic import Field

from harness.benchmarks.read import Absent, Benchmark
from harness.errors import unknown_name
from harness.records import Objective, Split, TrialResult
from harness.settings import plugins
from harness.settings.spec import Spec
from harness.statistics.constraints import Constraint

SUMMARY = "summary"


class ObjectiveSpec(Spec):
    """One thing to optimise."""

    key: str
    """A suite's summary (`pocket_general/summary`) or a score (`suite/benchmark/metric`)."""

    direction: Literal["maximize", "minimize"] | None = None
    """By default the metric's own direction; a summary is maximised."""

    reference: float | None = Field(None, allow_inf_nan=False)
    """Worst value that still counts for the hypervolume; 0 for a summary, else to be given."""

    scale: float | None = Field(None, gt=0, allow_inf_nan=False)
    """One unit of it, which makes objectives comparable; 1 for a summary, else to be given."""


class Keys:
    """The scores some benchmarks give, to judge what a specification names."""

    def __init__(self, benchmarks: Sequence[Benchmark], absent: Sequence[Absent] = ()) -> None:
        self._reasons = {
            f"{one.suite}/{SUMMARY}": f"{one.key}: {one.reason}"
            for one in absent
            if one.summary is not None and one.split is Split.VALIDATION
        }
        self._benchmarks = {benchmark.key: benchmark for benchmark in benchmarks}
        self.choosing = self._keys(Split.VALIDATION)
        self._reporting = self._keys(Split.TEST)

    def _keys(self, split: Split) -> frozenset[str]:
        found: set[str] = set()
        for benchmark in self._benchmarks.values():
            if benchmark.split == split:
                found |= {f"{benchmark.key}/{metric}" for metric in benchmark.metrics}
                if benchmark.summary is not None:
                    found.add(f"{benchmark.suite}/{SUMMARY}")
        return frozenset(found)

    def fault(self, key: str) -> str | None:
        """What is wrong with a key that is to be chosen by, None when nothing is."""
        if key in self._reasons:
            return f"{key!r} cannot be measured here: {self._reasons[key]}"
        if key in self.choosing:
            return None
        if key in self._reporting:
            return (
                f"{key!r} is measured on a test benchmark; objectives and constraints see "
                "validation benchmarks only"
            )
        return unknown_name("score", key, sorted(self.choosing))

    def higher_is_better(self, key: str) -> bool:
        """Direction of the metric behind a key; a summary's is up."""
        metric = key.rpartition("/")[2]
        if metric == SUMMARY and key.count("/") == 1:
            return True
        return bool(plugins.load("metric", metric)().higher_is_better)


def resolve(objective: ObjectiveSpec, keys: Keys) -> Objective:
    """The objective with everything filled in.

    Raises:
        ValueError: Its key is not one to choose by, or a raw score has no reference or scale.
    """
    fault = keys.fault(objective.key)
    if fault is not None:
        raise ValueError(fault)
    is_summary = objective.key.endswith(f"/{SUMMARY}")
    missing = [name for name in ("reference", "scale") if getattr(objective, name) is None]
    if missing and not is_summary:
        raise ValueError(
            f"{' and '.join(missing)} missing: {objective.key!r} is a raw score, which has no "
            "common scale for the hypervolume"
        )
    up = (
        keys.higher_is_better(objective.key)
        if objective.direction is None
        else objective.direction == "maximize"
    )
    reference = 0.0 if objective.reference is None else objective.reference
    return Objective(objective.key, up, reference, objective.scale or 1.0)


def measured(result: TrialResult, key: str) -> float | None:
    """The value a key has in a result, None where it was not measured."""
    if key in result.summaries:
        return result.summaries[key]
    score = result.scores.get(key)
    return None if score is None else score.value


def mean_of(results: Sequence[TrialResult], key: str) -> float | None:
    """Mean of a key over the runs of a trial; None unless every run has it."""
    values = [measured(result, key) for result in results]
    present = [value for value in values if value is not None]
    return fmean(present) if present and len(present) == len(values) else None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a trial's runs amount to: objective values and broken constraints, or why not."""

    values: tuple[float, ...]
    violations: Mapping[str, float]
    unmeasured: str | None = None


def judge(
    results: Sequence[TrialResult],
    base: TrialResult | None,
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
) -> Judgement:
    """Means over the seeds, judged; ``base`` is needed for constraints relative to it."""
    values: list[float] = []
    violations: dict[str, float] = {}
    for objective in objectives:
        value = mean_of(results, objective.key)
        if value is None:
            return Judgement((), {}, _why(results, objective.key))
        values.append(value)
    for constraint in constraints:
        value = mean_of(results, constraint.key)
        if value is None:
            return Judgement((), {}, _why(results, constraint.key))
        bound = None if base is None else measured(base, constraint.key)
        if constraint.factor and bound is None:
            return Judgement((), {}, f"the base has no {constraint.key}: {constraint.text}")
        violations[constraint.text] = constraint.violation(value, bound)
    return Judgement(tuple(values), violations)


def _why(results: Sequence[TrialResult], key: str) -> str:
    suite = key.partition("/")[0]
    reasons = {
        f"{name}: {reason}"
        for result in results
        for name, reason in result.unmeasured.items()
        if name == key or (key.endswith(f"/{SUMMARY}") and name.startswith(f"{suite}/"))
    }
    return f"{key} was not measured" + (f" ({'; '.join(sorted(reasons))})" if reasons else "")
