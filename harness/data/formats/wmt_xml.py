"""WMT's test sets in XML, as published since 2021: documents with sources and references.

Of several references of a language the first is taken.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from harness.data.formats._xml import parse_xml
from harness.data.raw import Format, RawRow, language_tag, same_language
from harness.data.spec import CorpusSpec
from harness.storage.reading import Reading, read_bytes

Segments = dict[str, tuple[str, int]]
"""Text and line by the segment's id."""


class WmtXml(Format):
    """One pair a segment; outputs of systems are left out."""

    endings: ClassVar[tuple[str, ...]] = (".xml",)

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """In the order of the sources."""
        documents = _Documents(spec, reading)
        data = read_bytes(Path(spec.path), reading)
        parse_xml(data, reading, documents.start, documents.end, documents.text)
        return iter(documents.rows)


class _Documents:
    """Gathers the documents of a file."""

    def __init__(self, spec: CorpusSpec, reading: Reading) -> None:
        self.rows: list[RawRow] = []
        self._spec, self._reading = spec, reading
        self._document, self._line = "", 0
        self._sides: list[tuple[str, str, Segments]] = []
        self._is_side = False
        self._segment = "", 0
        self._parts: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        if name == "doc":
            self._document, self._line, self._sides = attributes.get("id", ""), line, []
        elif name in ("src", "ref"):
            self._is_side = True
            self._sides.append((name, language_tag(attributes.get("lang", "")), {}))
        elif name == "seg" and self._is_side:
            self._segment, self._parts = (attributes.get("id", ""), line), []

    def end(self, name: str) -> None:
        if name == "seg" and self._parts is not None:
            (key, line), segments = self._segment, self._sides[-1][2]
            if key in segments:
                self._reading.fault(line, f"seg {key}: is on line {segments[key][1]} already")
            segments[key] = "".join(self._parts).strip(), line
            self._parts = None
        elif name in ("src", "ref"):
            self._is_side = False
        elif name == "doc":
            self._add_pairs()

    def text(self, piece: str) -> None:
        if self._parts is not None:
            self._parts.append(piece)

    def _add_pairs(self) -> None:
        source = self._side("src", self._spec.source_lang)
        target = self._side("ref", self._spec.target_lang)
        if source is None or target is None:
            missing = "src" if source is None else "ref"
            language = self._spec.source_lang if source is None else self._spec.target_lang
            there = ", ".join(f"{kind} {tag}" for kind, tag, _ in self._sides) or "none"
            self._reading.fault(
                self._line,
                f"doc {self._document!r}: found {there}, allowed a {missing}"
                + (f" in {language}" if language else ""),
            )
            return
        (source_lang, sources), (target_lang, targets) = source, target
        for key, (_, line) in targets.items():
            if key not in sources:
                self._reading.fault(line, f"seg {key}: not in the source of its document")
        for key, (text, line) in sources.items():
            if key not in targets:
                self._reading.fault(line, f"seg {key}: not in the reference of its document")
                continue
            tags = {"source_lang": source_lang, "target_lang": target_lang}
            data = {"id": f"{self._document}-{key}", "source": text, "target": targets[key][0]}
            languages = {name: tag for name, tag in tags.items() if tag}
            self.rows.append(RawRow(line, len(self.rows) + 1, data | languages))

    def _side(self, kind: str, language: str | None) -> tuple[str, Segments] | None:
        for side, tag, segments in self._sides:
            if side == kind and (language is None or not tag or same_language(tag, language)):
                return language or tag, segments
        return None


FORMAT = WmtXml
