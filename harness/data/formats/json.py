"""A JSON list of objects: ALMA's ``{"translation": {"de": ..., "en": ...}}``, instructions.

Elements are read one by one, so that each fault has its line.
"""

from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import ClassVar

from harness.data.raw import Format, RawRow
from harness.data.spec import CorpusSpec
from harness.errors import DataError
from harness.storage.reading import Reading, read_document

_SPACE = " \t\r\n"
_ALLOWED = "allowed a JSON list of objects"


class JsonList(Format):
    """Fields as they stand."""

    endings: ClassVar[tuple[str, ...]] = (".json",)
    has_fields: ClassVar[bool] = True

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """One an element; what follows a fault of syntax cannot be read."""
        text = read_document(Path(spec.path), reading)
        start = _skip(text, 0)
        if not text.startswith("[", start):
            beginning = repr(text[start : start + 1]) if start < len(text) else "nothing"
            hint = "for one object a line set format: jsonl" if "{" in beginning else None
            raise DataError(f"{spec.path}:1: begins with {beginning}, {_ALLOWED}", hint)
        try:
            yield from _elements(text, start + 1, reading)
        except JSONDecodeError as error:
            reading.fault(error.lineno, f"not valid JSON ({error.msg}), {_ALLOWED}")
        except RecursionError:
            reading.fault(1, f"JSON nested too deep, {_ALLOWED}")


def _elements(text: str, begin: int, reading: Reading) -> Iterator[RawRow]:
    decoder = JSONDecoder()
    line, counted, number = 1, 0, 0
    begin = _skip(text, begin)
    while not text.startswith("]", begin):
        value, end = decoder.raw_decode(text, begin)
        line, counted, number = line + text.count("\n", counted, begin), begin, number + 1
        if isinstance(value, dict):
            yield RawRow(line, number, value)
        else:
            reading.fault(line, f"found {type(value).__name__}, {_ALLOWED}")
        begin = _skip(text, end)
        if text.startswith(",", begin):
            begin = _skip(text, begin + 1)
            if text.startswith("]", begin):
                raise JSONDecodeError("a comma before the end", text, begin)
        elif not text.startswith("]", begin):
            raise JSONDecodeError("',' or ']' expected", text, begin)
    if (rest := _skip(text, begin + 1)) != len(text):
        raise JSONDecodeError("more after the list", text, rest)


def _skip(text: str, begin: int) -> int:
    """Index of the first character from there on that is no white space."""
    return next((i for i in range(begin, len(text)) if text[i] not in _SPACE), len(text))


FORMAT = JsonList
