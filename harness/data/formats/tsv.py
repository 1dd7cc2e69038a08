"""Tab-separated columns, quotation marks being text."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from harness.data.fields import Faults
from harness.data.files import read_lines
from harness.data.formats._columns import rows_of_table
from harness.data.raw import RawRow
from harness.data.spec import CorpusSpec


class TabSeparated:
    """Source and target, or columns named by a header."""

    endings: ClassVar[tuple[str, ...]] = (".tsv", ".tab")
    two_files: ClassVar[bool] = False
    has_fields: ClassVar[bool] = True
    version: ClassVar[int] = 2

    def rows(self, spec: CorpusSpec, faults: Faults) -> Iterator[RawRow]:
        lines = enumerate(read_lines(Path(spec.path), faults), start=1)
        cells = ((number, line.split("\t")) for number, line in lines)
        return rows_of_table(cells, spec, faults, "tsv")


FORMAT = TabSeparated
