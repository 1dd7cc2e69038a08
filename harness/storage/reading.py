"""Text files read: there or not, compressed or not, in UTF-8 or not; all faults of them at once."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import DataError, existing_file

GZIP = ".gz"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MOST_SHOWN = 20
"""Faults a message lists; a file that is wrong throughout is wrong in the same way."""


class Reading:
    """What the reading of a file, or of several together, comes to: checksums and faults.

    Args:
        path: The file that faults are of unless another is named.

    Attributes:
        path: That file.
        sha256: Checksum of each file read, as it lies on disk, by its resolved path.
        unreadable: Lines that are not UTF-8.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self.sha256: dict[Path, str] = {}
        self.unreadable: set[int] = set()
        self._faults: list[str] = []

    def fault(self, line: int | None, text: str, path: str | None = None) -> None:
        """Adds a fault; without a line it is one of the file as a whole."""
        numbered = "" if line is None else f":{line}"
        self._faults.append(f"{path or self.path}{numbered}: {text}")

    def undecodable(self, line: int, text: str, path: str) -> None:
        """A line is not UTF-8, and was read as empty."""
        self.unreadable.add(line)
        self.fault(line, text, path)

    def raise_faults(self, hint: str | None = None) -> None:
        """All faults as one DataError, if there are any."""
        if self._faults:
            hints = [*self.mends()] + [hint] * (hint is not None)
            raise DataError("\n".join(self.shown()), "\n".join(map(str, hints)) or None)

    def mends(self) -> Iterator[str]:
        """What to do about the faults, as far as they tell."""
        if self.unreadable:
            yield "convert it, for example with: iconv -f LATIN1 -t UTF-8"

    def shown(self) -> list[str]:
        """The first faults, and how many more there are."""
        more = len(self._faults) - _MOST_SHOWN
        return self._faults[:_MOST_SHOWN] + ([f"... and {more} more faults"] if more > 0 else [])


def plain_name(path: str) -> Path:
    """The path without the ending of compression.

    >>> plain_name("train.tsv.gz").suffix
    '.tsv'
    """
    return Path(path.removesuffix(GZIP))


def read_bytes(path: Path, reading: Reading) -> bytes:
    """All bytes of a file, decompressed where its name ends in .gz.

    Raises:
        DataError: No such file, or not a whole gzip file.
    """
    data = existing_file(path).read_bytes()
    reading.sha256[path.resolve()] = hashlib.sha256(data).hexdigest()
    if path.suffix.lower() != GZIP:
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole gzip file ({error}), allowed what gzip writes",
            "fetch the file anew, or drop .gz from its name if it is not compressed",
        ) from None


def read_lines(path: Path, reading: Reading | None = None) -> list[str]:
    """The lines of a UTF-8 file, a byte order mark left out.

    Args:
        path: The file.
        reading: Is told of every line that is not UTF-8, which is then read as empty; without it
            such lines are raised.

    Raises:
        DataError: No such file, or nowhere UTF-8.
    """
    told = Reading(path) if reading is None else reading
    data = read_bytes(path, told)
    if data.startswith(_UTF16):
        raise DataError(
            f"{path}:1: UTF-16, allowed UTF-8",
            "convert it, for example with: iconv -f UTF-16 -t UTF-8",
        )
    # Not splitlines(): U+2028 and its like are text, not ends of lines.
    try:
        lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        parts = enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
        lines = [_decoded(line, number, path, told) for number, line in parts]
        if reading is None:
            told.raise_faults()
    return lines[:-1] if lines[-1] == "" else lines


def read_document(path: Path, reading: Reading) -> str:
    """The text of a UTF-8 file whose lines are no rows: what is not UTF-8 cannot be left out.

    Raises:
        DataError: No such file, or somewhere not UTF-8.
    """
    lines = read_lines(path, reading)
    return "\n".join(read_lines(path) if reading.unreadable else lines)


def _decoded(line: bytes, number: int, path: Path, reading: Reading) -> str:
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        fault = f"not UTF-8 (byte {line[error.start]:#04x}), allowed UTF-8"
        reading.undecodable(number, fault, str(path))
        return ""


def parse_form(
    text: str, where: str, form: int | str, kind: str, *older: str, **arguments: Any
) -> dict[str, Any]:
    """The mapping in a JSON text that says of which form it is.

    Args:
        text: The JSON.
        where: The source, for messages.
        form: Its ``format``.
        kind: What has it, and what writes it, for messages.
        older: Other forms that are read.
        arguments: Of ``json.loads``.

    Raises:
        DataError: Not JSON, or of another form.
    """
    try:
        data = json.loads(text, **arguments)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not a JSON file: {error}") from None
    if not isinstance(data, dict) or data.get("format") not in (form, *older):
        found = data.get("format") if isinstance(data, dict) else type(data).__name__
        allowed = " or ".join(map(repr, (form, *older)))
        raise DataError(f"{where}: format: found {found!r}, allowed {allowed} ({kind})")
    return data


def read_objects(path: Path, reading: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of each line of a JSON-lines file; blank lines are left out.

    What is in the object is for whoever reads it to check.

    Raises:
        DataError: No such file, or nowhere UTF-8.
    """
    for number, line in enumerate(read_lines(path, reading), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            told = f"not valid JSON ({error.msg} at column {error.colno})"
        except RecursionError:
            told = "JSON nested too deep"
        else:
            if isinstance(value, dict):
                yield number, value
                continue
            told = f"found {type(value).__name__}"
        reading.fault(number, f"{told}, allowed one JSON object a line")
