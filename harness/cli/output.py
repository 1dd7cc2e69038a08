"""How results look: tables that fit 80 columns for people, one JSON document for programs.

Rich is imported where a table is made: a configuration error is told without it.
"""

import json
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from harness.records import JSON


def print_json(document: "JSON") -> None:
    """One JSON document on stdout; a NaN in it would be a bug and raises."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))


def table(title: str | None, *columns: str, right: Sequence[str] = ()) -> "Table":
    """An empty table; the columns named in ``right`` hold numbers."""
    from rich import box
    from rich.table import Table

    empty = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in columns:
        number = column in right
        empty.add_column(
            column,
            justify="right" if number else "left",
            no_wrap=number,
            overflow="fold",
        )
    return empty


def print_table(filled: "Table") -> None:
    """A table on stdout, as wide as the terminal (80 columns where there is none)."""
    from rich.console import Console

    Console(highlight=False).print(filled)


def facts(values: Mapping[str, float]) -> str:
    """What a score says of how it was measured, in one line.

    >>> facts({"unrated": 0.0, "sd_between_repeats": 0.12345})
    'unrated 0, sd_between_repeats 0.123'
    """
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())


def plain(text: str) -> "Text":
    """Text for a table cell, brackets in it being brackets and not colours."""
    from rich.text import Text

    return Text(text)


def paragraphs(text: str, indent: int = 0, width: int | None = None) -> str:
    r"""Prose wrapped anew to the terminal; list items and indented lines begin on their own line.

    >>> print(paragraphs("One\nparagraph.\n\n- an item\n  of two lines", indent=2))
      One paragraph.
    <BLANKLINE>
      - an item of two lines
    """
    blocks: list[str] = []
    for line in text.splitlines():
        fresh = not blocks or not blocks[-1] or line.startswith(("- ", "    "))
        if not line.strip() or fresh:
            blocks.append(line.rstrip())
        else:
            blocks[-1] += " " + line.strip()
    width = width or min(shutil.get_terminal_size((80, 24)).columns, 100)
    margin = " " * indent
    return "\n".join(
        textwrap.fill(
            block,
            width,
            initial_indent=margin,
            subsequent_indent=margin + ("  " if block.startswith("- ") else ""),
            break_on_hyphens=False,
        )
        for block in blocks
    )


def number(value: float | None, *, signed: bool = False) -> str:
    """A score for reading, a dash where nothing was measured.

    >>> [number(0.98765), number(75.4321), number(0.0), number(None), number(0.5, signed=True)]
    ['0.988', '75.43', '0.000', '—', '+0.500']
    """
    if value is None:
        return "—"
    return f"{value:{'+' if signed else ''}.{3 if abs(value) < 10 else 2}f}"


def measured(value: float | None, bounds: tuple[float, float] | None, num_items: int) -> str:
    """A score for reading, with half the width of its interval and, in brackets, its items.

    >>> [measured(0.75, (0.7, 0.8), 312), measured(16.8, None, 4), measured(None, None, 0)]
    ['0.750 ±0.050 (312)', '16.80 (4)', '—']
    """
    if value is None:
        return number(None)
    half = "" if bounds is None else f" ±{number((bounds[1] - bounds[0]) / 2)}"
    return f"{number(value)}{half} ({num_items:,})"


def size(num_bytes: float) -> str:
    """A number of bytes for reading.

    >>> [size(900), size(2_500_000), size(3 * 1024**3)]
    ['900 B', '2.4 MiB', '3.0 GiB']
    """
    for unit in ("B", "KiB", "MiB"):
        if num_bytes < 1024:
            return f"{num_bytes:.0f} B" if unit == "B" else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1024
    return f"{num_bytes:.1f} GiB"


def duration(seconds: float) -> str:
    """A length of time for reading.

    >>> [duration(4.2), duration(75), duration(7260)]
    ['4 s', '1 min 15 s', '2 h 1 min']
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
