"""A Hugging Face datasets folder, by ``save_to_disk`` or of Parquet or Arrow files; or one file.

The one place that opens the library ``datasets``. Nothing is fetched and no code of the folder is
run; what the library writes while reading is thrown away.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.data.bars import without_bars
from harness.data.formats._hub_layout import chosen_files, chosen_split
from harness.data.raw import Format, RawRow
from harness.data.spec import CorpusSpec
from harness.errors import DataError
from harness.settings.spec import file_sha256
from harness.storage.reading import Reading

_KINDS = (".parquet", ".arrow")


class HuggingFace(Format):
    """Columns as fields; the line of a row is its number."""

    endings: ClassVar[tuple[str, ...]] = _KINDS
    has_fields: ClassVar[bool] = True
    version: ClassVar[int] = 2

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """In the order of the folder."""
        folder = Path(spec.path)
        if not folder.exists() or (folder.is_file() and folder.suffix not in _KINDS):
            raise DataError(
                f"{folder}: no such folder, allowed one of a Hugging Face dataset, or one of its "
                f"files ({', '.join(_KINDS)})"
            )
        if folder.is_file():
            reading.sha256[folder.resolve()] = file_sha256(folder)
        with tempfile.TemporaryDirectory() as scratch, without_bars():
            for number, row in enumerate(_dataset(folder, spec, scratch), start=1):
                yield RawRow(number, number, row)


def _dataset(folder: Path, spec: CorpusSpec, scratch: str) -> Any:
    import datasets
    from datasets.exceptions import DatasetsError

    try:
        if any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
            stored = datasets.load_from_disk(str(folder))
            return stored[chosen_split(stored, spec)] if isinstance(stored, Mapping) else stored
        if folder.is_file():
            return _rows_of(folder.suffix, [str(folder)], scratch)
        return _from_files(folder, spec, scratch)
    except DataError:
        raise
    except (OSError, ValueError, DatasetsError) as error:  # pyarrow's are of the first two kinds
        reason = error.__cause__ or error  # of parts whose columns differ the library says it there
        first = next(iter(str(reason).splitlines()), type(error).__name__)
        raise DataError(f"{folder}: cannot be read by datasets ({first})") from None


def _rows_of(ending: str, files: list[str], scratch: str) -> Any:
    import datasets

    if ending == ".arrow":
        return datasets.concatenate_datasets([datasets.Dataset.from_file(x) for x in files])
    return datasets.Dataset.from_parquet(files, cache_dir=scratch, keep_in_memory=True)


def _from_files(folder: Path, spec: CorpusSpec, scratch: str) -> Any:
    for ending in _KINDS:
        files = sorted(file for file in folder.rglob(f"*{ending}") if _is_data(file, folder))
        if not files:
            continue
        chosen = chosen_files(folder, files, spec)
        return _rows_of(ending, [str(file) for file in chosen], scratch)
    raise DataError(
        f"{folder}: no Hugging Face dataset, allowed a folder that save_to_disk wrote, or one with "
        "Parquet or Arrow files"
    )


def _is_data(file: Path, folder: Path) -> bool:
    """Whether a file is no hidden one, and none that ``datasets`` keeps beside its data."""
    parts = file.relative_to(folder).parts
    return not any(part.startswith(".") for part in parts) and not parts[-1].startswith("cache-")


FORMAT = HuggingFace
