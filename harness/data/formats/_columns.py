"""What tables have in common: a header or numbered columns, and as many cells in every row."""

from collections.abc import Iterable, Iterator, Sequence

from harness.data.fields import Faults
from harness.data.raw import RawRow, check_languages
from harness.data.spec import CorpusSpec

_HEADERS = ({"source", "target"}, {"instruction"}, {"text", "language"}, {"question", "answer"})
"""Names that a first row holds if it is a header."""


def rows_of_table(
    cells: Iterable[tuple[int, Sequence[str]]], spec: CorpusSpec, faults: Faults, form: str
) -> Iterator[RawRow]:
    """The rows of a table, sides stripped of white space, blank rows left out.

    Args:
        cells: Line and cells of every row.
        spec: Says which columns, and whether there is a header.
        faults: Is told of rows of another width.
        form: The format's name.
    """
    names: Sequence[str] | None = None
    for line, row in cells:
        texts = [cell.strip() for cell in row]
        if not any(texts):
            continue
        if names is None:
            if _is_header(texts, spec):
                names = texts if spec.columns else [text.casefold() for text in texts]
                continue
            check_languages(spec, form)
            names = _numbered(len(texts), spec)
        if len(texts) != len(names):
            wanted = "source, tab, target" if names == _PAIR and form == "tsv" else ", ".join(names)
            faults.add(line, f"found {len(texts)} columns, allowed {wanted}")
        else:
            yield RawRow(line, line, _given(dict(zip(names, texts, strict=True))))


_PAIR = ["source", "target"]


def _numbered(width: int, spec: CorpusSpec) -> Sequence[str]:
    """Names of the columns of a table without a header."""
    return _PAIR if spec.columns is None else [str(number + 1) for number in range(width)]


def _is_header(texts: Sequence[str], spec: CorpusSpec) -> bool:
    if spec.header is not None:
        return spec.header
    if spec.columns is not None:
        return not all(column.isdecimal() for column in spec.columns)
    found = {text.casefold() for text in texts}
    return any(names <= found for names in _HEADERS)


def _given(data: dict[str, str]) -> dict[str, str]:
    """Without the cells of optional columns that are empty: a table cannot leave them out."""
    return {name: text for name, text in data.items() if text or name not in _OPTIONAL}


_OPTIONAL = {"answer", "skill", "category", "input", "context", "pivot_answer", "id"}
