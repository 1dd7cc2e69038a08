"""A file that answers are appended to as they come, and that outlives whoever is killed meanwhile.

A line is written whole and put on the disk before the next; what a kill or a power cut left of the
last one is cut off. The first line says what the answers are of: those of something else are not
used.
"""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.records import JSON
from harness.settings.spec import digest

logger = logging.getLogger(__name__)

FILE = "answers.jsonl"


class Journal:
    """Values by key on disk.

    Args:
        folder: Of this journal alone; made with the first value.
        identity: All that may change the values of a key; a journal of another is overwritten.

    One process at a time may have it.
    """

    def __init__(self, folder: Path, identity: Mapping[str, JSON]) -> None:
        self._path = folder / FILE
        self._head = json.dumps({"of": digest(dict(identity))}).encode() + b"\n"
        self._values: dict[str, Any] = {}
        self._size = self._read()

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        """The value of a key, as JSON gives it back."""
        return self._values[key]

    def __len__(self) -> int:
        return len(self._values)

    def put(self, values: Mapping[str, object]) -> None:
        """Appends values: after a kill either all of them are there or none."""
        line = json.dumps(dict(values), ensure_ascii=False, separators=(",", ":"))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.truncate(self._size)
            written = (b"" if self._size else self._head) + line.encode() + b"\n"
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        self._size += len(written)
        self._values |= json.loads(line)

    def _read(self) -> int:
        """Takes what is there; how many bytes of the file are good."""
        if not self._path.exists():
            return 0
        with self._path.open("rb") as file:
            if file.readline() != self._head:
                logger.info("%s: of other text, or of nothing yet: beginning anew", self._path)
                return 0
            size = len(self._head)
            for line in file:
                values = _parsed(line)
                if values is None:
                    break
                self._values |= values
                size += len(line)
        return size


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The values of a line, None where it is not whole."""
    if not line.endswith(b"\n"):
        return None
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
