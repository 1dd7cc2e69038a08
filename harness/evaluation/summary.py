"""A suite's summary: the mean of its benchmarks on a common scale of 0 (worst) to 1 (best)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.benchmarks.read import Absent, Benchmark
from harness.benchmarks.task import Summary
from harness.records import Score, Split, SummaryPart

_MARGIN = 0.05


@dataclass(frozen=True, slots=True)
class Summaries:
    """The summaries of a trial.

    Attributes:
        values: ``suite/summary`` from validation, ``suite/summary_test`` from test benchmarks.
        parts: What each value is the mean of.
        missing: Why a summary has no value; such a key is not in ``values``.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, tuple[SummaryPart, ...]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


def summary_key(benchmark: Benchmark | Absent) -> str:
    """The summary a benchmark counts in."""
    name = "summary" if benchmark.split is Split.VALIDATION else "summary_test"
    return f"{benchmark.suite}/{name}"


def summarise(
    benchmarks: Sequence[Benchmark], scores: Mapping[str, Score], absent: Sequence[Absent] = ()
) -> Summaries:
    """The summaries of all suites; without a value where one of the benchmarks is not measured.

    Args:
        benchmarks: All that were scored.
        scores: Keyed ``suite/benchmark/metric``.
        absent: Those whose data are not here.
    """
    members: dict[str, list[tuple[str, Summary]]] = {}
    wanted: tuple[Benchmark | Absent, ...] = (*benchmarks, *absent)
    for benchmark in wanted:
        if benchmark.summary is not None:
            key = f"{benchmark.key}/{benchmark.summary.metric}"
            members.setdefault(summary_key(benchmark), []).append((key, benchmark.summary))
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name, parts in members.items():
        lacking = [key for key, _ in parts if key not in scores]
        if lacking:
            missing[name] = f"not measured: {', '.join(lacking)}"
        else:
            scaled = [summary.scaled(scores[key].value) for key, summary in parts]
            values[name] = sum(scaled) / len(scaled)
    return Summaries(
        values,
        {name: tuple(_part(*part) for part in members[name]) for name in values},
        missing,
    )


def _part(key: str, summary: Summary) -> SummaryPart:
    return SummaryPart(key, summary.worst, summary.best, summary.chance)


def retention(value: float, base: float, summary: Summary | SummaryPart) -> float | None:
    """How much of the base's ability above chance is left: 1 is all of it.

    None where lower is better (a rate of failures is not an ability), and where the base itself is
    within .05 of chance on the common scale: little divided by almost nothing says nothing.

    >>> retention(0.6, 0.85, Summary(metric="choice_accuracy", worst=0, best=1, chance=0.25))
    0.5833333333333334
    """
    chance = summary.worst if summary.chance is None else summary.chance
    if summary.worst > summary.best or (base - chance) / (summary.best - summary.worst) < _MARGIN:
        return None
    return (value - chance) / (base - chance)


def retentions(
    benchmarks: Sequence[Benchmark], scores: Mapping[str, Score], base: Mapping[str, Score]
) -> dict[str, float]:
    """Retention of every benchmark that has one, by its key.

    Args:
        benchmarks: All that were scored.
        scores: The tuned model's, keyed ``suite/benchmark/metric``.
        base: The untuned model's; scores of another signature are not compared.
    """
    found: dict[str, float] = {}
    for benchmark in benchmarks:
        if benchmark.summary is None:
            continue
        key = f"{benchmark.key}/{benchmark.summary.metric}"
        tuned, untuned = scores.get(key), base.get(key)
        if tuned is None or untuned is None or tuned.signature != untuned.signature:
            continue
        left = retention(tuned.value, untuned.value, benchmark.summary)
        if left is not None:
            found[benchmark.key] = left
    return found
