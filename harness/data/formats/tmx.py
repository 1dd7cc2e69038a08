"""TMX: translation units with one variant a language; codes of formatting are left out.

The languages wanted are those of the settings. Without them the source is the file's own
(``srclang``) and the target the one other language of a unit.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from harness.data.formats._xml import XmlRows, parse_xml
from harness.data.raw import Format, RawRow, folded, is_empty
from harness.data.spec import CorpusSpec
from harness.languages.tags import same_language, tag_or_name
from harness.storage.reading import Reading, read_bytes

_CODES = {"bpt", "ept", "it", "ph", "ut", "x"}
"""Elements in a segment whose text is markup of the translated document."""
_ALONE = {"ph", "x"}
"""Of these the ones that are no half of a pair: line breaks, images, place holders."""
_CODE = "\0"
"""Stands where such a code was until the segment is whole; XML cannot hold it."""
_NO_BLANKS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\uff00-\uffef"
_APART = re.compile(rf"(?<=[^\W{_NO_BLANKS}])\0+(?=[^\W{_NO_BLANKS}])|(?<=[.,;:!?…])\0+(?=\w)")
"""A code between words: they would be one without it, but in scripts without blanks."""


class Tmx(Format):
    """One pair a unit."""

    endings: ClassVar[tuple[str, ...]] = (".tmx",)
    version: ClassVar[int] = 2

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """One a unit, with the line it begins on."""
        units = _Units(spec, reading)
        parse_xml(read_bytes(Path(spec.path), reading), units)
        return iter(units.rows)


class _Units(XmlRows):
    """Gathers the units of a file."""

    row: ClassVar[str] = "tu"

    def __init__(self, spec: CorpusSpec, reading: Reading) -> None:
        super().__init__(reading)
        self.rows: list[RawRow] = []
        self._spec = spec
        self._own: str | None = None
        self._unit: dict[str, str] | None = None
        self._id: str | None = None
        self._ids: Counter[str] = Counter()
        self._line, self._number = 0, 0
        self._language = ""
        self._parts: list[str] | None = None
        self._codes = 0

    def start(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        if name == "header":
            own = attributes.get("srclang", "*all*")
            self._own = None if own == "*all*" else tag_or_name(own)
        elif name == "tu":
            self._unit, self._id, self._line = {}, attributes.get("tuid"), line
            self._number, self._parts, self._codes = self._number + 1, None, 0
        elif name == "tuv":
            said = attributes.get("xml:lang") or attributes.get("lang", "")
            self._language = tag_or_name(said) or ""
            if not said and self._unit is not None:
                self.spoilt(line, "tuv: without xml:lang, allowed a language tag")
        elif name == "seg":
            self._parts = []
        elif name in _CODES and self._parts is not None:
            self._parts.append(_CODE * (name in _ALONE and not self._codes))
            self._codes += 1

    def end(self, name: str) -> None:
        if name == "seg" and self._parts is not None and self._unit is not None:
            text = _text_of("".join(self._parts))
            if self._language and is_empty(self._unit.get(self._language, "")):
                self._unit[self._language] = text
            self._parts = None
        elif name in _CODES and self._codes:
            self._codes -= 1
        elif name == "tu" and self._unit is not None:
            self._add_pair(self._unit)
            self._unit = None

    def text(self, piece: str) -> None:
        if self._parts is not None and not self._codes:
            self._parts.append(piece)

    def spoilt(self, line: int, fault: str) -> None:
        self.reading.malformed(line, fault)
        self._unit = self._parts = None

    def _add_pair(self, unit: Mapping[str, str]) -> None:
        source = self._find(unit, self._spec.source_lang or self._own)
        others = [one for one in unit if one != source]
        target = self._find(unit, self._spec.target_lang) if self._spec.target_lang else None
        if self._spec.target_lang is None and len(others) == 1:
            (target,) = others
        if source is None or target is None or source == target:
            self.reading.unpaired(
                self._line,
                f"tu: found the languages {', '.join(unit) or 'none'}, allowed one of each side: "
                f"{self._spec.source_lang or self._own or 'source_lang is not set'} and "
                f"{self._spec.target_lang or 'one other, or set target_lang'}",
            )
            return
        data = {
            "source": unit[source],
            "target": unit[target],
            "source_lang": self._spec.source_lang or source,
            "target_lang": self._spec.target_lang or target,
        }
        named = {} if self._id is None else {"id": self._different(self._id)}
        self.rows.append(RawRow(self._line, self._number, named | data))

    def _different(self, name: str) -> str:
        """An id no other unit has: those of the file need not be different."""
        self._ids[name] += 1
        count = self._ids[name]
        return name if count == 1 else self._different(f"{name}-{count}")

    def _find(self, unit: Mapping[str, str], language: str | None) -> str | None:
        """The unit's language that is meant: itself, else in another region."""
        if language is None:
            return None
        near = (one for one in unit if same_language(one, language))
        return language if language in unit else next(near, None)


def _text_of(segment: str) -> str:
    """The text of a segment: a blank where a code alone keeps words apart."""
    return folded(_APART.sub(" ", segment).replace(_CODE, ""))


FORMAT = Tmx
