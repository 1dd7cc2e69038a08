"""XML read piece by piece with line numbers, without entities of the file's own.

Entities a file declares can grow without bounds ("billion laughs") or reach other files, and no
format here needs them; a document type by reference, as TMX has, is allowed and never fetched.

A fault of syntax spoils one row: reading goes on with the next.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar
from xml.parsers import expat

from harness.storage.reading import Reading, is_utf16

_ENCODING = re.compile(rb"""\s*<\?xml\b[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["']""")
_PIECE = 2**16
_CONTENT = "content"
"""The root of what is read from behind a fault."""


class XmlRows(ABC):
    """What becomes of a file's elements; their names come without the prefix of a namespace."""

    row: ClassVar[str]
    """The element that is a row; no row lies in another."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    @abstractmethod
    def start(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        """An element begins."""

    @abstractmethod
    def end(self, name: str) -> None:
        """An element ends."""

    @abstractmethod
    def text(self, piece: str) -> None:
        """A piece of text."""

    @abstractmethod
    def spoilt(self, line: int, fault: str) -> None:
        """The row being read cannot be, or nothing could be read there."""


class _Refused(Exception):
    """The file declares an entity."""


class _Unclosed(Exception):
    """A row begins in another; its offset in what is parsed."""


def parse_xml(data: bytes, rows: XmlRows) -> None:
    """Tells of every element and text.

    Args:
        data: The file, in the encoding it declares.
        rows: Is told of them, and of what is wrong.
    """
    try:
        content = _as_utf8(data)
    except (LookupError, ValueError) as error:  # an encoding Python does not know
        rows.reading.fault(1, f"cannot be read as XML ({error}), allowed UTF-8")
        return
    parser = _Parser(content, rows)
    while parser.parse():
        pass


def _as_utf8(data: bytes) -> bytes:
    declared = _ENCODING.match(data[:200])
    encoding = "utf-8" if declared is None else declared[1].decode().lower()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif is_utf16(data):
        encoding = "utf-16-be" if data[0] == 0 else "utf-16-le"
    return data if encoding in ("utf-8", "utf8") else data.decode(encoding).encode()


class _Parser:
    """Reads a file, and behind each fault anew, within the elements that are open there."""

    def __init__(self, data: bytes, rows: XmlRows) -> None:
        self._data, self._rows = data, rows
        self._begin, self._lines_before = 0, 0
        self._open: list[str] = []
        self._is_told = True
        self._row_line: int | None = None

    def parse(self) -> bool:
        """Reads up to a fault or the end; whether there is more to read behind the fault."""
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        self._connect(parser)
        around = "".join(f"<{name}>" for name in (_CONTENT, *self._open)) if self._begin else ""
        view = memoryview(self._data)[self._begin :]
        try:
            self._is_told = False
            parser.Parse(around.encode(), False)
            self._is_told = True
            for start in range(0, len(view), _PIECE):
                parser.Parse(view[start : start + _PIECE], False)
            if not around or self._open:
                parser.Parse(b"", True)
        except expat.ExpatError as error:
            offset = self._begin + parser.ErrorByteIndex - len(around.encode())
            fault = f"not well-formed XML ({expat.ErrorString(error.code)})"
            # expat points behind these two where an element ends that is not open
            offset -= 2 if self._data[:offset].endswith(b"</") else 0
            return self._go_on(offset, self._lines_before + error.lineno, fault)
        except _Unclosed as unclosed:
            offset = self._begin + unclosed.args[0] - len(around.encode())
            return self._go_on(offset, self._row_line or 1, f"{self._rows.row}: without its end")
        except _Refused as name:
            fault = f"declares the entity {name}, allowed none: it could grow without bounds"
            self._rows.reading.fault(self._lines_before + parser.CurrentLineNumber, fault)
        return False

    def _connect(self, parser: expat.XMLParserType) -> None:
        rows = self._rows

        def refuse(name: str, *_: object) -> None:
            raise _Refused(name)

        def skipped(name: str, is_parameter: bool) -> None:
            if not is_parameter:
                fault = (
                    f"unknown entity &{name};, allowed &amp; &lt; &gt; &quot; &apos; and numbers"
                )
                rows.spoilt(self._lines_before + parser.CurrentLineNumber, fault)

        def start(name: str, attributes: Mapping[str, str]) -> None:
            if not self._is_told:
                return
            line, local = self._lines_before + parser.CurrentLineNumber, name.rpartition(":")[2]
            if local == rows.row:
                if self._row_line is not None:
                    raise _Unclosed(parser.CurrentByteIndex)
                self._row_line = line
            self._open.append(name)
            rows.start(local, attributes, line)

        def end(name: str) -> None:
            self._open.pop()
            local = name.rpartition(":")[2]
            if local == rows.row:
                self._row_line = None
            rows.end(local)

        parser.EntityDeclHandler = refuse
        parser.SkippedEntityHandler = skipped
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = rows.text

    def _go_on(self, offset: int, line: int, fault: str) -> bool:
        """Tells of a fault and finds the next row from an offset on; False where there is none."""
        is_over = bool(self._begin) and not self._open  # all that is open began before the fault
        self._row_line = None
        names = [name.rpartition(":")[2] for name in self._open]
        if self._rows.row in names:
            del self._open[names.index(self._rows.row) :]
        ends = rb"</(?:%s)\s*>" % b"|".join(re.escape(name.encode()) for name in self._open)
        begins = rb"<(?:[\w.-]+:)?%s(?=[\s/>])" % re.escape(self._rows.row.encode())
        following = re.compile(begins + (b"|" + ends if self._open else b""))
        match = following.search(self._data, offset + (offset == self._begin))
        if not is_over or not self._data.startswith(b"</", offset):
            if match is None:
                self._rows.reading.fault(line, f"{fault}; no row of the file follows")
            else:
                self._rows.spoilt(line, fault)
        if match is None:
            return False
        if match[0].startswith(b"</"):
            name = match[0][2:-1].strip().decode()
            del self._open[len(self._open) - self._open[::-1].index(name) :]
        self._lines_before += self._data.count(b"\n", self._begin, match.start())
        self._begin = match.start()
        return True
