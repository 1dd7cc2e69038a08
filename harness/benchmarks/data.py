"""The data of a benchmark: shipped beside its YAML, or read from a folder the user names."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.benchmarks.items import check_rows
from harness.benchmarks.source import HUB, located, names_of
from harness.benchmarks.spec import EvalSpec
from harness.benchmarks.task import TaskFile
from harness.data.raw import RawRow
from harness.errors import ConfigError, DataError
from harness.records import JSON
from harness.settings.spec import digest
from harness.storage.reading import Reading, read_objects

logger = logging.getLogger(__name__)
DATA_VARIABLE = "HARNESS_DATA"
"""Environment variable that names the folder of data that are not shipped."""


def data_folder(spec: EvalSpec) -> Path | None:
    """Where data that are not shipped are looked for; None when the user named no folder.

    Raises:
        ConfigError: The folder named is none.
    """
    named, where = spec.data, "eval.data"
    if named is None:
        named, where = os.environ.get(DATA_VARIABLE) or None, DATA_VARIABLE
    if named is None:
        return None
    if not Path(named).is_dir():
        raise ConfigError(f"{where}: found {named!r}, allowed: an existing folder")
    return Path(named)


@dataclass(frozen=True)
class BenchmarkData:
    """A benchmark's rows, checked, the first file they are from, and the checksum of all files."""

    path: Path
    sha256: str
    rows: tuple[Mapping[str, JSON], ...]


def data_of(path: Path, task: TaskFile, data: Path | None) -> BenchmarkData | str:
    """The rows of a benchmark, or what is missing of them.

    Raises:
        ConfigError: A template of a row is wrong.
        DataError: A file is wrong, or shipped data are missing.
    """
    source = task.metadata.harness.data
    if source is None:
        return _shipped(path, task)
    paths = source.located(path.parent, data)
    files = {field: file for field, file in paths.items() if file is not None}
    missing = [names_of(names)[0] for field, names in source.files.items() if field not in files]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        where = f"in {data}" if data is not None else f"(eval.data or {DATA_VARIABLE} names it)"
        return (
            f"its data are not here: {', '.join(missing)} {verb} missing from the data folder "
            f"{where}; get: {source.get}"
        )
    from harness.benchmarks.source_rows import read_records, rows_made_of  # Jinja, for who needs it

    first = next(iter(files.values()), Path(f"{HUB}/{source.hub}"))
    reading = Reading(first, allows_unpaired=source.allow_unpaired)
    records = read_records(source, files, data, reading)
    sums = {field: reading.sha256[file] for field, file in files.items()}
    _check_sum(path, first, sums.get(next(iter(files), "")), task)
    reading.raise_faults()
    if reading.num_unpaired:
        text = "%s: %d records of %s have no text in one of the languages, and are left out"
        logger.warning(text, path, reading.num_unpaired, first)
    rows = rows_made_of(records, source, str(path))
    numbered: list[JSON] = [[row.number, row.data] for row in rows]
    sha256 = next(iter(sums.values())) if len(sums) == 1 else digest(sums or numbered)
    return BenchmarkData(first, sha256, check_rows(rows, task, reading, str(path)))


def _shipped(path: Path, task: TaskFile) -> BenchmarkData:
    assert task.data_file is not None
    file = (path.parent / task.data_file).resolve()
    if not file.is_file():
        raise DataError(f"{path}: dataset_kwargs.data_files: no such file: {file}")
    reading = Reading(file)
    rows = [RawRow(line, line, row) for line, row in read_objects(file, reading)]
    _check_sum(path, file, reading.sha256[file], task)
    return BenchmarkData(file, reading.sha256[file], check_rows(rows, task, reading))


def located_settings(
    settings: Mapping[str, Mapping[str, JSON]], folder: Path, data: Path | None
) -> dict[str, dict[str, JSON]]:
    """Settings of metrics, those that name a file of a benchmark's folder or the data folder found.

    Args:
        settings: By metric.
        folder: Of the benchmark's YAML.
        data: The data folder; None when the user named none.
    """

    def in_place(value: JSON) -> JSON:
        file = located(value, folder, data) if isinstance(value, str) else None
        return value if file is None else str(file)

    return {
        metric: {name: in_place(value) for name, value in own.items()}
        for metric, own in settings.items()
    }


def _check_sum(path: Path, file: Path, sha256: str | None, task: TaskFile) -> None:
    expected = task.metadata.harness.data_sha256
    if expected not in (None, sha256):
        raise DataError(
            f"{path}: metadata.harness.data_sha256: {file} has {sha256}, not the {expected} "
            "written here",
            "Scores on changed data do not compare with earlier ones: raise metadata.version, then "
            "write the new checksum.",
        )
