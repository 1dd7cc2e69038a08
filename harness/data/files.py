"""Text files as they lie on disk: there or not, compressed or not, in UTF-8 or not."""

import difflib
import gzip
import zlib
from pathlib import Path

from harness.data.fields import Faults
from harness.errors import DataError

GZIP = ".gz"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def existing_file(path: Path) -> Path:
    """The path, if a file is there.

    Raises:
        DataError: There is none; the message names the nearest beside it.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder, allowed a file")
    return existing(path)


def existing(path: Path) -> Path:
    """The path, if a file or a folder is there.

    Raises:
        DataError: There is none; the message names the nearest beside it.
    """
    if not path.exists():
        siblings = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f"did you mean {path.with_name(near[0])}?" if near else None
        raise DataError(f"{path}: no such file", hint)
    return path


def plain_name(path: str) -> Path:
    """The path without the ending of compression.

    >>> plain_name("train.tsv.gz").suffix
    '.tsv'
    """
    return Path(path.removesuffix(GZIP))


def read_bytes(path: Path) -> bytes:
    """All bytes of a file, decompressed where its name ends in .gz.

    Raises:
        DataError: No such file, or not a whole gzip file.
    """
    data = existing_file(path).read_bytes()
    if path.suffix.lower() != GZIP:
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole gzip file ({error}), allowed what gzip writes",
            "fetch the file anew, or drop .gz from its name if it is not compressed",
        ) from None


def read_lines(path: Path, faults: Faults | None = None) -> list[str]:
    """The lines of a UTF-8 file, a byte order mark left out.

    Args:
        path: The file.
        faults: Is told of every line that is not UTF-8, which is then read as empty; without it
            such lines are raised.

    Raises:
        DataError: No such file, or nowhere UTF-8.
    """
    data = read_bytes(path)
    if data.startswith(_UTF16):
        raise DataError(
            f"{path}:1: UTF-16, allowed UTF-8",
            "convert it, for example with: iconv -f UTF-16 -t UTF-8",
        )
    # Not splitlines(): U+2028 and its like are text, not ends of lines.
    try:
        lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        found = Faults(str(path)) if faults is None else faults
        parts = enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
        lines = [_decoded(line, number, path, found) for number, line in parts]
        if faults is None:
            found.raise_any()
    return lines[:-1] if lines[-1] == "" else lines


def _decoded(line: bytes, number: int, path: Path, faults: Faults) -> str:
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        fault = f"not UTF-8 (byte {line[error.start]:#04x}), allowed UTF-8"
        faults.add_row("undecodable", number, fault, str(path))
        return ""
