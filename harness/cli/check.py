"""``harness check``: the regression gate for CI."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output

if TYPE_CHECKING:
    from harness.gate.baseline import Baseline
    from harness.gate.verdict import GateReport

MARKS = {"ok": "[green]ok[/]", "WORSE": "[bold red]WORSE[/]", "?": "[yellow]?[/]"}

KEY_WIDTH = 38
"""What 80 columns leave for a key."""


@click.command(
    "check",
    epilog=options.examples(
        "harness check benchmarks/baselines/smoke.json sweep:smoke",
        "harness check baseline.json results.json --markdown out.md --junit out.xml",
        "harness check baseline.json results.json --update",
    ),
)
@click.argument("baseline", type=options.FILE, metavar="BASELINE.json")
@click.argument("scores", metavar="SCORES")
@click.option("--junit", type=options.FILE, metavar="FILE", help="Also write JUnit XML.")
@click.option(
    "--markdown", type=options.FILE, metavar="FILE", help="Also write a summary in Markdown."
)
@click.option(
    "--update",
    is_flag=True,
    help="Make these scores the baseline, its tolerances kept, instead of comparing.",
)
@options.home
@options.tracking_uri
@options.storage
@options.as_json
@options.verbosity
@click.pass_context
def command(
    ctx: click.Context,
    baseline: Path,
    scores: str,
    junit: Path | None,
    markdown: Path | None,
    update: bool,
    home: Path,
    tracking_uri: str | None,
    storage: str | None,
    as_json: bool,
) -> None:
    """Compare scores with a committed baseline, metric by metric.

    SCORES is a results file (`harness run --output`), run:ID (a run in MLflow) or sweep:NAME: of
    the sweep's front the member with the largest sum of its objectives, each divided by its scale;
    its confirmed runs where it has some, else its runs; sweep:NAME:NUMBER names another trial.

    A score is worse when it dropped by more than its tolerance and the interval of the paired
    difference lies below zero (Holm over all scores); it passes when the interval lies above minus
    the tolerance. Exits with 1 if any is worse or missing, else with 4 if any cannot be decided.
    """
    from harness.cli.candidates import read_candidate
    from harness.gate.baseline import read_baseline, update_baseline

    committed = None if update else read_baseline(baseline)
    candidate = read_candidate(scores, home=home, tracking_uri=tracking_uri, storage=storage)
    if committed is None:
        _print_update(update_baseline(baseline, candidate), baseline, as_json)
        return
    from harness.gate.decide import compare
    from harness.gate.render import to_junit, to_markdown, to_plain

    report = compare(committed, candidate, where=scores)
    if junit is not None:
        _write(junit, to_junit(report))
    if markdown is not None:
        _write(markdown, to_markdown(report))
    if as_json:
        output.print_json(to_plain(report))
    else:
        _print_report(report)
    ctx.exit(report.exit_code)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _print_update(written: "Baseline", path: Path, as_json: bool) -> None:
    keys = sorted({str(key) for result in written.results for key in result.scores})
    seeds = [result.seed for result in written.results]
    if as_json:
        output.print_json({"baseline": str(path), "keys": keys, "seeds": seeds})
    else:
        click.echo(f"{path}: {len(keys)} scores, seeds {', '.join(map(str, seeds))}")


def _print_report(report: "GateReport") -> None:
    from harness.gate.render import COLUMNS, headline, notes, rows

    shown = ("", "key", "baseline", "now", "change")
    table = output.table(None, *shown, right=shown[2:])
    undecided: list[str] = []
    for row in rows(report):
        cells = dict(zip(COLUMNS, row, strict=True))
        if cells[""] != "ok":
            undecided.append(_detail(cells))
        cells["key"] = _two_lines(cells["key"])
        table.add_row(MARKS[cells[""]], *(output.plain(cells[name]) for name in shown[1:]))
    output.print_table(table)
    for detail in undecided:
        click.echo(output.paragraphs(detail))
    click.echo()
    for note in notes(report):
        click.echo(output.paragraphs(note))
    click.echo()
    color = {0: "green", 1: "red"}.get(report.exit_code, "yellow")
    click.secho(headline(report), bold=True, fg=color if sys.stdout.isatty() else None)


def _two_lines(key: str) -> str:
    from harness.records import parse_score_key

    named = parse_score_key(key)
    return key if len(key) <= KEY_WIDTH else f"{named.path}/\n  {named.metric}"


def _detail(cells: dict[str, str]) -> str:
    facts = [f"tolerance {cells['tolerance']}"]
    if cells["interval"]:
        facts.insert(0, f"change {cells['interval']}")
    if cells["items"]:
        facts.append(f"{cells['items']} items")
    return f"- {cells['key']}: {cells['why']} ({', '.join(facts)})"
