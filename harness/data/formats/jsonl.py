"""JSON lines: one object a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from harness.data.fields import Faults
from harness.data.files import read_lines
from harness.data.raw import RawRow
from harness.data.spec import CorpusSpec


class JsonLines:
    """Fields as they stand; blank lines are left out."""

    endings: ClassVar[tuple[str, ...]] = (".jsonl",)
    two_files: ClassVar[bool] = False
    has_fields: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def rows(self, spec: CorpusSpec, faults: Faults) -> Iterator[RawRow]:
        for number, line in enumerate(read_lines(Path(spec.path), faults), start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                fault = f"not valid JSON ({error.msg}), allowed one JSON object a line"
                faults.add(number, fault)
            except RecursionError:
                faults.add(number, "JSON nested too deep, allowed one JSON object a line")
            else:
                if isinstance(value, dict):
                    yield RawRow(number, number, value)
                else:
                    found = type(value).__name__
                    faults.add(number, f"found {found}, allowed one JSON object a line")


FORMAT = JsonLines
