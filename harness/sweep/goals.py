"""What a sweep optimises and what it must keep: objectives and constraints over validation scores.

Both name a score, ``suite/benchmark/metric``, or a suite's summary, ``suite/summary``. Choosing
never sees a test benchmark, so a key of one is refused here, before anything runs. And so is a
score that no test benchmark confirms, where the front is to be confirmed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from harness.benchmarks.read import Absent, Benchmark
from harness.errors import unknown_name
from harness.records import Key, Objective, ScoreKey, Split, SummaryKey, TrialResult, mean_value
from harness.settings import plugins
from harness.settings.spec import Spec
from harness.statistics.constraints import Constraint


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
        reasons = {
            SummaryKey(lacking.suite, lacking.split): f"{lacking.key}: {lacking.reason}"
            for lacking in absent
            if lacking.summary is not None
        }
        self._reasons = {str(k): why for k, why in reasons.items() if k.split is Split.VALIDATION}
        self._unreported = {k.suite: why for k, why in reasons.items() if k.split is Split.TEST}
        self._benchmarks = {benchmark.key: benchmark for benchmark in benchmarks}
        self.choosing = self._keys(Split.VALIDATION)
        self._reporting = self._keys(Split.TEST)

    def _keys(self, split: Split) -> dict[str, Key]:
        keys: set[Key] = set()
        for benchmark in self._benchmarks.values():
            if benchmark.split == split:
                keys |= {benchmark.score_key(metric) for metric in benchmark.metrics}
                if benchmark.summary is not None:
                    keys.add(SummaryKey(benchmark.suite, split))
        return {str(key): key for key in keys}

    def fault(self, text: str) -> str | None:
        """What is wrong with a key that is to be chosen by, None when nothing is."""
        if text in self._reasons:
            return f"{text!r} cannot be measured here: {self._reasons[text]}"
        if text in self.choosing:
            return None
        if text in self._reporting:
            return (
                f"{text!r} is measured on a test benchmark; objectives and constraints see "
                "validation benchmarks only"
            )
        return unknown_name("score", text, sorted(self.choosing))

    def test_of(self, key: Key) -> Key | None:
        """What confirms a validation key on test benchmarks; None where nothing does for sure.

        A score is confirmed by the benchmark of the equal name but for ``_validation`` and
        ``_test``, else by the one its YAML names as ``twin``, else by the suite's only test
        benchmark with the same metric. A summary is by that of the suite's test benchmarks.
        """
        if isinstance(key, SummaryKey):
            return self._reporting.get(str(SummaryKey(key.suite, Split.TEST)))
        tests = {
            benchmark.name: benchmark.score_key(key.metric)
            for benchmark in self._benchmarks.values()
            if benchmark.suite == key.suite
            and benchmark.split is Split.TEST
            and key.metric in benchmark.metrics
        }
        name = f"{key.stem}_test"
        if name in tests:
            return tests[name]
        twin = self._benchmarks[key.path].twin
        if twin is not None:
            return tests.get(twin)
        return next(iter(tests.values())) if len(tests) == 1 else None

    def unconfirmed(self, text: str) -> str | None:
        """What keeps a key that is chosen by from being confirmed, None when nothing does."""
        key = self.choosing[text]
        if self.test_of(key) is not None:
            return None
        if isinstance(key, SummaryKey) and key.suite in self._unreported:
            return f"{text!r} cannot be confirmed here: {self._unreported[key.suite]}"
        if isinstance(key, SummaryKey):
            return (
                f"no test benchmark confirms {text!r}; allowed: a suite with test benchmarks that "
                "have a `summary`; or `confirm: null`"
            )
        return (
            f"no test benchmark confirms {text!r}; allowed: one of its suite that has the metric "
            "and its name but for `_validation` and `_test`, or that its metadata.harness.twin "
            "names, or that is the only one; or `confirm: null`"
        )


def resolve(objective: ObjectiveSpec, keys: Keys) -> Objective:
    """The objective with everything filled in.

    Raises:
        ValueError: Its key is not one to choose by, or a raw score has no reference or scale.
    """
    fault = keys.fault(objective.key)
    if fault is not None:
        raise ValueError(fault)
    key = keys.choosing[objective.key]
    missing = [name for name in ("reference", "scale") if getattr(objective, name) is None]
    if missing and isinstance(key, ScoreKey):
        raise ValueError(
            f"{' and '.join(missing)} missing: {objective.key!r} is a raw score, which has no "
            "common scale for the hypervolume"
        )
    up = (
        isinstance(key, SummaryKey) or bool(plugins.load("metric", key.metric)().higher_is_better)
        if objective.direction is None
        else objective.direction == "maximize"
    )
    reference = 0.0 if objective.reference is None else objective.reference
    return Objective(key, up, reference, objective.scale or 1.0, keys.test_of(key))


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a trial's runs amount to: objective values and broken constraints, or why not."""

    values: tuple[float, ...]
    violations: Mapping[str, float]
    unmeasured: str | None = None


def judge(
    results: Sequence[TrialResult],
    base: TrialResult | None,
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
) -> Assessment:
    """Means over the seeds, judged; ``base`` is needed for constraints relative to it."""
    values: list[float] = []
    violations: dict[str, float] = {}
    for objective in objectives:
        value = mean_value(results, objective.key)
        if value is None:
            return Assessment((), {}, _why(results, objective.key))
        values.append(value)
    for constraint in constraints:
        value = mean_value(results, constraint.key)
        if value is None:
            return Assessment((), {}, _why(results, constraint.key))
        of_base = None if base is None else base.value_of(constraint.key)
        if constraint.factor and of_base is None:
            return Assessment((), {}, f"the base has no {constraint.key}: {constraint.text}")
        violations[constraint.text] = constraint.violation(value, of_base)
    return Assessment(tuple(values), violations)


def _why(results: Sequence[TrialResult], key: Key) -> str:
    reasons = {
        f"{lacking}: {reason}"
        for result in results
        for lacking, reason in result.unmeasured.items()
        if lacking == key or (isinstance(key, SummaryKey) and lacking.suite == key.suite)
    }
    return f"{key} was not measured" + (f" ({'; '.join(sorted(reasons))})" if reasons else "")
