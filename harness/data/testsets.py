"""Test sets that are files, not benchmarks: what of them may have been trained on.

A file of a known format gives its fields of text (``source``, ``prompt``, ``question`` and the
like), a Hugging Face folder those of its test split; any other is plain text with an item a line.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.data.raw import RawRow, is_empty
from harness.data.readers import rows_with_fields
from harness.data.spec import CorpusSpec
from harness.errors import DataError, existing
from harness.records import JSON
from harness.storage.reading import Reading, read_lines

logger = logging.getLogger(__name__)
TEXTS = (
    "source", "target", "reference", "references", "translation", "prompt", "question",
    "instruction", "text", "goal", "turns", "messages", "input",
)  # fmt: skip
"""Fields of a test item that hold what is asked or its reference."""


def read_items(path: str) -> list[dict[str, JSON]]:
    """The items of a test set, as ``harness.data.contamination`` compares them.

    Raises:
        DataError: It cannot be read, or its rows have no field of ``TEXTS``.
    """
    existing(Path(path))
    split = "test" if Path(path).is_dir() else None
    reading = Reading(path, allows_unpaired=True)
    rows = rows_with_fields(CorpusSpec(path=path, split=split), reading)
    items = _lines(path) if rows is None else _rows(path, rows)
    reading.raise_faults()
    if reading.num_unpaired:
        text = "%s: %d segments without a text in one of the languages are not looked for"
        logger.warning(text, path, reading.num_unpaired)
    if not items:
        raise DataError(f"{path}: no items in it")
    return items


def _lines(path: str) -> list[dict[str, JSON]]:
    lines = enumerate(read_lines(Path(path)), start=1)
    return [{"id": str(number), "source": line} for number, line in lines if not is_empty(line)]


def _rows(path: str, rows: Iterator[RawRow]) -> list[dict[str, JSON]]:
    items: list[dict[str, JSON]] = []
    for row in rows:
        texts = [
            text for name in TEXTS for text in _texts_of(row.data.get(name)) if not is_empty(text)
        ]
        if not texts:
            there = ", ".join(row.data) or "none"
            raise DataError(
                f"{path}:{row.line}: found the fields {there}, allowed one of {', '.join(TEXTS)}",
                "or give the texts alone in a plain text file (.txt), an item a line",
            )
        name = str(row.data.get("id", row.number))
        items.append({"id": name, "source": texts[0], "references": texts[1:]})
    return items


def _texts_of(value: JSON) -> list[str]:
    """All texts in a field: itself, of a list, of languages, of the turns of a chat."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        inner = [value["content"]] if "content" in value else list(value.values())
        return [text for one in inner for text in _texts_of(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts_of(one)]
    return []
