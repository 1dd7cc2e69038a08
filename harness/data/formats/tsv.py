"""Tab-separated columns, quotation marks being text."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from harness.data.formats._columns import TableFormat
from harness.storage.reading import Reading, read_lines


class TabSeparated(TableFormat):
    """Source and target, or columns named by a header."""

    endings: ClassVar[tuple[str, ...]] = (".tsv", ".tab")
    version: ClassVar[int] = 3
    name: ClassVar[str] = "tsv"
    mark: ClassVar[str] = "\t"

    def cells(self, path: Path, reading: Reading) -> Iterator[tuple[int, list[str]]]:
        """One row a line."""
        for number, line in enumerate(read_lines(path, reading), start=1):
            yield number, line.split("\t") if line else []


FORMAT = TabSeparated
