"""WMT's test sets in SGM, as published until 2020: a file of sources and one of references.

SGM is not XML (nothing need be closed, an ampersand and a less-than sign may stand for themselves):
as in WMT's own scripts, only the tags below are tags, and only four entities are entities. Segments
belong together by document and number.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from harness.data.raw import Format, RawRow, folded
from harness.data.spec import CorpusSpec
from harness.languages.tags import tag_or_name
from harness.storage.reading import Reading, read_document

Key = tuple[str, str]
_TAGS = "srcset|refset|tstset|doc|seg|hl|p|beginning|text"
_TAG = re.compile(
    rf"<!--.*?-->|<(/?)({_TAGS})((?:\s(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)?)/?>", re.I | re.S
)
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_ENTITY = re.compile("&(quot|amp|lt|gt);")
_CHARACTERS = {"quot": '"', "amp": "&", "lt": "<", "gt": ">"}


class Sgm(Format):
    """One pair a segment, in the order of the sources."""

    endings: ClassVar[tuple[str, ...]] = (".sgm", ".sgml")
    two_files: ClassVar[bool] = True
    version: ClassVar[int] = 2

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """Pairs of what both files have; the rest is reported."""
        assert spec.target_path is not None
        source = _Segments(spec.path, reading)
        target = _Segments(spec.target_path, reading)
        for key, (_, line) in target.texts.items():
            if key not in source.texts:
                reading.malformed(line, f"{_shown(key)}: not in {spec.path}", spec.target_path)
        tags = {"source_lang": source.language, "target_lang": target.language}
        languages = {name: tag for name, tag in tags.items() if tag}
        for number, (key, (text, line)) in enumerate(source.texts.items(), start=1):
            if key not in target.texts:
                reading.unpaired(line, f"{_shown(key)}: not in {spec.target_path}")
                continue
            data = {"id": "-".join(filter(None, key)), "source": text}
            yield RawRow(line, number, data | {"target": target.texts[key][0]} | languages)


class _Segments:
    """The segments of one file: text and line by document and number; its language."""

    def __init__(self, path: str, reading: Reading) -> None:
        self.texts: dict[Key, tuple[str, int]] = {}
        self.language: str | None = None
        self._path, self._reading = path, reading
        self._document, self._count = "", 0
        self._key: Key | None = None
        self._line, self._parts = 0, [""]
        self._read(read_document(Path(path), reading))

    def _read(self, text: str) -> None:
        line, counted, behind = 1, 0, 0
        for tag in _TAG.finditer(text):
            line, counted = line + text.count("\n", counted, tag.start()), tag.start()
            self._parts.append(text[behind : tag.start()])
            behind = tag.end()
            name = (tag[2] or "").lower()
            if tag[1]:
                self._end(name)
            elif name:
                self._start(name, _attributes(tag[3]), line)
        self._end("file")

    def _start(self, name: str, given: dict[str, str], line: int) -> None:
        if name in ("srcset", "refset", "tstset"):
            said = given.get("srclang" if name == "srcset" else "trglang", "")
            self.language = None if said.lower() == "any" else tag_or_name(said)
        elif name == "doc":
            self._document, self._count = given.get("docid", ""), 0
        elif name == "seg":
            self._end("file")
            self._count += 1
            self._key = self._document, given.get("id") or str(self._count)
            self._line, self._parts = line, []

    def _end(self, name: str) -> None:
        """Ends a segment; one that another begins in, or that the file ends in, has no end."""
        if self._key is None or name not in ("seg", "file"):
            return
        if name == "file":
            fault = f"{_shown(self._key)}: without </seg>"
            self._reading.malformed(self._line, fault, self._path)
        elif self._key in self.texts:
            fault = f"{_shown(self._key)}: is on line {self.texts[self._key][1]} already"
            self._reading.malformed(self._line, fault, self._path)
        else:
            self.texts[self._key] = _plain(folded("".join(self._parts))), self._line
        self._key = None


def _attributes(text: str) -> dict[str, str]:
    found = _ATTRIBUTE.finditer(text)
    return {match[1].lower(): _plain(match[2] or match[3] or match[4] or "") for match in found}


def _plain(text: str) -> str:
    """A text with its entities resolved, once: ``&copy`` and ``&#8217;`` are text.

    >>> _plain("?a=1&copy=3 &amp;lt; &lt;")
    '?a=1&copy=3 &lt; <'
    """
    return _ENTITY.sub(lambda entity: _CHARACTERS[entity[1]], text)


def _shown(key: Key) -> str:
    document, segment = key
    return f"doc {document!r} seg {segment}"


FORMAT = Sgm
