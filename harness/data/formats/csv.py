"""Comma-separated columns as RFC 4180 has them: cells in quotation marks may hold line ends."""

from collections.abc import Iterator
from csv import Error, field_size_limit, reader
from pathlib import Path
from typing import ClassVar

from harness.data.formats._columns import TableFormat
from harness.storage.reading import Reading, read_lines

_LONGEST_CELL = 2**24
_MOST_LINES = 1000
"""Of one row: a quotation mark that is not closed would swallow the rest of the file."""


class CommaSeparated(TableFormat):
    """Source and target, or columns named by a header; blanks behind a comma are no text."""

    endings: ClassVar[tuple[str, ...]] = (".csv",)
    version: ClassVar[int] = 2
    name: ClassVar[str] = "csv"
    mark: ClassVar[str] = ","

    def cells(self, path: Path, reading: Reading) -> Iterator[tuple[int, list[str]]]:
        """One row a record; its line is that of its first cell."""
        field_size_limit(_LONGEST_CELL)
        lines = read_lines(path, reading)
        begin = 0
        while begin < len(lines):
            given = _Lines(lines, begin)
            table = reader(given, strict=True, skipinitialspace=True)
            try:
                for row in table:
                    yield begin + 1, row
                    begin = given.begin = given.next
                return
            except Error as error:
                fault = f"not valid CSV ({error}), allowed cells as RFC 4180 has them"
                reading.malformed(begin + 1, fault)
                begin += 1


class _Lines(Iterator[str]):
    """Lines of a file, no more than one row may have since ``begin``."""

    def __init__(self, lines: list[str], begin: int) -> None:
        self._lines = lines
        self.begin = self.next = begin

    def __next__(self) -> str:
        if self.next >= min(len(self._lines), self.begin + _MOST_LINES):
            raise StopIteration
        self.next += 1
        return f"{self._lines[self.next - 1]}\n"


FORMAT = CommaSeparated
