"""A sweep as one small file, to be committed or sent: all it came to, with every answer given.

In it are the study, the results, and of the store the answers and their scores whole, of training
what its stages say of themselves and the curves. Unpacked (``tar -xJf``) it is a home folder: the
sweep is reported, compared, and scored by other metrics as where it was run, without a training;
what needs an adapter says that it was left out. Answers of judges are not in it, and corpora,
models and benchmarks are where the sweep's file says.

The bytes depend on the files alone. Files that are alike lie beside each other, as the compression
finds again what it has seen: the scores of a run in its result, prompts in the next run's answers.
"""

import io
import json
import lzma
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.errors import ConfigError
from harness.records import SweepRecord, TrialResult
from harness.storage.files import write_whole
from harness.storage.store import MANIFEST, read_manifest
from harness.sweep.record import JOURNAL, load_sweep, sweep_folder
from harness.trial.curves import CURVES

_ANSWERS = "predictions"
_SCORES = "scores"
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
_LEFT_OUT: Mapping[str, tuple[str, ...]] = {"examples": (), "adapter": (CURVES, "adapter/*.json")}
"""Stages of which an archive has the manifest alone, and what else."""
_WITH_TEXT = ("completions", "contamination", _ANSWERS)
"""Stages that hold what benchmarks ask and what was said to it."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What was written: files, their bytes, and those of the archive."""

    num_files: int
    num_bytes: int
    num_compressed: int


def archive_sweep(name: str, path: Path, *, home: Path, texts: bool = True) -> Archived:
    """Writes a sweep of a home folder, as far as it is, into a ``.tar.xz``.

    Args:
        name: Of the sweep.
        path: File to write.
        home: Folder of the results.
        texts: Whether with answers and what was asked, which may not be passed on where the
            benchmarks' data may not.

    Raises:
        ConfigError: There is no such sweep, or its study is in a storage elsewhere.
    """
    journal = sweep_folder(home, name) / JOURNAL
    record = load_sweep(home, name)
    if not journal.is_file():
        raise ConfigError(f"sweep {name}: its study is not in {home}, so it cannot be archived")
    sizes: list[int] = []
    left_out = dict(_LEFT_OUT)
    if not texts:
        left_out |= dict.fromkeys(_WITH_TEXT, ())

    def write(file: IO[bytes]) -> None:
        with (
            lzma.open(file, "wb", filters=_FILTERS) as compressed,
            tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for place, content in _files(record, journal, home, left_out):
                entry = tarfile.TarInfo(place.relative_to(home).as_posix())
                entry.size = len(content)
                sizes.append(len(content))
                archive.addfile(entry, io.BytesIO(content))

    write_whole(path, write)
    return Archived(len(sizes), sum(sizes), path.stat().st_size)


def _files(
    record: SweepRecord, journal: Path, home: Path, left_out: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Path, bytes]]:
    """Every file of an archive once, in its order."""
    store = home / "store"
    results = _results(record)
    scores = _scores_of(store)
    yield journal, journal.read_bytes()
    written: set[Path] = set()
    for result in results:
        file = home / "trials" / f"{result.fingerprint}.json"
        if file not in written:
            written.add(file)
            yield file, file.read_bytes()
        for answers in _keys(result, _ANSWERS):
            for folder in scores.get(answers, ()):
                yield from _new(folder, written, left_out)
    named = {stage for result in results for stage in result.stages}
    for stage in sorted(named):
        kind = _ANSWERS if stage.startswith(f"{_ANSWERS}/") else stage.rpartition("/")[2]
        for result in results:
            if stage in result.stages:
                yield from _new(store / kind / result.stages[stage], written, left_out)


def _results(record: SweepRecord) -> list[TrialResult]:
    """Of the base, of every trial, then of every confirmation, each by its seed."""
    base = [] if record.base is None else [record.base]
    searched = [result for trial in record.trials for result in trial.results]
    confirmed = [result for trial in record.trials for result in trial.confirmed]
    return [*base, *searched, *confirmed]


def _keys(result: TrialResult, stage: str) -> list[str]:
    return [key for name, key in result.stages.items() if name.startswith(f"{stage}/")]


def _scores_of(store: Path) -> dict[str, list[Path]]:
    """The folders of scores by the key of the answers they are of."""
    folders: dict[str, list[Path]] = {}
    for manifest in sorted((store / _SCORES).glob(f"[!.]*/{MANIFEST}")):
        answers = str(read_manifest(manifest.parent)["identity"]["predictions"])
        folders.setdefault(answers, []).append(manifest.parent)
    return folders


def _new(
    folder: Path, written: set[Path], left_out: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Path, bytes]]:
    """The files of a stage folder that is there and was not written yet."""
    if folder in written or not (folder / MANIFEST).is_file():
        return
    written.add(folder)
    kept = left_out.get(folder.parent.name)
    if kept is None:
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        yield from ((file, file.read_bytes()) for file in files)
        return
    manifest = {**read_manifest(folder), "left_out": True}
    yield folder / MANIFEST, json.dumps(manifest, indent=1).encode()
    for pattern in kept:
        yield from ((file, file.read_bytes()) for file in sorted(folder.glob(pattern)))
