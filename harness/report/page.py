"""The HTML page: one file, no network; what it says in words, and its assembly."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from harness.records import SweepRecord
from harness.report.analysis import Analysis
from harness.report.answer import SweepAnswer
from harness.report.comparison import TrialPair
from harness.report.comparison_tables import difference_cell, said_of, would_show
from harness.report.examples import Examples
from harness.report.figures import Panel
from harness.report.marks import Marks
from harness.report.names import score_names
from harness.report.points import COLOURS, GLYPHS, styles_of
from harness.report.reference import best_of_variants, configurations_tried
from harness.report.table import (
    OVERLAPS,
    Cell,
    Column,
    Table,
    cell_text,
    interval_text,
    number_text,
)
from harness.report.tables import num_seeds_text
from harness.statistics.crossed import LEVEL
from harness.statistics.estimates import Estimate
from harness.statistics.planning import MIN_SEEDS
from harness.statistics.representative import RULE

_CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}


MAX_CLAIMS = 3


@dataclass(frozen=True)
class ReportPage:
    """All that is on the page.

    Attributes:
        record: The sweep.
        answer: What to read first.
        untelling: What objectives cannot tell configurations apart, in sentences.
        marks: What stands beside scores.
        test_figures: The objectives on test data; () before a confirmation.
        front_figures: The same on validation data.
        front_png: The first of these as a picture, for print and for readers without scripts.
        front: The table of the validation front.
        trials: Table of all trials.
        confirmed: Table of the confirmation, None before it.
        pairs: Comparisons with the reference and with the base.
        overviews: Their overviews.
        lines: Every line of them.
        hypervolume_figure: After each trial.
        hypervolume_note: What it was measured from.
        matched: Methods at each other's translation, None without the points for it.
        volumes: Whole fronts of methods, None without the points for it.
        attainment_figure: Where fronts of methods reach, None likewise.
        importances_figure: None with too few trials.
        importances_note: Where the importances come from.
        examples: Outputs side by side.
        contamination: Marked benchmarks, None if there are none.
        fallbacks: Text made for training that was not used, None where all was.
        analysis: What is forgotten, how, and at what cost; None where it was not asked for.
        details: The tables at the end.
    """

    record: SweepRecord
    answer: SweepAnswer
    untelling: Sequence[str]
    marks: Marks
    test_figures: Sequence[Panel]
    front_figures: Sequence[Panel]
    front_png: bytes
    front: Table
    trials: Table
    confirmed: Table | None
    pairs: Sequence[TrialPair]
    overviews: Sequence[Table]
    lines: Sequence[Table]
    hypervolume_figure: Any
    hypervolume_note: str
    matched: Table | None
    volumes: Table | None
    attainment_figure: Any | None
    importances_figure: Any | None
    importances_note: str
    examples: Examples
    contamination: Table | None
    fallbacks: Table | None
    analysis: Analysis | None
    details: Sequence[Table]


def render_page(page: ReportPage) -> str:
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(text=cell_text, parts=_parts, embed=_embed)
    return environment.get_template("page.html").render(
        page=page,
        short=short_answers(page),
        contents=_contents(page),
        front_png=base64.b64encode(page.front_png).decode(),
        legend=legend_of(page.record),
        hollow=not all(trial.feasible for trial in page.record.trials),
        open_examples=_first_of_suites(page.examples),
        settings=yaml.safe_dump(dict(page.record.spec), sort_keys=False, allow_unicode=True),
        reading=how_to_read(page.record),
        css=(folder / "page.css").read_text(encoding="utf-8"),
        plotly_js=get_plotlyjs(),
    )


def _parts(cell: Cell, column: Column) -> tuple[str, str, str]:
    """An estimate's value, its interval and the word on it."""
    if isinstance(cell, Estimate):
        return number_text(cell.value, signed=cell.signed), interval_text(cell), cell.remark
    return cell_text(cell, column), "", ""


def _embed(figure: Any, name: str, *, bare: bool = False) -> str:
    """As HTML; a bare one is too narrow for buttons beside it."""
    config = {**_CONFIG, "displayModeBar": False} if bare else _CONFIG
    text: str = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=config)
    return text


def legend_of(record: SweepRecord) -> list[tuple[str, str, str]]:
    """Name, colour and sign of each method, for panels that share a legend."""
    return [
        (variant, COLOURS[style % len(COLOURS)], GLYPHS[style % len(GLYPHS)])
        for variant, style in styles_of(record).items()
    ]


def _first_of_suites(examples: Examples) -> set[int]:
    """Indices of the first benchmark of each suite: shown open."""
    first: dict[str, int] = {}
    for index, group in enumerate(examples.benchmarks):
        if group.examples:
            first.setdefault(group.benchmark.partition("/")[0], index)
    return set(first.values())


def _contents(page: ReportPage) -> list[tuple[str, str]]:
    sections = (
        (page.test_figures, "test", "On test data"),
        (page.overviews, "comparison", "Is it real?"),
        (page.matched or page.volumes, "fronts", "Whole fronts"),
        (True, "front", "Front on validation"),
        (True, "trials", "All trials"),
        (page.fallbacks, "fallbacks", "Fallbacks"),
        (True, "hypervolume", "Hypervolume"),
        (page.importances_figure, "importances", "Settings that mattered"),
        (page.analysis, "analysis", "What is forgotten"),
        (page.examples.benchmarks, "examples", "Outputs"),
        *[(True, table.name, table.title) for table in page.details],
        (True, "settings", "Settings"),
        (True, "reading", "How to read"),
    )
    return [(anchor, title) for shown, anchor, title in sections if shown]


def short_answers(page: ReportPage) -> list[str]:
    """What else to know first, in sentences that claim no more than the figures."""
    record = page.record
    complete = sum(trial.values is not None for trial in record.trials)
    names = score_names([objective.key for objective in record.objectives])
    goals = ", ".join(
        f"{names[objective.key]} {'↑' if objective.maximize else '↓'}"
        for objective in record.objectives
    )
    infeasible = sum(trial.values is not None and not trial.feasible for trial in record.trials)
    members = len(record.front)
    sentences = list(page.untelling)
    sentences.append(
        f"{complete} of {len(record.trials)} trials finished; sought: {goals}; "
        f"{members} {'is' if members == 1 else 'are'} on the front of the validation scores"
        + (f", {infeasible} break a constraint." if infeasible else "."),
    )
    standing = {trial.number for trial in best_of_variants(record).values()}
    methods = [pair for pair in page.pairs if not pair.with_base and pair.summaries]
    telling = [pair for pair in methods if pair.numbers[0] in standing] or methods
    sentences += [claim(pair, page.marks) for pair in telling[:MAX_CLAIMS]]
    sentences.append(f"Validation figures: {num_seeds_text(record)}.")
    if page.contamination is not None:
        count = len(page.contamination.rows)
        what = "benchmark overlaps" if count == 1 else "benchmarks overlap"
        sentences.append(
            f"{count} {what} with the training text; the scores are marked {OVERLAPS}."
        )
    return sentences


def claim(pair: TrialPair, marks: Marks) -> str:
    """What a comparison shows, in one sentence; of what it leaves open, what would show it."""
    names = marks.named([line.key for line in pair.summaries])
    parts = [
        f"{names[line.key]} {cell_text(difference_cell(line), Column(''))}, {said_of(line)}"
        + (f" (would be shown: {ways})" if (ways := would_show(line)) else "")
        for line in pair.summaries
    ]
    where = "test, fresh seeds" if pair.confirmed else "validation, the sweep's seeds"
    first, second = (name.rpartition(" · ")[0] or name for name in (pair.first, pair.second))
    return f"{first} against {second}: {'; '.join(parts)} ({where})."


def hypervolume_note(record: SweepRecord, history: Sequence[float], marks: Marks) -> str:
    """What the hypervolume was measured from, in which units, and what it cannot say."""
    names = score_names([objective.key for objective in record.objectives])
    terms = ", ".join(
        f"{names[o.key]} from {o.reference:g} in units of {o.scale:g}" for o in record.objectives
    )
    note = f"Volume the validation front covers: {terms}; set before the first trial."
    if not any(history):
        return f"{note} No trial is beyond these in every objective: the line says nothing."
    silent = [names[o.key] for o in record.objectives if o.key in marks.untelling]
    if silent:
        return f"{note} {', '.join(silent)} cannot tell trials apart: the line is of the rest."
    return f"{note} It can only grow; that it stays level shows nothing of trials not made."


def _tried(record: SweepRecord) -> str:
    counts = configurations_tried(record)
    if not counts:
        return ""
    shown = ", ".join(f"{variant} {count}" for variant, count in counts.items())
    unequal = " Whatever was tried more often had the better chance to look good."
    return f"Configurations tried: {shown}.{unequal if len(set(counts.values())) > 1 else ''}"


def how_to_read(record: SweepRecord) -> list[str]:
    """The small print, which is not small."""
    return [
        f"Brackets are {LEVEL:.0%} intervals for other items and other seeds of the same kind: "
        "items and seeds are two crossed random samples, with Student's t and Satterthwaite's "
        "degrees of freedom. A trial with one seed has an interval of its items alone, and so has "
        "the untuned model, which has no seeds.",
        "They say nothing about other languages, other data or other models. Where all items score "
        "alike there is no interval: a model without an error on 60 items may still make one in "
        "twenty.",
        "Decisions: better or worse is shown at 5 % over all lines of the family that stands below "
        "the table (Holm). Else equivalent: shown to differ by less than the margin. Else not "
        "worse: shown to lose less than the margin. Else undecided, which is not evidence of "
        "equality: the table says what would have decided. A difference within its margin is real "
        "and too small to matter.",
        "One seed of a trained configuration decides nothing; with two or three little can be "
        f"shown, {MIN_SEEDS} and more are needed.",
        "On the front means not beaten as measured. The share says how often that would be so with "
        "other items and seeds; near one half, its place is undecided. With one seed a trial it is "
        "of items alone: another seed is not counted in.",
        "Validation figures chose the trials, so the best of them are flattered. Test figures with "
        "fresh seeds, where there are some, are the ones to report.",
        f"A method is represented by one rule, the same for all: {RULE}. {_tried(record)}".rstrip(),
        "Kept: (score - chance) / (untuned model's score - chance), only for scores that are "
        "better when higher and only where the untuned model is above chance by its own interval.",
    ]


def importances_text(given: bool, num_trials: int) -> str:
    """Where the importances come from and how far to trust them."""
    source = (
        "Optuna's importance evaluator on the study"
        if given
        else "Impurity importances of a random forest (scikit-learn) on the finished trials"
    )
    return (
        f"{source}: each setting's share in what varies, per objective. From {num_trials} trials "
        "this is a hint at most; settings that differ little in the sweep cannot show."
    )
