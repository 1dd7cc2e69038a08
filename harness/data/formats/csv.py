"""Comma-separated columns as RFC 4180 has them: cells in quotation marks may hold line ends."""

from collections.abc import Iterator
from csv import Error, field_size_limit, reader
from pathlib import Path
from typing import ClassVar

from harness.data.fields import Faults
from harness.data.files import read_lines
from harness.data.formats._columns import rows_of_table
from harness.data.raw import RawRow
from harness.data.spec import CorpusSpec

_LONGEST_CELL = 2**24


class CommaSeparated:
    """Source and target, or columns named by a header."""

    endings: ClassVar[tuple[str, ...]] = (".csv",)
    two_files: ClassVar[bool] = False
    has_fields: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def rows(self, spec: CorpusSpec, faults: Faults) -> Iterator[RawRow]:
        """One a row; its line is that of its first cell."""
        return rows_of_table(_cells(spec, faults), spec, faults, "csv")


def _cells(spec: CorpusSpec, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    field_size_limit(_LONGEST_CELL)
    table = reader((f"{line}\n" for line in read_lines(Path(spec.path), faults)), strict=True)
    begin = 1
    while True:
        try:
            cells = next(table, None)
        except Error as error:
            faults.add(begin, f"not valid CSV ({error}), allowed cells as RFC 4180 has them")
            return
        if cells is None:
            return
        yield begin, cells
        begin = table.line_num + 1


FORMAT = CommaSeparated
