"""Outputs side by side: items answered by the base and by the trial that stands for each method.

Items are drawn by a seeded stream from those where the answers are not all the same, so that no
one picks the flattering ones.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError
from harness.records import Prediction, SweepRecord, TrialResult
from harness.report.reference import best_of_variants
from harness.seeds import stream
from harness.storage.predictions import read_predictions

PER_BENCHMARK = 3
_PREFIX = "predictions/"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnsweredItem:
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
    examples: tuple[AnsweredItem, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """Examples from all benchmarks that every speaker has stored predictions for."""

    speakers: tuple[str, ...]
    benchmarks: tuple[BenchmarkExamples, ...]


def collect_examples(record: SweepRecord, home: Path) -> Examples:
    """Examples from the predictions in the store of a home folder."""
    speakers = _speakers(record)
    shared = set.intersection(*[predicted(run) for _, run in speakers]) if speakers else set()
    groups = []
    for benchmark in sorted(shared):
        answers = [predictions_of(run, benchmark, home) for _, run in speakers]
        present = [{row.id: row for row in rows} for rows in answers if rows is not None]
        if len(present) == len(answers) and present:
            groups.append(_draw(benchmark, present))
    return Examples(tuple(name for name, _ in speakers), tuple(groups))


def _speakers(record: SweepRecord) -> list[tuple[str, TrialResult]]:
    """The base, then per variant the trial that stands for it."""
    base = [("base", record.base)] if record.base is not None else []
    return base + [
        (f"{variant} #{trial.number}", trial.results[0])
        for variant, trial in best_of_variants(record).items()
    ]


def _draw(benchmark: str, answers: Sequence[Mapping[str, Prediction]]) -> BenchmarkExamples:
    ids = [name for name in answers[0] if all(name in by_id for by_id in answers)]
    different = [name for name in ids if len({by_id[name].output.strip() for by_id in answers}) > 1]
    count = min(PER_BENCHMARK, len(different))
    drawn = stream(0, f"examples/{benchmark}").sample(different, count)
    chosen = sorted(drawn, key=ids.index)
    return BenchmarkExamples(
        benchmark,
        len(ids),
        len(different),
        tuple(
            AnsweredItem(
                answers[0][name].prompt,
                answers[0][name].target or next(iter(answers[0][name].references), None),
                tuple(by_id[name].output for by_id in answers),
            )
            for name in chosen
        ),
    )


def predicted(run: TrialResult) -> set[str]:
    """The benchmarks a run has answered."""
    return {name.removeprefix(_PREFIX) for name in run.stages if name.startswith(_PREFIX)}


def predictions_of(run: TrialResult, benchmark: str, home: Path) -> list[Prediction] | None:
    """A run's answers to a benchmark; None where they are not in the store."""
    folder = home / "store" / "predictions" / run.stages[f"{_PREFIX}{benchmark}"]
    try:
        return read_predictions(folder / "predictions.jsonl")
    except DataError as error:
        logger.warning("the answers to %s cannot be shown: %s", benchmark, error.message)
        return None
