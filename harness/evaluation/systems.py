"""What ``harness compare`` compares, read and scored: outputs of any system, results of runs."""

from collections.abc import Sequence
from pathlib import Path

from harness.errors import DataError
from harness.evaluation.score_file import OutputReading, Scoring
from harness.records import Prediction, TrialResult
from harness.statistics.samples import Samples, System, named_keys, primary_keys


def systems_of_files(
    paths: Sequence[Path], reading: OutputReading, scoring: Scoring
) -> list[System]:
    """Outputs of systems: predictions files, or plain text beside references.

    All are read, and held against the last, before any is scored.

    Raises:
        DataError: Files are wrong, lack what a metric needs, or hold other items: all at once.
        MissingExtra, EvaluationError: As ``Scoring.score``.
    """
    rows: dict[Path, list[Prediction]] = {}
    faults: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            rows[path] = reading.rows(path)
            scoring.check(rows[path])
        except DataError as error:
            faults.append(str(error))
    if not faults:
        last = paths[-1]
        faults = [
            f"{path} and {last}: {fault}"
            for path in rows
            if (fault := _other_items(rows[path], rows[last]))
        ]
    if faults:
        raise DataError("\n".join(dict.fromkeys(faults)))
    scored = {path: scoring.score(path, rows[path]).by_metric for path in rows}
    samples = Samples()
    return [
        System(str(path), {name: samples.of_score(score) for name, score in scored[path].items()})
        for path in paths
    ]


def _other_items(first: Sequence[Prediction], second: Sequence[Prediction]) -> str | None:
    """Why two files are not of the same items: two may call other sentences by one id."""
    mine, theirs = _texts(first), _texts(second)
    if apart := sorted(mine.keys() ^ theirs.keys()):
        return (
            f"not the same items: found {len(mine)} and {len(theirs)}, {len(apart)} are in one "
            f"alone, the first is {apart[0]!r}"
        )
    other = [
        name
        for name, texts in mine.items()
        if any(a and b and a != b for a, b in zip(texts, theirs[name], strict=True))
    ]
    if not other:
        return None
    return (
        f"not the same items: {len(other)} have another source or references, the first is "
        f"{other[0]!r}"
    )


def _texts(rows: Sequence[Prediction]) -> dict[str, tuple[str | tuple[str, ...] | None, ...]]:
    """By item what any system was given, and what was expected of it."""
    return {row.id: (row.source, row.references, row.target) for row in rows}


def system_of_results(
    name: str, results: Sequence[TrialResult], metrics: Sequence[str] = (), said: str = ""
) -> System:
    """Runs of one configuration, at its scores and summaries.

    Args:
        name: As the user called them.
        results: One a seed.
        metrics: Metrics, axes or whole keys; what comparisons count where none is named.
        said: What else to say of it.

    Raises:
        ConfigError: A name is of no key.
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
    keys = named_keys(results[0], metrics, f"{name}: ") or primary_keys(results[0])
    measured = {str(key): samples.of_runs(results, key) for key in keys}
    return System(name, {key: value for key, value in measured.items() if value is not None}, said)
