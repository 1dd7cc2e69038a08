"""A suite's summary: the mean of its benchmarks on a common scale of 0 (worst) to 1 (best)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.benchmarks.read import Absent, Benchmark
from harness.records import Key, Score, ScoreKey, SummaryKey, SummaryPart


@dataclass(frozen=True, slots=True)
class Summaries:
    """The summaries of a trial.

    Attributes:
        values: Of the suites, from validation and from test benchmarks.
        parts: What each value is the mean of.
        missing: Why a summary has no value; such a key is not in ``values``.
    """

    values: Mapping[SummaryKey, float] = field(default_factory=dict)
    parts: Mapping[SummaryKey, tuple[SummaryPart, ...]] = field(default_factory=dict)
    missing: Mapping[Key, str] = field(default_factory=dict)


def summarise(
    benchmarks: Sequence[Benchmark],
    scores: Mapping[ScoreKey, Score],
    absent: Sequence[Absent] = (),
) -> Summaries:
    """The summaries of all suites; without a value where one of the benchmarks is not measured.

    Args:
        benchmarks: All that were scored.
        scores: All there are.
        absent: Those whose data are not here.
    """
    parts: dict[SummaryKey, tuple[SummaryPart, ...]] = {}
    for benchmark in (*benchmarks, *absent):
        if (summary := benchmark.summary) is not None:
            part = SummaryPart(
                benchmark.score_key(summary.metric), summary.worst, summary.best, summary.chance
            )
            suite = SummaryKey(benchmark.suite, benchmark.split)
            parts[suite] = (*parts.get(suite, ()), part)
    values: dict[SummaryKey, float] = {}
    missing: dict[Key, str] = {}
    for suite, of_suite in parts.items():
        lacking = [str(part.key) for part in of_suite if part.key not in scores]
        if lacking:
            missing[suite] = f"not measured: {', '.join(lacking)}"
        else:
            scaled = [part.scaled(scores[part.key].value) for part in of_suite]
            values[suite] = sum(scaled) / len(scaled)
    return Summaries(values, {suite: parts[suite] for suite in values}, missing)
