"""What ``harness compare`` compares, read and scored: outputs of any system, results of runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError
from harness.evaluation.score_file import score_file
from harness.protocols import Services
from harness.records import JSON, Key, ScoreKey, TrialResult
from harness.statistics.samples import Samples, System


@dataclass(frozen=True, slots=True)
class OutputReading:
    """How files of outputs are read and scored; see ``harness.evaluation.score_file``."""

    metrics: tuple[str, ...]
    services: Services
    settings: Sequence[tuple[str, JSON]] = ()
    source_lang: str | None = None
    target_lang: str | None = None
    references: tuple[Path, ...] = ()
    source: Path | None = None


def system_of_file(path: Path, reading: OutputReading) -> System:
    """Outputs of a system: a predictions file, or plain text beside references.

    Raises:
        ConfigError, DataError, MissingExtra, EvaluationError: As ``score_file``.
    """
    scored = score_file(
        path,
        reading.metrics,
        reading.settings,
        reading.services,
        source_lang=reading.source_lang,
        target_lang=reading.target_lang,
        references=reading.references,
        source=reading.source,
    )
    samples = Samples()
    return System(
        str(path),
        {name: samples.of_score(score) for name, score in scored.by_metric.items()},
        texts={row.id: (row.source, row.references) for row in scored.predictions},
    )


def system_of_results(name: str, results: Sequence[TrialResult], named: Sequence[str]) -> System:
    """Runs of one configuration, at its scores and summaries.

    Args:
        name: As the user called them.
        results: One a seed.
        named: Metrics or whole keys; all where there are none.

    Raises:
        DataError: The runs are of several configurations.
    """
    names = {result.name for result in results} if results else set()
    variants = {result.variant for result in results}
    if len(names) != 1 or len(variants) != 1:
        raise DataError(
            f"{name}: found runs of {', '.join(sorted(names)) or 'nothing'}, allowed those of one "
            "configuration"
        )
    samples = Samples()
    keys: list[Key] = [*results[0].summaries, *results[0].scores]
    measured = {
        str(key): samples.of_runs(results, key)
        for key in keys
        if not named or str(key) in named or (isinstance(key, ScoreKey) and key.metric in named)
    }
    return System(name, {key: value for key, value in measured.items() if value is not None})
