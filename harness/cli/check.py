"""``harness check``: the regression gate for CI."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output

if TYPE_CHECKING:
    from harness.cli.candidates import NamedRuns
    from harness.gate.baseline import Baseline, Tolerance
    from harness.gate.verdict import GateReport
    from harness.records import TrialResult

MARKS = {"ok": "[green]ok[/]", "WORSE": "[bold red]WORSE[/]", "?": "[yellow]?[/]", "": ""}

KEY_WIDTH = 30
"""What 80 columns leave for a key."""


@click.command(
    "check",
    epilog=options.examples(
        "harness check benchmarks/baselines/smoke.json sweep:smoke",
        "harness check baseline.json results.json --markdown out.md --junit out.xml",
        "harness check baseline.json results.json --tolerance general=0.03",
        "harness check baseline.json results.json --gate general --gate '*/chrf'",
        "harness check baseline.json results.json --update",
    ),
)
@click.argument("baseline", type=options.FILE, metavar="BASELINE.json")
@click.argument("scores", metavar="SCORES")
@click.option(
    "--tolerance",
    "tolerances",
    multiple=True,
    metavar="[PATTERN=]X",
    callback=options.parse_amounts,
    help="How much worse scores may be, before what the baseline says: all, those of keys "
    "('*/bleu', 'mine/*'), of a metric (bleu) in its units, or of an axis's summaries "
    "(translation, general, safety). Repeatable.",
)
@click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="PATTERN",
    help="What has to pass, by such patterns; the rest informs. Repeatable.  [default: what the "
    "baseline says, else summaries and primary metrics]",
)
@click.option(
    "--undecided",
    type=click.Choice(("fail", "pass")),
    default="fail",
    show_default=True,
    help="Whether what is compared and cannot be decided ends with 4 or with 0.",
)
@click.option("--junit", type=options.FILE, metavar="FILE", help="Also write JUnit XML.")
@click.option(
    "--markdown", type=options.FILE, metavar="FILE", help="Also write a summary in Markdown."
)
@click.option(
    "--github",
    is_flag=True,
    help="In GitHub's CI: annotations on stderr, the summary added to the job's.",
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
    tolerances: dict[str, float],
    gates: tuple[str, ...],
    undecided: str,
    junit: Path | None,
    markdown: Path | None,
    github: bool,
    update: bool,
    home: Path,
    tracking_uri: str | None,
    storage: str | None,
    as_json: bool,
) -> None:
    """Compare scores with a committed baseline, key by key.

    SCORES is a results file (`harness run --output`), run:ID (a run in MLflow) or sweep:NAME: of
    the sweep's front the member with the largest sum of its objectives, each divided by its scale;
    its confirmed runs where it has some, else its runs; sweep:NAME:NUMBER names another trial.

    A run of the baseline made again (its settings and its seed), or an untrained model, is judged
    over its items, and equal outputs pass. A new run of a trained configuration is judged over
    items and seeds, which takes a baseline of three seeds or more.

    A score passes when its drop is shown to be below its tolerance (one-sided at .05), and is
    worse when a drop is shown (Holm over all that gate) and estimated beyond it. Exits with 1 if
    any is worse, else with 4 if any is undecided or has another signature or items, with 2 if any
    is missing, not finite, or has turned its direction. See docs/ci.md.
    """
    from harness.cli.candidates import read_candidate
    from harness.gate.baseline import read_baseline, update_baseline

    patterns = {pattern: amount for pattern, amount in tolerances.items() if pattern}
    first = patterns | ({"*": tolerances[""]} if "" in tolerances else {})

    def changed(kept: "Tolerance") -> "Tolerance":
        return kept.with_first(first, gates)

    committed = None if update else read_baseline(baseline)
    candidate = read_candidate(scores, home=home, tracking_uri=tracking_uri, storage=storage)
    compared = candidate.results if committed is None else committed.results
    _check_patterns((*first, *gates), compared)
    if committed is None:
        written = update_baseline(baseline, candidate.results, changed)
        _print_update(written, candidate, as_json)
        return
    limited = replace(committed, tolerance=changed(committed.tolerance))
    report = _report(limited, candidate, undecided_passes=undecided == "pass")
    _write_reports(report, junit, markdown, github)
    if as_json:
        from harness.gate.render import to_plain

        output.print_json(to_plain(report))
    else:
        _print_report(report)
    ctx.exit(report.exit_code)


def _check_patterns(patterns: Sequence[str], results: "Sequence[TrialResult]") -> None:
    from harness.errors import ConfigError
    from harness.gate.decide import unknown_patterns

    unknown = unknown_patterns(results, patterns)
    if unknown:
        raise ConfigError(
            "\n".join(f"{pattern!r}: fits no score" for pattern in unknown),
            "Allowed: a pattern of SUITE/BENCHMARK/METRIC or SUITE/summary_test, the name of a "
            "metric, or an axis (translation, general, safety) for its summaries.",
        )


def _report(
    baseline: "Baseline", candidate: "NamedRuns", *, undecided_passes: bool
) -> "GateReport":
    from harness.gate.decide import compare
    from harness.trial.config import completed

    named = candidate.name + (f", {candidate.said}" if candidate.said else "")
    report = compare(
        baseline, candidate.results, where=candidate.name, judged=named, completed=completed
    )
    return replace(report, undecided_passes=undecided_passes)


def _write_reports(
    report: "GateReport", junit: Path | None, markdown: Path | None, github: bool
) -> None:
    from harness.gate.render import to_annotations, to_junit, to_markdown

    for path, text in ((junit, to_junit), (markdown, to_markdown)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(report), encoding="utf-8")
    if github:
        for line in to_annotations(report):
            click.echo(line, err=True)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(to_markdown(report))


def _print_update(written: "Baseline", candidate: "NamedRuns", as_json: bool) -> None:
    from harness.statistics.gating import MIN_BASELINE_SEEDS
    from harness.statistics.samples import is_trained

    keys = sorted({str(key) for result in written.results for key in result.scores})
    seeds = [result.seed for result in written.results]
    judges_new = is_trained(written.results) and len(seeds) >= MIN_BASELINE_SEEDS
    if as_json:
        output.print_json(
            {
                "baseline": written.where,
                "scores": candidate.name,
                "keys": keys,
                "seeds": seeds,
                "judges_new_runs": judges_new,
            }
        )
        return
    click.echo(
        f"{written.where}: {len(keys)} scores of {candidate.name}, seeds "
        f"{', '.join(map(str, seeds))}"
    )
    if is_trained(written.results) and not judges_new:
        click.echo(
            output.paragraphs(
                "It judges nothing but these runs made again: new ones take a baseline of "
                f"{MIN_BASELINE_SEEDS} seeds or more."
            )
        )
    lacking = {
        str(key): reason
        for result in written.results
        for key, reason in result.unmeasured.items()
        if result.is_primary(key)
    }
    for key, reason in lacking.items():
        click.echo(output.paragraphs(f"- {key} was not measured, so it gates nothing: {reason}"))


def _print_report(report: "GateReport") -> None:
    from harness.gate.render import COLUMNS, headline, judged, notes, rows

    shown = ("", "key", "baseline", "now", "change", "at worst")
    table = output.table(None, *shown, right=shown[2:])
    details: dict[str, list[str]] = {}
    quiet = 0
    for row in rows(report):
        cells = dict(zip(COLUMNS, row, strict=True))
        if not cells[""] and cells["why"] == "unchanged":
            quiet += 1
            continue
        if cells[""] in ("WORSE", "?") or "changed:" in cells["why"]:
            details.setdefault(_detail(cells), []).append(cells["key"])
        cells["key"] = _two_lines(cells["key"])
        table.add_row(MARKS[cells[""]], *(output.plain(cells[name]) for name in shown[1:]))
    click.echo(output.paragraphs(judged(report)))
    output.print_table(table)
    for detail, keys in details.items():
        click.echo(output.paragraphs(f"- {', '.join(keys)}: {detail}"))
    if quiet:
        click.echo(f"{quiet} more that only inform are unchanged")
    click.echo()
    for note in notes(report):
        click.echo(output.paragraphs(note))
    click.echo()
    color = {0: "green", 1: "red"}.get(report.exit_code, "yellow")
    click.secho(headline(report), bold=True, fg=color if sys.stdout.isatty() else None)


def _two_lines(key: str) -> str:
    path, _, last = key.rpartition("/")
    return key if len(key) <= KEY_WIDTH else f"{path}/\n  {last}"


def _detail(cells: dict[str, str]) -> str:
    facts = [f"tolerance {cells['tolerance']}"] if cells["tolerance"] else []
    if cells["at worst"]:
        facts.insert(0, f"change at worst {cells['at worst']}")
    if cells["items"]:
        facts.append(f"{cells['items']} items")
    return f"{cells['why']} ({', '.join(facts)})"
