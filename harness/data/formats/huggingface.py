"""A Hugging Face datasets folder: written by ``save_to_disk``, or with Parquet or Arrow files.

The one place that opens the library ``datasets``. Nothing is fetched and no code of the folder is
run; what the library writes while reading is thrown away.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from harness.data.bars import without_bars
from harness.data.raw import Format, RawRow
from harness.data.spec import CorpusSpec
from harness.errors import DataError, unknown_name
from harness.storage.reading import Reading

_KINDS = (".parquet", ".arrow")


class HuggingFace(Format):
    """Columns as fields; the line of a row is its number."""

    has_fields: ClassVar[bool] = True

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """In the order of the folder."""
        folder = Path(spec.path)
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder, allowed one of a Hugging Face dataset")
        with tempfile.TemporaryDirectory() as scratch, without_bars():
            for number, row in enumerate(_dataset(folder, spec, scratch), start=1):
                yield RawRow(number, number, {k: v for k, v in row.items() if v is not None})


def _dataset(folder: Path, spec: CorpusSpec, scratch: str) -> Any:
    import datasets

    try:
        if any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
            stored = datasets.load_from_disk(str(folder))
            return _split(stored, spec) if isinstance(stored, Mapping) else stored
        return _from_files(folder, spec, scratch)
    except (OSError, ValueError) as error:  # pyarrow's errors are of these kinds
        if isinstance(error, DataError):
            raise
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(f"{folder}: cannot be read by datasets ({first})") from None


def _from_files(folder: Path, spec: CorpusSpec, scratch: str) -> Any:
    import datasets

    for ending in _KINDS:
        files = sorted(folder.rglob(f"*{ending}"))
        if not files:
            continue
        splits: dict[str, list[str]] = {}
        for file in files:
            # train-00000-of-00002.parquet, or train/0.parquet
            name = file.parent.name if file.parent != folder else file.stem.partition("-")[0]
            splits.setdefault(name, []).append(str(file))
        chosen = _split(splits, spec)
        if ending == ".arrow":
            return datasets.concatenate_datasets([datasets.Dataset.from_file(x) for x in chosen])
        return datasets.Dataset.from_parquet(chosen, cache_dir=scratch, keep_in_memory=True)
    raise DataError(
        f"{folder}: no Hugging Face dataset, allowed a folder that save_to_disk wrote, or one with "
        "Parquet or Arrow files"
    )


def _split(splits: Mapping[str, Any], spec: CorpusSpec) -> Any:
    name = spec.split or (next(iter(splits)) if len(splits) == 1 else "train")
    if name not in splits:
        known = sorted(splits)
        raise DataError(
            f"{spec.path}: {unknown_name('split', name, known)}", f"set split to one of {known}"
        )
    return splits[name]


FORMAT = HuggingFace
