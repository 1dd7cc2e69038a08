"""What tables have in common: a header or numbered columns, and as many cells in every row."""

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from harness.data.raw import Format, RawRow, check_languages, is_empty, trimmed
from harness.data.spec import CorpusSpec
from harness.errors import DataError
from harness.languages.tags import same_language, tag_or_name
from harness.storage.reading import Reading

_HEADERS = ({"source", "target"}, {"instruction"}, {"text", "language"}, {"question", "answer"})
"""Names that a first row holds if it is a header."""
_PAIR = ["source", "target"]
_OPTIONAL = {"answer", "skill", "category", "input", "context", "pivot_answer", "id"}
_SIDES = {
    "source": {"source", "src", "from"},
    "target": {"target", "tgt", "trg", "reference", "ref", "to"},
}
"""What headers call the sides, beside their languages."""
_SAYING_NOTHING = {"text", "sentence", "segment", "side", "string", "translation", "column"}
_OTHER_MARKS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


class TableFormat(Format):
    """A format whose rows are cells."""

    has_fields: ClassVar[bool] = True
    name: ClassVar[str]
    """Of the format."""

    mark: ClassVar[str]
    """Between cells."""

    @abstractmethod
    def cells(self, path: Path, reading: Reading) -> Iterator[tuple[int, Sequence[str]]]:
        """The line each row begins on, and its cells; a blank line has none."""

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """The rows of a corpus: sides stripped of white space, blank rows left out.

        Raises:
            DataError: The header has a name twice.
        """
        names: Sequence[str] | None = None
        for line, row in self.cells(Path(spec.path), reading):
            texts = [trimmed(cell) for cell in row]
            if all(map(is_empty, texts)):
                continue
            if names is None:
                names = _header(texts, spec)
                if names is not None:
                    _check_header(spec.path, line, names)
                    continue
                check_languages(spec, self.name)
                names = _numbered(len(texts), spec)
            if len(texts) != len(names):
                is_pair = names == _PAIR and self.name == "tsv"
                allowed = "source, tab, target" if is_pair else ", ".join(names)
                hint = self._hint(texts, names)
                reading.malformed(line, f"found {len(texts)} columns, allowed {allowed}{hint}")
            else:
                yield RawRow(line, line, _given(dict(zip(names, texts, strict=True))))

    def named_rows(
        self, path: Path, columns: Sequence[str] | None, reading: Reading
    ) -> Iterator[RawRow]:
        """The rows of a table with every cell as it stands; blank rows are left out.

        Args:
            path: The file.
            columns: Names of all columns; None where the first row has them.
            reading: Is told of rows of another width.

        Raises:
            DataError: The header has a name twice.
        """
        names = columns
        for line, row in self.cells(path, reading):
            if all(map(is_empty, row)):
                continue
            if names is None:
                names = [trimmed(name) for name in row]
                _check_header(str(path), line, names)
            elif len(row) != len(names):
                allowed = f"{len(names)} ({', '.join(names)})"
                hint = self._hint(row, names)
                reading.malformed(line, f"found {len(row)} columns, allowed {allowed}{hint}")
            else:
                yield RawRow(line, line, dict(zip(names, row, strict=True)))

    def _hint(self, texts: Sequence[str], names: Sequence[str]) -> str:
        """What may be meant by a row of another width."""
        if len(texts) == 1:
            others = (other for other in _OTHER_MARKS if other != self.mark and other in texts[0])
            found = next(others, None)
            return "" if found is None else f"; its cells have {_OTHER_MARKS[found]} between them"
        if len(texts) > len(names) and names == _PAIR:
            return "; two of more columns are chosen by columns: [1, 2]"
        return ""


def _check_header(path: str, line: int, names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise DataError(
            f"{path}:{line}: the header has {', '.join(map(repr, twice))} twice, allowed each "
            "name once",
            "rename one of the columns: which is meant nobody can tell",
        )


def _numbered(width: int, spec: CorpusSpec) -> Sequence[str]:
    """Names of the columns of a table without a header."""
    return _PAIR if spec.columns is None else [str(number + 1) for number in range(width)]


def _header(texts: Sequence[str], spec: CorpusSpec) -> Sequence[str] | None:
    """Names of the columns, if the first row is a header."""
    if spec.columns is not None:
        numbered = all(column.isdecimal() for column in spec.columns)
        is_header = not numbered if spec.header is None else spec.header
        return texts if is_header else None
    if spec.header is False:
        return None
    names = [text.casefold() for text in texts]
    if any(known <= set(names) for known in _HEADERS):
        return names
    sides = [_side(text, spec) for text in texts]
    if sides.count("source") == sides.count("target") == 1 and (len(sides) > 2 or all(sides)):
        return [side or name for side, name in zip(sides, names, strict=True)]
    return names if spec.header else None


def _side(text: str, spec: CorpusSpec) -> str | None:
    """The side a column of this name has: ``src``, ``English text``, ``sentence_de``.

    With the languages of the settings; None where the name tells of neither.
    """
    words = [word for word in re.split(r"[\W_]+", text.casefold()) if word]
    telling = " ".join(word for word in words if word not in _SAYING_NOTHING)
    for side, names in _SIDES.items():
        if telling in names:
            return side
    named = tag_or_name(text) or tag_or_name(telling)
    if named is None or spec.source_lang is None or spec.target_lang is None:
        return None
    tags = {"source": spec.source_lang, "target": spec.target_lang}
    exact = [side for side, tag in tags.items() if named == tag]
    near = [side for side, tag in tags.items() if same_language(named, tag)]
    return next((sides[0] for sides in (exact, near) if len(sides) == 1), None)


def _given(data: dict[str, str]) -> dict[str, str]:
    """Without the cells of optional columns that are empty: a table cannot leave them out."""
    return {name: text for name, text in data.items() if text or name not in _OPTIONAL}
