"""JSON lines: one object a line."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from harness.data.raw import RawRow
from harness.data.spec import CorpusSpec
from harness.storage.reading import Reading, read_objects


class JsonLines:
    """Fields as they stand; blank lines are left out."""

    endings: ClassVar[tuple[str, ...]] = (".jsonl",)
    two_files: ClassVar[bool] = False
    has_fields: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """One a line."""
        for number, value in read_objects(Path(spec.path), reading):
            yield RawRow(number, number, value)


FORMAT = JsonLines
