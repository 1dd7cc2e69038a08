"""Outputs side by side: the same items answered by the base and by each method's best trial.

Items are drawn by a seeded stream from those where the answers are not all the same, so that no
one picks the flattering ones.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError
from harness.evaluation.predictions import read_predictions
from harness.records import Prediction, SweepRecord, SweepTrial, TrialResult
from harness.report.names import variant_of
from harness.streams import stream

logger = logging.getLogger(__name__)

PER_BENCHMARK = 3
_PREFIX = "predictions/"


@dataclass(frozen=True, slots=True)
class Example:
    """One item with every answer to it.

    Attributes:
        prompt: The last user turn.
        wanted: What was wanted, None where the benchmark does not say.
        outputs: What each said, in the order of ``Examples.speakers``.
    """

    prompt: str
    wanted: str | None
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BenchmarkExamples:
    """Examples from one benchmark, and from how many items they were drawn."""

    benchmark: str
    num_items: int
    num_different: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """Examples from all benchmarks that every speaker has stored predictions for."""

    speakers: tuple[str, ...]
    benchmarks: tuple[BenchmarkExamples, ...]


def collect_examples(
    record: SweepRecord, home: Path, *, per_benchmark: int = PER_BENCHMARK, seed: int = 0
) -> Examples:
    """Examples from the predictions in the store of a home folder."""
    speakers = _speakers(record)
    shared = _shared_benchmarks([run for _, run in speakers])
    found = []
    for benchmark in shared:
        answers = [_predictions(home, run, benchmark) for _, run in speakers]
        present = [by_id for by_id in answers if by_id is not None]
        if len(present) == len(answers) and present:
            found.append(_draw(benchmark, present, per_benchmark, seed))
    return Examples(tuple(name for name, _ in speakers), tuple(found))


def _speakers(record: SweepRecord) -> list[tuple[str, TrialResult]]:
    """The base, then per variant its best trial: of the front if it can, by the first objective."""
    speakers = [("base", record.base)] if record.base is not None else []
    best: dict[str, SweepTrial] = {}
    sign = 1 if not record.objectives or record.objectives[0].maximize else -1

    def merit(trial: SweepTrial) -> tuple[bool, bool, float]:
        return (trial.number in record.front, trial.feasible, sign * (trial.values or (0.0,))[0])

    for trial in record.trials:
        variant = variant_of(trial)
        if trial.values is None or not trial.results or variant in {None, "base"}:
            continue
        if variant not in best or merit(trial) > merit(best[variant]):
            best[str(variant)] = trial
    for variant in sorted(best, key=lambda name: (name != "sft", name)):
        trial = best[variant]
        speakers.append((f"{variant} #{trial.number}", trial.results[0]))
    return speakers


def _shared_benchmarks(runs: Sequence[TrialResult]) -> list[str]:
    sets = [
        {name.removeprefix(_PREFIX) for name in run.stages if name.startswith(_PREFIX)}
        for run in runs
    ]
    return sorted(set.intersection(*sets)) if sets else []


def _predictions(home: Path, run: TrialResult, benchmark: str) -> dict[str, Prediction] | None:
    folder = home / "store" / "predictions" / run.stages[f"{_PREFIX}{benchmark}"]
    try:
        rows = read_predictions(folder / "predictions.jsonl")
    except DataError as error:
        logger.warning("no examples from %s: %s", benchmark, error.message)
        return None
    return {row.id: row for row in rows}


def _draw(
    benchmark: str, answers: Sequence[Mapping[str, Prediction]], count: int, seed: int
) -> BenchmarkExamples:
    ids = [name for name in answers[0] if all(name in by_id for by_id in answers)]
    different = [name for name in ids if len({by_id[name].output.strip() for by_id in answers}) > 1]
    drawn = stream(seed, f"examples/{benchmark}").sample(different, min(count, len(different)))
    chosen = sorted(drawn, key=ids.index)
    return BenchmarkExamples(
        benchmark,
        len(ids),
        len(different),
        tuple(
            Example(
                answers[0][name].prompt,
                answers[0][name].target or next(iter(answers[0][name].references), None),
                tuple(by_id[name].output for by_id in answers),
            )
            for name in chosen
        ),
    )
