"""WMT's test sets in SGM, as published until 2020: a file of sources and one of references.

SGM is not XML (nothing need be closed, an ampersand may stand for itself), so it is read as HTML
would be. Segments belong together by document and number.
"""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

from harness.data.raw import Format, RawRow, language_tag
from harness.data.spec import LANGUAGE_TAG, CorpusSpec
from harness.storage.reading import Reading, read_document

Key = tuple[str, str]


class Sgm(Format):
    """One pair a segment, in the order of the sources."""

    endings: ClassVar[tuple[str, ...]] = (".sgm", ".sgml")
    two_files: ClassVar[bool] = True

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """Pairs of what both files have; the rest is reported."""
        assert spec.target_path is not None
        source = _read(spec.path, reading)
        target = _read(spec.target_path, reading)
        for key, (_, line) in target.segments.items():
            if key not in source.segments:
                reading.fault(line, f"{_shown(key)}: not in {spec.path}", spec.target_path)
        tags = {"source_lang": source.language, "target_lang": target.language}
        languages = {name: tag for name, tag in tags.items() if tag}
        for number, (key, (text, line)) in enumerate(source.segments.items(), start=1):
            if key not in target.segments:
                reading.fault(line, f"{_shown(key)}: not in {spec.target_path}")
                continue
            data = {"id": "-".join(filter(None, key)), "source": text}
            yield RawRow(line, number, data | {"target": target.segments[key][0]} | languages)


class _Reader(HTMLParser):
    """Gathers the segments of one file: text and line by document and number."""

    def __init__(self, path: str, reading: Reading) -> None:
        super().__init__(convert_charrefs=True)
        self.segments: dict[Key, tuple[str, int]] = {}
        self.language: str | None = None
        self._path, self._reading = path, reading
        self._document = ""
        self._key: Key | None = None
        self._line = 0
        self._parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("srcset", "refset", "tstset"):
            language = language_tag(given.get("srclang" if tag == "srcset" else "trglang", ""))
            self.language = (
                language if LANGUAGE_TAG.fullmatch(language) and language != "any" else None
            )
        elif tag == "doc":
            self._document = given.get("docid", "")
        elif tag == "seg":
            self.close_segment()
            self._key = self._document, given.get("id", "")
            self._line, self._parts = self.getpos()[0], []

    def handle_endtag(self, tag: str) -> None:
        if tag == "seg" and self._key is not None:
            if self._key in self.segments:
                there = self.segments[self._key][1]
                fault = f"{_shown(self._key)}: is on line {there} already"
                self._reading.fault(self._line, fault, self._path)
            self.segments[self._key] = " ".join("".join(self._parts).split()), self._line
            self._key = None

    def handle_data(self, data: str) -> None:
        if self._key is not None:
            self._parts.append(data)

    def close_segment(self) -> None:
        """Reports a segment that another begins in, or that the file ends in."""
        if self._key is not None:
            self._reading.fault(self._line, f"{_shown(self._key)}: without </seg>", self._path)
            self._key = None


def _read(path: str, reading: Reading) -> _Reader:
    reader = _Reader(path, reading)
    reader.feed(read_document(Path(path), reading))
    reader.close()
    reader.close_segment()
    return reader


def _shown(key: Key) -> str:
    document, segment = key
    return f"doc {document!r} seg {segment}"


FORMAT = Sgm
