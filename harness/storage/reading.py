"""Text files read: there or not, compressed or not, in UTF-8 or not; all faults of them at once."""

import bz2
import gzip
import hashlib
import json
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import DataError, existing_file

_UNPACK: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    ".gz": ("gzip", gzip.decompress),
    ".xz": ("xz", lzma.decompress),
    ".bz2": ("bzip2", bz2.decompress),
}
_BROKEN = (EOFError, OSError, ValueError, lzma.LZMAError, zlib.error)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 4096
"""Bytes of a file that tell whether it is UTF-16 without a mark."""
_BOM = "\ufeff"
_HALF_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_MOST_SHOWN = 20
"""Faults a message lists; a file that is wrong throughout is wrong in the same way."""
_MOST_TEXTS = 1000
"""Different faults that are counted: one that all rows share is among the first."""
_MOST_KEPT = 10_000
"""Faults that are kept; of the rest the number: a file may have millions."""


class Reading:
    """What the reading of a file, or of several together, comes to: checksums and faults.

    Args:
        path: The file that faults are of unless another is named.
        allows_unpaired: Whether rows without a text in one of the languages are no fault.

    Attributes:
        path: That file.
        num_unpaired: Number of such rows, where they are allowed.
        sha256: Checksum of each file read, as it lies on disk, by its resolved path.
        unreadable: Lines that are not UTF-8.
    """

    def __init__(self, path: Path | str, *, allows_unpaired: bool = False) -> None:
        self.path = str(path)
        self.num_unpaired = 0
        self._allows_unpaired = allows_unpaired
        self.sha256: dict[Path, str] = {}
        self.unreadable: set[int] = set()
        self._faults: list[tuple[str, str]] = []
        self._num_faults = 0
        self._by_text: Counter[tuple[str, str]] = Counter()

    def fault(self, line: int | None, text: str, path: str | None = None, row: str = "") -> None:
        """Adds a fault.

        Args:
            line: Where it is; None of the file as a whole.
            text: What is wrong and what is allowed.
            path: Of the file, where it is another.
            row: Which row has it, where no line tells.
        """
        file = path or self.path
        self._num_faults += 1
        if len(self._faults) < _MOST_KEPT:
            numbered = "" if line is None else f":{line}"
            self._faults.append((f"{file}{numbered}: {text}{row}", text))
        if len(self._by_text) < _MOST_TEXTS or (file, text) in self._by_text:
            self._by_text[file, text] += 1

    def malformed(self, line: int, text: str, path: str | None = None) -> None:
        """A row cannot be read: its structure is wrong, and it is not given."""
        self.fault(line, text, path)

    def unpaired(self, line: int, text: str, num_rows: int = 1) -> None:
        """Rows have no text in one of the languages, and are not given."""
        if self._allows_unpaired:
            self.num_unpaired += num_rows
        else:
            self.fault(line, text)

    def undecodable(self, line: int, text: str, path: str) -> None:
        """A line is not UTF-8, and was read as empty."""
        self.unreadable.add(line)
        self.fault(line, text, path)

    def raise_faults(self, hint: str | None = None, num_rows: int = 0) -> None:
        """All faults as one DataError, if there are any.

        Args:
            hint: What else to do about them.
            num_rows: Of the file: a fault that all of them have is told once.
        """
        if self._faults:
            hints = [*self.mends()] + [hint] * (hint is not None)
            raise DataError("\n".join(self.shown(num_rows)), "\n".join(map(str, hints)) or None)

    def mends(self) -> Iterator[str]:
        """What to do about the faults, as far as they tell."""
        if self.unreadable:
            yield "convert it, for example with: iconv -f LATIN1 -t UTF-8"

    def shown(self, num_rows: int = 0) -> list[str]:
        """Faults that all rows have, the first of the others, and how many more there are."""
        shared = self.shared(num_rows)
        lines = [f"{file}: all {num_rows} rows: {text}" for file, text in shared]
        texts = {text for _, text in shared}
        rest = [line for line, text in self._faults if text not in texts]
        more = self._num_faults - num_rows * len(shared) - _MOST_SHOWN
        lines += rest[:_MOST_SHOWN]
        return lines + ([f"... and {more} more faults"] if more > 0 else [])

    def shared(self, num_rows: int) -> list[tuple[str, str]]:
        """Faults that all rows of several have: file and text each."""
        return [fault for fault, count in self._by_text.items() if count == num_rows > 1]


def plain_name(path: str) -> Path:
    """The path without the ending of compression.

    >>> plain_name("TRAIN.TSV.GZ").suffix
    '.TSV'
    """
    named = Path(path)
    return named.with_suffix("") if named.suffix.lower() in _UNPACK else named


def read_bytes(path: Path, reading: Reading) -> bytes:
    """All bytes of a file, unpacked where its name ends in .gz, .xz or .bz2.

    Raises:
        DataError: No such file, or not a whole file of that packing.
    """
    data = existing_file(path).read_bytes()
    reading.sha256[path.resolve()] = hashlib.sha256(data).hexdigest()
    ending = path.suffix.lower()
    if ending not in _UNPACK:
        return data
    packing, unpack = _UNPACK[ending]
    try:
        return unpack(data)
    except _BROKEN as error:
        raise DataError(
            f"{path}: not a whole {packing} file ({error}), allowed what {packing} writes",
            f"fetch the file anew, or drop {ending} from its name if it is not compressed",
        ) from None


def read_lines(path: Path, reading: Reading | None = None) -> list[str]:
    """The lines of a UTF-8 file, byte order marks at their starts left out.

    Marks stand inside a file where files were put together. Lines end as in Unix or Windows, or, in
    a file without either, as in old Macs.

    Args:
        path: The file.
        reading: Is told of every line that is not UTF-8, which is then read as empty; without it
            such lines are raised.

    Raises:
        DataError: No such file, or nowhere UTF-8.
    """
    told = Reading(path) if reading is None else reading
    data = read_bytes(path, told)
    if data.startswith(_UTF16) or is_utf16(data):
        raise DataError(
            f"{path}:1: UTF-16, allowed UTF-8",
            "convert it, for example with: iconv -f UTF-16 -t UTF-8",
        )
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    # Not splitlines(): U+2028 and its like are text, not ends of lines.
    try:
        text = data.decode()
        lines = text.replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        text = _BOM
        parts = enumerate(data.split(b"\n"), start=1)
        lines = [_decoded(line, number, path, told) for number, line in parts]
        if reading is None:
            told.raise_faults()
    if _BOM in text:
        lines = [line.lstrip(_BOM) for line in lines]
    return lines[:-1] if lines[-1] == "" else lines


def is_utf16(data: bytes) -> bool:
    """Whether bytes are UTF-16 without a mark: of what is written so every other byte is 0.

    >>> is_utf16("Hallo".encode("utf-16-be")), is_utf16(b"Hallo")
    (True, False)
    """
    start = data[:_LOOKED_AT]
    halves = start[::2].count(0), start[1::2].count(0)
    return max(halves) > len(start) / 4 and min(halves) < len(start) / 16 + 1


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
            value = json.loads(line, object_pairs_hook=object_of)
            fault = fault_of_json(value, line) or ""
        except json.JSONDecodeError as error:
            fault = f"not valid JSON ({error.msg} at column {error.colno})"
        except RecursionError:
            fault = "JSON nested too deep"
        except ValueError as error:
            fault = str(error)
        if fault:
            reading.malformed(number, f"{fault}, allowed one JSON object a line")
        else:
            yield number, value


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object of its names and values.

    Raises:
        ValueError: A name is in it twice.
    """
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = next(name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place]))
        raise ValueError(f"{twice!r} twice in one object")
    return value


def fault_of_json(value: Any, text: str) -> str | None:
    """What is wrong with a value that ought to be an object of texts that can be written.

    Args:
        value: The value.
        text: The JSON it is from.
    """
    if not isinstance(value, dict):
        return f"found {type(value).__name__}"
    # half of a pair of code units is no character: nothing that holds it can be written as UTF-8
    if _HALF_ESCAPED.search(text) and (half := _HALF.search(json.dumps(value, ensure_ascii=False))):
        return f"found half a character (\\u{ord(half[0]):04x})"
    return None
