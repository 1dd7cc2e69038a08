"""A JSON list of objects: ALMA's ``{"translation": {"de": ..., "en": ...}}``, instructions.

Elements are read one by one, so that each fault has its line.
"""

import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import ClassVar

from harness.data.raw import Format, RawRow
from harness.data.spec import CorpusSpec
from harness.errors import DataError
from harness.records import JSON
from harness.storage.reading import Reading, fault_of_json, object_of, read_document

_SPACE = " \t\r\n"
_ALLOWED = "allowed a JSON list of objects"
_STRICT = JSONDecoder(object_pairs_hook=object_of)


class JsonList(Format):
    """Fields as they stand."""

    endings: ClassVar[tuple[str, ...]] = (".json",)
    has_fields: ClassVar[bool] = True

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """One an element."""
        text = read_document(Path(spec.path), reading)
        start = _skip(text, 0)
        if not text.startswith("[", start):
            beginning = repr(text[start : start + 1]) if start < len(text) else "nothing"
            hint = "for one object a line set format: jsonl" if "{" in beginning else None
            raise DataError(f"{spec.path}:1: begins with {beginning}, {_ALLOWED}", hint)
        yield from _elements(text, start + 1, reading)


def _elements(text: str, begin: int, reading: Reading) -> Iterator[RawRow]:
    """The elements of a list; behind a fault of syntax reading goes on with the next object."""
    following = _following(text, begin)
    line, counted, number = 1, begin, 0
    line += text.count("\n", 0, begin)
    offset = _skip(text, begin)
    while not text.startswith("]", offset):
        line, counted, number = line + text.count("\n", counted, offset), offset, number + 1
        try:
            value, end = _decoded(text, offset)
        except JSONDecodeError as error:
            fault = f"not valid JSON ({error.msg}), {_ALLOWED}"
            at = line + text.count("\n", offset, error.pos)
            match = following.search(text, max(error.pos, offset + 1))
            if match is None:
                reading.fault(at, f"{fault}; no object of the file follows")
                return
            reading.malformed(at, fault)
            offset = match.end()
            continue
        if isinstance(value, str):
            reading.malformed(line, f"{value}, {_ALLOWED}")
        else:
            yield RawRow(line, number, value)
        if (fault_behind := _fault_behind(text, end)) is not None:
            fault, offset = fault_behind
            at = line + text.count("\n", counted, offset)
            reading.fault(at, f"not valid JSON ({fault}), {_ALLOWED}")
            return
        offset = _skip(text, end)
        offset = _skip(text, offset + 1) if text.startswith(",", offset) else offset
    if (rest := _skip(text, offset + 1)) != len(text):
        at = line + text.count("\n", counted, rest)
        reading.fault(at, f"not valid JSON (more after the list), {_ALLOWED}")


def _decoded(text: str, offset: int) -> tuple[dict[str, JSON] | str, int]:
    """The object that begins there, or what is wrong with it; and where it ends.

    Raises:
        JSONDecodeError: Where it ends nobody can tell.
    """
    try:
        value, end = _STRICT.raw_decode(text, offset)
    except JSONDecodeError:
        raise
    except RecursionError:
        raise JSONDecodeError("nested too deep", text, offset) from None
    except ValueError as error:  # of an object that can be read, but not meant so
        return str(error), JSONDecoder().raw_decode(text, offset)[1]
    return fault_of_json(value, text[offset:end]) or value, end


def _fault_behind(text: str, end: int) -> tuple[str, int] | None:
    """What is wrong behind an element, and where."""
    offset = _skip(text, end)
    if text.startswith(",", offset):
        offset = _skip(text, offset + 1)
        return ("a comma before the end", offset) if text.startswith("]", offset) else None
    return None if text.startswith("]", offset) else ("',' or ']' expected", offset)


def _following(text: str, begin: int) -> re.Pattern[str]:
    """What stands before an object behind a faulty one: as before the first, or between two."""
    first = _skip(text, begin)
    before = text[text.rfind("\n", 0, first) + 1 : first]
    if "\n" in text[:first] and not before.strip():
        return re.compile(rf"\n{before}(?=\{{)")
    return re.compile(r"\}\s*,\s*(?=\{)")


def _skip(text: str, begin: int) -> int:
    """Index of the first character from there on that is no white space."""
    return next((i for i in range(begin, len(text)) if text[i] not in _SPACE), len(text))


FORMAT = JsonList
