"""Tables of a report: one value, written as text rows, Markdown, CSV and LaTeX."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.statistics.estimates import Estimate

Cell: TypeAlias = str | int | float | bool | Estimate | None
Kind: TypeAlias = Literal["text", "number", "percent", "estimate"]

NOTHING = "–"
OVERLAPS, UNTELLING = "†", "‡"
"""Marks behind the name of a score: overlaps with the training text; cannot tell anything."""
_MARKS = re.compile(f" [{OVERLAPS}{UNTELLING}]+")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, what it holds, and a sentence that explains it."""

    name: str
    kind: Kind = "number"
    help: str = ""

    @property
    def align(self) -> Literal["left", "right"]:
        """Text to the left, numbers to the right."""
        return "left" if self.kind == "text" else "right"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Its file name.
        title: Its heading.
        columns: In order.
        rows: One cell per column; None where there is nothing to say.
        note: What a reader has to know beside it.
        marked: Indices of rows that stand out (members of the front).
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    marked: frozenset[int] = frozenset()

    def text(self) -> list[tuple[str, ...]]:
        """The rows as text, a cell per column."""
        return [
            tuple(cell_text(cell, column) for cell, column in zip(row, self.columns, strict=True))
            for row in self.rows
        ]


def number_text(value: float, *, signed: bool = False) -> str:
    """A number with the digits worth reading.

    >>> number_text(74.318), number_text(0.70712), number_text(0.25, signed=True)
    ('74.3', '0.707', '+0.250')
    """
    sign = "+" if signed else ""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 3
    if 0 < abs(value) < 0.001:
        return f"{value:{sign}.4f}" if abs(value) >= 0.00005 else f"{value:{sign}.1e}"
    return f"{value:{sign},.{digits}f}"


def cell_text(cell: Cell, column: Column) -> str:
    """A cell as it is read by a person."""
    if cell is None:
        return NOTHING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Estimate):
        value = number_text(cell.value, signed=cell.signed)
        return " ".join(part for part in (value, interval_text(cell), cell.remark) if part)
    if column.kind == "percent":
        return f"{cell:.0%}"
    if isinstance(cell, int) or (cell == int(cell) and abs(cell) >= 2):
        return f"{int(cell):,}"
    return number_text(cell)


def interval_text(estimate: Estimate) -> str:
    """The interval in brackets, empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    bounds = (estimate.low, estimate.high)
    return f"[{', '.join(number_text(bound, signed=estimate.signed) for bound in bounds)}]"


def to_markdown(table: Table) -> str:
    """The table with its title and note, in GitHub's Markdown."""
    head = [column.name for column in table.columns]
    rule = ["---:" if column.align == "right" else "---" for column in table.columns]
    lines = [_markdown_line(head), _markdown_line(rule)]
    lines += [_markdown_line(row) for row in table.text()]
    note = f"\n\n{table.note}" if table.note else ""
    return f"## {table.title}\n\n" + "\n".join(lines) + note + "\n"


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def to_csv(table: Table) -> str:
    """The rows with all digits; an estimate has columns of its own for its interval.

    Headings have no marks: programs find a column by its name, whatever is to be said of it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head: list[str] = []
    for column in table.columns:
        name = _MARKS.sub("", column.name)
        head.append(name)
        if column.kind == "estimate":
            head += [f"{name} low", f"{name} high"]
    writer.writerow(head)
    for row in table.rows:
        cells: list[Cell] = []
        for cell, column in zip(row, table.columns, strict=True):
            if isinstance(cell, Estimate):
                cells += [cell.value, cell.low, cell.high]
            elif column.kind == "estimate":
                cells += [None, None, None]
            else:
                cells.append(cell_text(cell, column) if isinstance(cell, bool) else cell)
        writer.writerow(cells)
    return out.getvalue()


def to_latex(table: Table) -> str:
    """A ``tabular`` for booktabs, in a ``table`` float with the title as its caption."""
    spec = "".join("l" if column.align == "left" else "r" for column in table.columns)
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering\\small",
        f"\\begin{{tabular}}{{{spec}}}",
        "\\toprule",
        _latex_line([column.name for column in table.columns]),
        "\\midrule",
        *[_latex_line(row) for row in table.text()],
        "\\bottomrule",
        "\\end{tabular}",
        f"\\caption{{{_latex(table.title)}. {_latex(table.note)}}}",
        f"\\label{{tab:{table.name}}}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_line(cells: Sequence[str]) -> str:
    return " & ".join(_latex(_one_line(cell)) for cell in cells) + r" \\"


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "–": "--",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\to$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "[": "{[}",
    "]": "{]}",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)
