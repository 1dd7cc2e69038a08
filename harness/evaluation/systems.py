"""What ``harness compare`` compares, read and scored: outputs of any system, results of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import DataError, raise_all
from harness.evaluation.score_file import OutputReading, Scoring
from harness.gate.baseline import configuration_faults
from harness.records import Prediction, TrialResult
from harness.statistics.samples import Samples, System, named_keys, primary_keys
from harness.storage.predictions import clusters_of


def systems_of_files(
    paths: Sequence[Path], reading: OutputReading, scoring: Scoring, cluster: str | None = None
) -> list[System]:
    """Outputs of systems: predictions files, or plain text beside references.

    All are read, and held against the last, before any is scored.

    Args:
        paths: Of the files, two or more.
        reading: How they are read.
        scoring: The metrics.
        cluster: A field of the rows that items share which are no independent draws.

    Raises:
        DataError: Files are wrong, lack what a metric needs, or hold other items: all at once.
        MissingExtra, EvaluationError: As ``Scoring.score``.
    """
    rows = _read(paths, reading, scoring)
    clusters = {} if cluster is None else _clusters(rows, cluster)
    samples = Samples()
    systems: dict[Path, System] = {}
    for path, predictions in rows.items():
        scores = scoring.score(path, predictions).by_metric
        of_items = tuple(clusters[row.id] for row in predictions if clusters)
        measured = {
            name: samples.of_score(replace(score, clusters=of_items))
            for name, score in scores.items()
        }
        systems[path] = System(str(path), measured)
    return [systems[path] for path in paths]


def _read(
    paths: Sequence[Path], reading: OutputReading, scoring: Scoring
) -> dict[Path, list[Prediction]]:
    """Each file once; a DataError of all that is wrong with any, or of other items."""
    rows: dict[Path, list[Prediction]] = {}
    faults: list[DataError] = []
    for path in dict.fromkeys(paths):
        try:
            rows[path] = reading.rows(path)
            scoring.check(rows[path])
        except DataError as error:
            faults.append(error)
    raise_all(faults)
    last = paths[-1]
    raise_all(
        [
            DataError(f"{path} and {last}: {fault}")
            for path in rows
            if (fault := _other_items(rows[path], rows[last]))
        ]
    )
    return rows


def _clusters(rows: Mapping[Path, Sequence[Prediction]], field: str) -> dict[str, str]:
    """By item what it shares with others: it is enough that one file says it.

    Raises:
        DataError: None says it of an item, or two say otherwise.
    """
    clusters: dict[str, str] = {}
    faults: list[str] = []
    for path, predictions in rows.items():
        own = clusters_of(predictions, field)
        other = [name for name, value in own.items() if clusters.get(name, value) != value]
        if other:
            faults.append(f"{path}: {field} of item {other[0]!r} is another than in the first file")
        clusters |= own
    lacking = [row.id for row in next(iter(rows.values())) if row.id not in clusters]
    if lacking:
        faults.append(
            f"--cluster {field}: {len(lacking)} items have none, the first is {lacking[0]!r}"
        )
    if faults:
        raise DataError("\n".join(faults))
    return clusters


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
        DataError: There are none, or of several configurations, or one has two runs of a seed.
    """
    faults = configuration_faults(results, name) if results else [f"{name}: no results"]
    if faults:
        raise DataError("\n".join(faults))
    samples = Samples()
    keys = named_keys(results[0], metrics, f"{name}: ") or primary_keys(results[0])
    measured = {str(key): samples.of_runs(results, key) for key in keys}
    return System(name, {key: value for key, value in measured.items() if value is not None}, said)
