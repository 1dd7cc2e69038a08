"""What a sweep shows in the terminal, 80 columns wide, or to a program; where its report lies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli import output
from harness.records import Key, SweepRecord, SweepTrial, TrialResult

if TYPE_CHECKING:
    from harness.records import JSON
    from harness.report.build import ReportPaths
    from harness.report.comparison import Compared, TrialPair
    from harness.report.marks import Marks
    from harness.report.scored import ScoredSweep

WIDTH = 80
LABEL = 14
MOST_FAILURES = 5


def print_front(record: SweepRecord) -> None:
    """The answer; the members of the front: settings, what chose them, what fresh seeds gave."""
    from harness.report.answer import answer_of
    from harness.report.comparison import compare_trials
    from harness.report.marks import untelling_sentences
    from harness.report.scored import scored

    sweep = scored(record)
    pairs = compare_trials(record, samples=sweep.samples)
    keys = [objective.key for objective in record.objectives]
    names = sweep.marks.named(keys)
    arrows = ["↑" if objective.maximize else "↓" for objective in record.objectives]
    heads = [f"{names[key]} {arrow}" for key, arrow in zip(keys, arrows, strict=True)]
    members = [trial for trial in record.trials if trial.number in record.front]
    others = [trial for trial in record.trials if trial.confirmed and trial not in members]
    sentences = [answer_of(record, pairs, sweep.marks).sentence, *untelling_sentences(record)]
    lines = [output.paragraphs(sentence, width=WIDTH) for sentence in sentences]
    lines += ["", click.style(f"Pareto front of {record.name}", bold=True)]
    lines[-1] += f"  ({_counts(record)})"
    lines += ["", _columns("", heads)]
    for trial in members:
        lines += _trial_lines(sweep, trial, sweep.shares.get(trial.number))
    if others:
        lines += ["", "Confirmed too, not on the front:"]
    for trial in others:
        lines += _trial_lines(sweep, trial, None)
    if record.base is not None:
        lines += ["", click.style("base", bold=True) + "  untuned"]
        lines += _score_lines(sweep, (record.base,), (record.base,))
    lines += ["", *_decisions(pairs, sweep.marks), *_notes(sweep), *_failures(record)]
    click.echo("\n".join(lines))


def _decisions(pairs: Sequence["TrialPair"], marks: "Marks") -> list[str]:
    """What is decided of every pair, a paragraph each."""
    from harness.report.page import claim

    shown = [pair for pair in pairs if pair.summaries]
    lines = [output.paragraphs(f"- {claim(pair, marks)}", width=WIDTH) for pair in shown]
    return [*lines, ""] if lines else []


def plain_answer(record: SweepRecord) -> dict[str, "JSON"]:
    """The answer, the decisions behind it and the front's shares, for a program."""
    from harness.report.answer import answer_of
    from harness.report.comparison import compare_trials
    from harness.report.names import of_what
    from harness.report.scored import scored
    from harness.trial.curves import mean_metrics

    sweep = scored(record)
    pairs = compare_trials(record, samples=sweep.samples)
    answer = answer_of(record, pairs, sweep.marks)
    return {
        "answer": {"kind": answer.kind, "trial": answer.number, "sentence": answer.sentence},
        "decisions": [_plain_line(pair, line) for pair in pairs for line in pair.lines],
        "front_shares": {str(number): share for number, share in sweep.shares.items()},
        "front_shares_of_items_alone": bool(of_what(record)),
        "intervals": {
            str(trial.number): _plain_intervals(sweep, trial)
            for trial in record.trials
            if trial.results
        },
        "base": None if record.base is None else mean_metrics((record.base,)),
    }


def _plain_line(pair: "TrialPair", line: "Compared") -> dict[str, "JSON"]:
    difference = line.difference
    needed = line.needed
    return {
        "trial": pair.numbers[0],
        "reference": None if pair.with_base else pair.numbers[1],
        "confirmed": pair.confirmed,
        "metric": str(line.key),
        "value": difference.value,
        "low": difference.low,
        "high": difference.high,
        "p_holm": line.p_value,
        "decision": None if line.decision is None else line.decision.value,
        "margin": line.margin,
        "within_margin": line.within_margin,
        "items": difference.num_items,
        "seeds": list(difference.num_seeds),
        "items_only": difference.items_only,
        "needed": None if needed is None else {"seeds": needed.seeds, "items": needed.items},
    }


def _plain_intervals(sweep: "ScoredSweep", trial: SweepTrial) -> dict[str, "JSON"]:
    """By key of the objectives, as chosen by and as confirmed, the interval or null."""
    from harness.report.reference import key_for_test

    keys = [objective.key for objective in sweep.record.objectives]
    groups = [(trial.results, key) for key in keys]
    groups += [
        (trial.confirmed, test)
        for key in keys
        if (test := key_for_test(sweep.record, key)) is not None
    ]
    estimates = {str(key): sweep.estimate(runs, key) for runs, key in groups}
    return {
        key: None if of_key.low is None else [of_key.low, of_key.high]
        for key, of_key in estimates.items()
        if of_key is not None
    }


def _counts(record: SweepRecord) -> str:
    complete = sum(trial.state == "complete" for trial in record.trials)
    failed = sum(trial.state == "failed" for trial in record.trials)
    parts = [f"{len(record.front)} of {complete} complete trials"]
    parts += [f"{failed} failed"] if failed else []
    return ", ".join(parts)


def _trial_lines(sweep: "ScoredSweep", trial: SweepTrial, share: float | None) -> list[str]:
    from harness.report.names import of_what, settings_line, variant_of

    record = sweep.record

    settings = ", ".join(filter(None, [variant_of(trial), settings_line(trial, record)]))
    chance = "" if share is None else f"  (on the front in {share:.0%}{of_what(record)})"
    head = f"trial {trial.number}"
    text = output.paragraphs(f"- {head}  {settings}{chance}", width=WIDTH)
    text = text.removeprefix(f"- {head}").replace("\n  ", "\n         ")
    return [
        "",
        click.style(head, bold=True) + text,
        *_score_lines(sweep, trial.results, trial.confirmed),
    ]


def _score_lines(
    sweep: "ScoredSweep", chosen: tuple[TrialResult, ...], confirmed: tuple[TrialResult, ...]
) -> list[str]:
    from harness.report.reference import key_for_test

    keys = [objective.key for objective in sweep.record.objectives]
    lines = [_columns("  validation", _cells(sweep, chosen, keys))]
    if confirmed:
        tests = [key_for_test(sweep.record, key) for key in keys]
        lines.append(_columns("  test", _cells(sweep, confirmed, tests)))
    return lines


def _cells(
    sweep: "ScoredSweep", results: tuple[TrialResult, ...], keys: Sequence[Key | None]
) -> list[str]:
    from harness.report.table import interval_text, number_text

    cells = []
    for key in keys:
        estimate = sweep.estimate(results, key)
        if estimate is None:
            cells.append("—")
            continue
        bounds = interval_text(estimate) if len(keys) <= 3 else ""
        cells.append(f"{number_text(estimate.value)} {bounds}".rstrip())
    return cells


def _columns(label: str, cells: list[str]) -> str:
    width = min(24, (WIDTH - LABEL) // max(len(cells), 1))
    return (label.ljust(LABEL) + "".join(f"{cell:>{width}}" for cell in cells)).rstrip()


def _notes(sweep: "ScoredSweep") -> list[str]:
    from harness.report.tables import num_seeds_text
    from harness.statistics.crossed import LEVEL

    record = sweep.record
    brackets = (
        f"Brackets: {LEVEL:.0%} intervals; validation: {num_seeds_text(record)}. "
        if len(record.objectives) <= 3
        else ""
    )
    confirmed = any(trial.confirmed for trial in record.trials)
    use = (
        "Validation chose, so it flatters; test, with seeds the sweep did not use, is to report."
        if confirmed
        else "Nothing was confirmed on test data: these figures chose the front and flatter it."
    )
    return [output.paragraphs(f"{brackets}{use} {sweep.marks.note}".rstrip(), width=WIDTH)]


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
