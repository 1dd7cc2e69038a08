"""What tables have in common: a header or numbered columns, and as many cells in every row."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from harness.data.raw import Format, RawRow, check_languages
from harness.data.spec import CorpusSpec
from harness.storage.reading import Reading

_HEADERS = ({"source", "target"}, {"instruction"}, {"text", "language"}, {"question", "answer"})
"""Names that a first row holds if it is a header."""
_PAIR = ["source", "target"]
_OPTIONAL = {"answer", "skill", "category", "input", "context", "pivot_answer", "id"}


class TableFormat(Format):
    """A format whose rows are cells."""

    has_fields: ClassVar[bool] = True
    name: ClassVar[str]
    """Of the format."""

    @abstractmethod
    def cells(self, path: Path, reading: Reading) -> Iterator[tuple[int, Sequence[str]]]:
        """The line each row begins on, and its cells; a blank line has none."""

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """The rows of a corpus: sides stripped of white space, blank rows left out."""
        names: Sequence[str] | None = None
        for line, row in self.cells(Path(spec.path), reading):
            texts = [cell.strip() for cell in row]
            if not any(texts):
                continue
            if names is None:
                if _is_header(texts, spec):
                    names = texts if spec.columns else [text.casefold() for text in texts]
                    continue
                check_languages(spec, self.name)
                names = _numbered(len(texts), spec)
            if len(texts) != len(names):
                is_pair = names == _PAIR and self.name == "tsv"
                allowed = "source, tab, target" if is_pair else ", ".join(names)
                reading.fault(line, f"found {len(texts)} columns, allowed {allowed}")
            else:
                yield RawRow(line, line, _given(dict(zip(names, texts, strict=True))))

    def named_rows(
        self, path: Path, columns: Sequence[str] | None, reading: Reading
    ) -> Iterator[RawRow]:
        """The rows of a table with every cell as it stands.

        Args:
            path: The file.
            columns: Names of all columns; None where the first row has them.
            reading: Is told of rows of another width.
        """
        names = columns
        for line, row in self.cells(path, reading):
            if row and names is None:
                names = row
            elif row and names is not None and len(row) != len(names):
                allowed = f"{len(names)} ({', '.join(names)})"
                reading.fault(line, f"found {len(row)} columns, allowed {allowed}")
            elif row and names is not None:
                yield RawRow(line, line, dict(zip(names, row, strict=True)))


def _numbered(width: int, spec: CorpusSpec) -> Sequence[str]:
    """Names of the columns of a table without a header."""
    return _PAIR if spec.columns is None else [str(number + 1) for number in range(width)]


def _is_header(texts: Sequence[str], spec: CorpusSpec) -> bool:
    if spec.header is not None:
        return spec.header
    if spec.columns is not None:
        return not all(column.isdecimal() for column in spec.columns)
    folded = {text.casefold() for text in texts}
    return any(names <= folded for names in _HEADERS)


def _given(data: dict[str, str]) -> dict[str, str]:
    """Without the cells of optional columns that are empty: a table cannot leave them out."""
    return {name: text for name, text in data.items() if text or name not in _OPTIONAL}
