"""How ``harness compare`` tells what it found: as tables, and as plain data."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from harness.cli import output

if TYPE_CHECKING:
    from harness.records import JSON
    from harness.report.table import Table
    from harness.statistics.samples import Line, System

FEW_CLUSTERS = 20
"""With fewer the estimate of their variance is rough."""
NO_INTERVAL = ", so few that there is no interval"


def as_plain(line: "Line") -> "JSON":
    """A comparison as `--json` prints it; differences are first minus second."""
    difference = line.difference
    return {
        "metric": line.key,
        "first": line.first,
        "second": line.second,
        "value": difference.value,
        "low": difference.low,
        "high": difference.high,
        "p_value": difference.p_value,
        "p_holm": line.p_holm,
        "decision": line.decision.value,
        "items": line.num_items,
        "seeds": None if difference.num_seeds == (None, None) else list(difference.num_seeds),
        "clusters": line.num_clusters,
        "margin": line.margin,
        "within_margin": line.within_margin,
        "items_only": difference.items_only,
        "needed": None
        if line.needed is None
        else {
            "difference": line.needed.difference,
            "seeds": line.needed.seeds,
            _drawn(line): line.needed.items,
        },
    }


def as_table(lines: "Sequence[Line]") -> "Table":
    """Comparisons for Markdown and LaTeX."""
    from harness.report.table import Column, Table
    from harness.statistics.estimates import Estimate

    columns = (
        Column("metric", "text"),
        Column("first", "text"),
        Column("second", "text"),
        Column("difference", "estimate", "First minus second, with its 95 % interval."),
        Column("p", "number", "Two-sided, of this comparison alone."),
        Column("p (Holm)", "number", "Adjusted for all comparisons of the table."),
        Column("decision", "text", "About the first, by p."),
    )
    rows = tuple(
        (
            line.key,
            line.first,
            line.second,
            Estimate(line.difference.value, line.difference.low, line.difference.high, signed=True),
            line.difference.p_value,
            line.p_holm,
            _decision_text(line),
        )
        for line in lines
    )
    return Table("comparison", "Comparison", columns, rows, _note(lines))


def _decision_text(line: "Line") -> str:
    from harness.statistics.wording import decision_text

    return decision_text(line.decision, line.margin, within_margin=line.within_margin)


def _note(lines: "Sequence[Line]") -> str:
    """On how many items and seeds, with what margins, and what would have decided."""
    sizes = {(_draws_text(line), line.difference.num_seeds) for line in lines}
    said = [
        f"{drawn}, "
        + (
            "no seeds: fixed systems"
            if seeds == (None, None)
            else "seeds " + " and ".join("none" if n is None else str(n) for n in seeds)
        )
        for drawn, seeds in sorted(sizes, key=str)
    ]
    margins = {line.key: line.margin for line in lines if line.margin is not None}
    if margins:
        said.append("margins " + ", ".join(f"{key} {value:g}" for key, value in margins.items()))
    if any(line.difference.items_only for line in lines):
        said.append("a side has one seed: its interval is of items alone, and decides nothing")
    return "; ".join(said)


def _drawn(line: "Line") -> str:
    return "items" if line.num_clusters is None else "clusters"


def _draws_text(line: "Line") -> str:
    """What was drawn: items, or clusters of them."""
    from harness.statistics.crossed import MIN_ITEMS

    items = f"{line.num_items:,} items"
    if line.num_clusters is None:
        return items + (NO_INTERVAL if line.num_items < MIN_ITEMS else "")
    few = "" if line.num_clusters >= FEW_CLUSTERS else ", so few that the interval is rough"
    if line.num_clusters < MIN_ITEMS:
        few = NO_INTERVAL
    return f"{items} in {line.num_clusters} clusters{few}"


def show(
    lines: "Sequence[Line]", systems: "Sequence[System]", left_out: Mapping[str, Sequence[str]]
) -> None:
    """Prints the comparisons, a table a metric, and on what they rest."""
    from harness.statistics.wording import needed_text

    for number, system in enumerate(systems, start=1):
        click.echo(f"[{number}] {system.name}" + (f" ({system.said})" if system.said else ""))
    for key, of_key in itertools.groupby(lines, key=lambda line: line.key):
        _show_metric(key, of_key)
    click.echo(output.paragraphs(_note(lines)))
    undecided = [
        f"{line.key}, {line.first}: "
        + needed_text(line.needed, items_only=False, drawn=_drawn(line))
        for line in lines
        if line.needed is not None
    ]
    if undecided:
        said = "What would show a difference at 80 % power: " + "; ".join(undecided)
        click.echo(output.paragraphs(said))
    for reason, keys in left_out.items():
        click.echo(output.paragraphs(f"- not compared, as {reason}: {', '.join(keys)}"))


def _show_metric(key: str, lines: "Iterable[Line]") -> None:
    table = output.table(
        key,
        *("systems", "difference", "95 % interval", "p", "Holm", "decision"),
        right=("difference", "95 % interval", "p", "Holm"),
    )
    for line in lines:
        difference = line.difference
        table.add_row(
            output.plain("[{}] - [{}]".format(*line.numbers)),
            output.number(difference.value, signed=True),
            _interval_text(difference.low, difference.high),
            _p_text(difference.p_value),
            _p_text(line.p_holm),
            _decision_text(line),
        )
    output.print_table(table)


def _interval_text(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "–"
    return f"{output.number(low, signed=True)} {output.number(high, signed=True)}"


def _p_text(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if value >= 0.001 else "<.001"
