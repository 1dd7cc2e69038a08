"""JSON lines: one object a line."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from harness.data.raw import Format, RawRow
from harness.data.spec import CorpusSpec
from harness.storage.reading import Reading, read_objects


class JsonLines(Format):
    """Fields as they stand; blank lines are left out."""

    endings: ClassVar[tuple[str, ...]] = (".jsonl",)
    has_fields: ClassVar[bool] = True

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        for number, value in read_objects(Path(spec.path), reading):
            yield RawRow(number, number, value)


FORMAT = JsonLines
