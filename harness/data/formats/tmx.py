"""TMX: translation units with one variant a language; codes of formatting are left out.

The languages wanted are those of the settings. Without them the source is the file's own
(``srclang``) and the target the one other language of a unit.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from harness.data.formats._xml import parse_xml
from harness.data.raw import Format, RawRow, language_tag, same_language
from harness.data.spec import CorpusSpec
from harness.storage.reading import Reading, read_bytes

_CODES = {"bpt", "ept", "it", "ph", "ut"}
"""Elements in a segment whose text is markup of the translated document."""


class Tmx(Format):
    """One pair a unit."""

    endings: ClassVar[tuple[str, ...]] = (".tmx",)

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """One a unit, with the line it begins on."""
        units = _Units(spec, reading)
        parse_xml(read_bytes(Path(spec.path), reading), reading, units.start, units.end, units.text)
        return iter(units.rows)


class _Units:
    """Gathers the units of a file."""

    def __init__(self, spec: CorpusSpec, reading: Reading) -> None:
        self.rows: list[RawRow] = []
        self._spec, self._reading = spec, reading
        self._own: str | None = None
        self._unit: dict[str, str] = {}
        self._id: str | None = None
        self._line, self._number = 0, 0
        self._language = ""
        self._parts: list[str] | None = None
        self._codes = 0

    def start(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        if name == "header":
            own = attributes.get("srclang", "*all*")
            self._own = None if own == "*all*" else language_tag(own)
        elif name == "tu":
            self._unit, self._id, self._line = {}, attributes.get("tuid"), line
        elif name == "tuv":
            self._language = language_tag(attributes.get("xml:lang") or attributes.get("lang", ""))
            if not self._language:
                self._reading.fault(line, "tuv: without xml:lang, allowed a language tag")
        elif name == "seg":
            self._parts = []
        elif name in _CODES:
            self._codes += 1

    def end(self, name: str) -> None:
        if name == "seg" and self._parts is not None:
            self._unit.setdefault(self._language, "".join(self._parts).strip())
            self._parts = None
        elif name in _CODES:
            self._codes -= 1
        elif name == "tu":
            self._number += 1
            self._add_pair()

    def text(self, piece: str) -> None:
        if self._parts is not None and not self._codes:
            self._parts.append(piece)

    def _add_pair(self) -> None:
        source = self._find(self._spec.source_lang or self._own)
        others = [one for one in self._unit if one != source]
        target = self._find(self._spec.target_lang) if self._spec.target_lang else None
        if self._spec.target_lang is None and len(others) == 1:
            (target,) = others
        if source is None or target is None or source == target:
            there = ", ".join(filter(None, self._unit)) or "none"
            self._reading.fault(
                self._line,
                f"tu: found the languages {there}, allowed one of each side: "
                f"{self._spec.source_lang or self._own or 'source_lang is not set'} and "
                f"{self._spec.target_lang or 'one other, or set target_lang'}",
            )
            return
        data = {
            "source": self._unit[source],
            "target": self._unit[target],
            "source_lang": self._spec.source_lang or source,
            "target_lang": self._spec.target_lang or target,
        }
        named: dict[str, str] = {} if self._id is None else {"id": self._id}
        self.rows.append(RawRow(self._line, self._number, named | data))

    def _find(self, language: str | None) -> str | None:
        """The unit's language that is meant: itself, else in another region."""
        if language is None:
            return None
        exact = [one for one in self._unit if one.casefold() == language.casefold()]
        near = [one for one in self._unit if same_language(one, language)]
        return next(iter(exact + near), None)


FORMAT = Tmx
