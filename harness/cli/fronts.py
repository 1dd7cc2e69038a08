"""The front of a sweep in the terminal, 80 columns wide, and where its report lies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli import output
from harness.records import Key, SweepRecord, SweepTrial, TrialResult

if TYPE_CHECKING:
    from harness.report.build import ReportPaths
    from harness.statistics.estimates import Estimates

WIDTH = 80
LABEL = 14
MOST_FAILURES = 5


def print_front(record: SweepRecord) -> None:
    """The members of the front: settings, what they were chosen by, what fresh seeds gave."""
    from harness.report.names import score_names
    from harness.statistics.estimates import Estimates

    estimates = Estimates()
    keys = [objective.key for objective in record.objectives]
    names = score_names(keys)
    arrows = ["↑" if objective.maximize else "↓" for objective in record.objectives]
    heads = [f"{names[key]} {arrow}" for key, arrow in zip(keys, arrows, strict=True)]
    shares = estimates.front_probabilities(record)
    members = [trial for trial in record.trials if trial.number in record.front]
    others = [trial for trial in record.trials if trial.confirmed and trial not in members]
    lines = [click.style(f"Pareto front of {record.name}", bold=True) + f"  ({_counts(record)})"]
    lines += ["", _columns("", heads)]
    for trial in members:
        share = shares.get(trial.number)
        lines += _trial_lines(record, trial, estimates, share)
    if others:
        lines += ["", "Confirmed too, not on the front:"]
    for trial in others:
        lines += _trial_lines(record, trial, estimates, None)
    if record.base is not None:
        lines += ["", click.style("base", bold=True) + "  untuned"]
        lines += _score_lines(record, (record.base,), (record.base,), estimates)
    lines += ["", *_notes(record, estimates), *_failures(record)]
    click.echo("\n".join(lines))


def _counts(record: SweepRecord) -> str:
    complete = sum(trial.state == "complete" for trial in record.trials)
    failed = sum(trial.state == "failed" for trial in record.trials)
    parts = [f"{len(record.front)} of {complete} complete trials"]
    parts += [f"{failed} failed"] if failed else []
    return ", ".join(parts)


def _trial_lines(
    record: SweepRecord, trial: SweepTrial, estimates: "Estimates", share: float | None
) -> list[str]:
    from harness.report.names import settings_line, variant_of

    settings = ", ".join(filter(None, [variant_of(trial), settings_line(trial, record)]))
    chance = "" if share is None else f"  (on the front in {share:.0%} of resamples)"
    head = f"trial {trial.number}"
    text = output.paragraphs(f"- {head}  {settings}{chance}", width=WIDTH)
    text = text.removeprefix(f"- {head}").replace("\n  ", "\n         ")
    return [
        "",
        click.style(head, bold=True) + text,
        *_score_lines(record, trial.results, trial.confirmed, estimates),
    ]


def _score_lines(
    record: SweepRecord,
    chosen: tuple[TrialResult, ...],
    confirmed: tuple[TrialResult, ...],
    estimates: "Estimates",
) -> list[str]:
    from harness.report.reference import key_for_test

    keys = [objective.key for objective in record.objectives]
    lines = [_columns("  validation", _cells(estimates, chosen, keys))]
    if confirmed:
        tests = [key_for_test(record, key) for key in keys]
        lines.append(_columns("  test", _cells(estimates, confirmed, tests)))
    return lines


def _cells(
    estimates: "Estimates", results: tuple[TrialResult, ...], keys: Sequence[Key | None]
) -> list[str]:
    from harness.report.table import interval_text, number_text

    cells = []
    for key in keys:
        estimate = estimates.of(results, key)
        if estimate is None:
            cells.append("—")
            continue
        bounds = interval_text(estimate) if len(keys) <= 3 else ""
        cells.append(f"{number_text(estimate.value)} {bounds}".rstrip())
    return cells


def _columns(label: str, cells: list[str]) -> str:
    width = min(24, (WIDTH - LABEL) // max(len(cells), 1))
    return (label.ljust(LABEL) + "".join(f"{cell:>{width}}" for cell in cells)).rstrip()


def _notes(record: SweepRecord, estimates: "Estimates") -> list[str]:
    from harness.report.tables import num_seeds_text

    brackets = (
        f"Brackets: {estimates.level:.0%} bootstrap intervals ({num_seeds_text(record)}). "
        if len(record.objectives) <= 3
        else ""
    )
    confirmed = any(trial.confirmed for trial in record.trials)
    use = (
        "Validation chose, so it flatters; test, with seeds the sweep did not use, is to report."
        if confirmed
        else "Nothing was confirmed on test data: these figures chose the front and flatter it."
    )
    return [output.paragraphs(brackets + use, width=WIDTH)]


def _failures(record: SweepRecord) -> list[str]:
    failed = [trial for trial in record.trials if trial.state == "failed"]
    lines = [
        output.paragraphs(f"- trial {trial.number} failed: {trial.reason}", width=WIDTH)
        for trial in failed[:MOST_FAILURES]
    ]
    more = len(failed) - MOST_FAILURES
    return [*lines, f"- and {more} more failed"] if more > 0 else lines


def print_paths(paths: "ReportPaths") -> None:
    """Where the parts of a report lie."""
    click.echo(f"report    {paths.page}")
    click.echo(f"tables    {paths.markdown}")
    click.echo(f"          {paths.folder / 'tables'} (CSV, LaTeX)")
    click.echo(f"figure    {paths.figure}")


def plain_paths(paths: "ReportPaths") -> dict[str, str]:
    """The same for a program."""
    return {
        "page": str(paths.page),
        "markdown": str(paths.markdown),
        "figure": str(paths.figure),
        "tables": str(paths.folder / "tables"),
    }
