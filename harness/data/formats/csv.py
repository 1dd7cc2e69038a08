"""Comma-separated columns as RFC 4180 has them: cells in quotation marks may hold line ends."""

from collections.abc import Iterator
from csv import Error, field_size_limit, reader
from pathlib import Path
from typing import ClassVar

from harness.data.formats._columns import TableFormat
from harness.storage.reading import Reading, read_lines

_LONGEST_CELL = 2**24


class CommaSeparated(TableFormat):
    """Source and target, or columns named by a header."""

    endings: ClassVar[tuple[str, ...]] = (".csv",)
    name: ClassVar[str] = "csv"

    def cells(self, path: Path, reading: Reading) -> Iterator[tuple[int, list[str]]]:
        """One row a record; its line is that of its first cell."""
        field_size_limit(_LONGEST_CELL)
        table = reader((f"{line}\n" for line in read_lines(path, reading)), strict=True)
        begin = 1
        try:
            for row in table:
                yield begin, row
                begin = table.line_num + 1
        except Error as error:
            reading.fault(begin, f"not valid CSV ({error}), allowed cells as RFC 4180 has them")


FORMAT = CommaSeparated
