"""WMT's test sets in XML, as published since 2021: documents with sources and references.

Of several translators one is taken throughout, whichever order documents have them in: the one
named (``reference``), else the one of most segments.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from harness.data.formats._xml import XmlRows, parse_xml
from harness.data.raw import Format, RawRow, folded
from harness.data.spec import CorpusSpec
from harness.errors import DataError, unknown_name
from harness.languages.tags import same_language, tag_or_name
from harness.storage.reading import Reading, read_bytes

logger = logging.getLogger(__name__)


@dataclass
class _Side:
    """One ``src`` or ``ref`` of a document; of its segments text and line, by id."""

    kind: str
    language: str | None
    translator: str
    segments: dict[str, tuple[str, int]] = field(default_factory=dict)

    def is_in(self, language: str | None) -> bool:
        """Whether it may be in a language: None is any, and so is what it does not say."""
        return not language or not self.language or same_language(self.language, language)


@dataclass
class _Document:
    """A document, with the ids of segments that could not be read in one of its sides."""

    name: str
    line: int
    sides: list[_Side] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)

    def side(self, kind: str, language: str | None, translator: str | None = None) -> _Side | None:
        """The first that is meant."""
        for side in self.sides:
            if side.kind == kind and side.is_in(language) and translator in (None, side.translator):
                return side
        return None


class WmtXml(Format):
    """One pair a segment; outputs of systems are left out."""

    endings: ClassVar[tuple[str, ...]] = (".xml",)
    version: ClassVar[int] = 2

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """In the order of the sources.

        Raises:
            DataError: The translator named has translated nothing.
        """
        read = _Documents(reading)
        parse_xml(read_bytes(Path(spec.path), reading), read)
        translator = _translator(spec, read.documents)
        number = 0
        for document in read.documents:
            for row in _pairs(document, spec, translator, reading):
                number += 1
                yield RawRow(row.line, number, row.data)


def _translator(spec: CorpusSpec, documents: Sequence[_Document]) -> str | None:
    """Whose references are taken; None of those of the only one."""
    counts: Counter[str] = Counter()
    for document in documents:
        for side in document.sides:
            if side.kind == "ref" and side.is_in(spec.target_lang):
                counts[side.translator] += len(side.segments)
    if spec.reference is not None:
        if spec.reference not in counts:
            fault = unknown_name("translator", spec.reference, sorted(counts))
            raise DataError(f"{spec.path}: reference: {fault}")
        return spec.reference
    chosen = max(counts, key=counts.__getitem__, default=None)
    if len(counts) > 1:
        listed = ", ".join(f"{name or '(no name)'} {count}" for name, count in counts.items())
        text = "%s: references of %s throughout (segments by translator: %s); `reference` names one"
        logger.warning(text, spec.path, chosen or "(no name)", listed)
        return chosen
    return None


def _pairs(
    document: _Document, spec: CorpusSpec, translator: str | None, reading: Reading
) -> Iterator[RawRow]:
    source = document.side("src", spec.source_lang)
    target = document.side("ref", spec.target_lang, translator)
    if source is None or target is None:
        missing = "src" if source is None else "ref"
        language = spec.source_lang if source is None else spec.target_lang
        there = ", ".join(f"{side.kind} {side.language or ''}".strip() for side in document.sides)
        by = f" by {translator}" if missing == "ref" and translator else ""
        reading.unpaired(
            document.line,
            f"doc {document.name!r}: found {there or 'none'}, allowed a {missing}"
            + (f" in {language}" if language else "")
            + by,
            max((len(side.segments) for side in document.sides), default=1) or 1,
        )
        return
    for key, (_, line) in target.segments.items():
        if key not in source.segments and key not in document.spoilt:
            reading.malformed(line, f"seg {key}: not in the source of its document")
    tags = {
        "source_lang": spec.source_lang or source.language,
        "target_lang": spec.target_lang or target.language,
    }
    languages = {name: tag for name, tag in tags.items() if tag}
    for key, (text, line) in source.segments.items():
        if key in document.spoilt:
            continue
        if key not in target.segments:
            reading.unpaired(line, f"seg {key}: not in the reference of its document")
            continue
        data = {"id": f"{document.name}-{key}", "source": text, "target": target.segments[key][0]}
        yield RawRow(line, 0, data | languages)


class _Documents(XmlRows):
    """Gathers the documents of a file."""

    row: ClassVar[str] = "seg"

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading)
        self.documents: list[_Document] = []
        self._side: _Side | None = None
        self._segment = "", 0
        self._count = 0
        self._parts: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        if name == "doc":
            self.documents.append(_Document(attributes.get("id", ""), line))
        elif name in ("src", "ref") and self.documents:
            said = attributes.get("lang", "")
            side = _Side(name, tag_or_name(said), attributes.get("translator", ""))
            self.documents[-1].sides.append(side)
            self._side, self._count = side, 0
        elif name == "seg" and self._side is not None:
            self._count += 1
            self._segment = attributes.get("id") or str(self._count), line
            self._parts = []

    def end(self, name: str) -> None:
        if name == "seg" and self._parts is not None and self._side is not None:
            (key, line), segments = self._segment, self._side.segments
            if key in segments:
                fault = f"seg {key}: is on line {segments[key][1]} already"
                self.reading.malformed(line, fault)
            else:
                segments[key] = folded("".join(self._parts)), line
            self._parts = None
        elif name in ("src", "ref"):
            self._side = None

    def text(self, piece: str) -> None:
        if self._parts is not None:
            self._parts.append(piece)

    def spoilt(self, line: int, fault: str) -> None:
        self.reading.malformed(line, fault)
        if self._parts is not None:
            self.documents[-1].spoilt.add(self._segment[0])
        self._parts = None


FORMAT = WmtXml
