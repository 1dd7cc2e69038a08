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
from harness.report.comparison import TrialPair
from harness.report.comparison_tables import difference_cell
from harness.report.examples import Examples
from harness.report.names import score_names
from harness.report.table import Cell, Column, Table, cell_text, interval_text, number_text
from harness.report.tables import num_seeds_text
from harness.statistics.estimates import Estimate

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
        level: Of the intervals.
        num_resamples: Of the bootstrap.
        front_figures: Caption and plotly figure.
        front_png: The same as a picture, for readers without scripts.
        front: Its table.
        trials: Table of all trials.
        confirmed: Table of the confirmation, None before it.
        pairs: Comparisons with the reference and with the base.
        overviews: Their overviews.
        lines: Every line of them.
        hypervolume_figure: After each trial.
        importances_figure: None with too few trials.
        importances_note: Where the importances come from.
        examples: Outputs side by side.
        contamination: Marked benchmarks, None if there are none.
        fallbacks: Text made for training that was not used, None where all was.
        analysis: What is forgotten, how, and at what cost; None where it was not asked for.
        details: The tables at the end.
    """

    record: SweepRecord
    level: float
    num_resamples: int
    front_figures: Sequence[tuple[str, Any]]
    front_png: bytes
    front: Table
    trials: Table
    confirmed: Table | None
    pairs: Sequence[TrialPair]
    overviews: Sequence[Table]
    lines: Sequence[Table]
    hypervolume_figure: Any
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
        level=f"{page.level:.0%}",
        front_png=base64.b64encode(page.front_png).decode(),
        hypervolume_note=hypervolume_note(page.record),
        open_examples=_first_of_suites(page.examples),
        settings=yaml.safe_dump(dict(page.record.spec), sort_keys=False, allow_unicode=True),
        reading=how_to_read(page.level, page.num_resamples),
        css=(folder / "page.css").read_text(encoding="utf-8"),
        plotly_js=get_plotlyjs(),
    )


def _parts(cell: Cell, column: Column) -> tuple[str, str, str]:
    """An estimate's value, its interval and the word on it."""
    if isinstance(cell, Estimate):
        return number_text(cell.value, signed=cell.signed), interval_text(cell), cell.remark
    return cell_text(cell, column), "", ""


def _embed(figure: Any, name: str) -> str:
    text: str = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=_CONFIG)
    return text


def _first_of_suites(examples: Examples) -> set[int]:
    """Indices of the first benchmark of each suite: shown open."""
    first: dict[str, int] = {}
    for index, group in enumerate(examples.benchmarks):
        if group.examples:
            first.setdefault(group.benchmark.partition("/")[0], index)
    return set(first.values())


def _contents(page: ReportPage) -> list[tuple[str, str]]:
    sections = (
        (True, "front", "Front"),
        (page.confirmed, "confirmed", "Confirmed on test"),
        (page.overviews, "comparison", "Is it real?"),
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
    """What the sweep found, in sentences that claim no more than the figures."""
    record = page.record
    complete = sum(trial.values is not None for trial in record.trials)
    names = score_names([objective.key for objective in record.objectives])
    goals = " and ".join(
        f"{'higher' if objective.maximize else 'lower'} {names[objective.key]}"
        for objective in record.objectives
    )
    infeasible = sum(trial.values is not None and not trial.feasible for trial in record.trials)
    sentences = [
        f"{complete} of {len(record.trials)} trials finished, looking for {goals}; "
        f"{len(record.front)} are on the front"
        + (f", {infeasible} break a constraint." if infeasible else "."),
    ]
    methods = [pair for pair in page.pairs if not pair.with_base]
    sentences += [claim(pair) for pair in methods[:MAX_CLAIMS] if pair.summaries]
    seeds = num_seeds_text(record)
    sentences.append(f"Intervals are {page.level:.0%} percentile bootstrap intervals: {seeds}.")
    if page.contamination is not None:
        count = len(page.contamination.rows)
        what = "benchmark overlaps" if count == 1 else "benchmarks overlap"
        sentences.append(f"{count} {what} with the training text; the scores are marked.")
    if not any(trial.confirmed for trial in record.trials):
        sentences.append("Nothing is confirmed yet: every figure is one the trials were chosen by.")
    return sentences


def claim(pair: TrialPair) -> str:
    """What a comparison shows, in one sentence."""
    names = score_names([line.key for line in pair.summaries])
    parts = [
        f"{names[line.key]} {cell_text(difference_cell(line), Column(''))}, {line.decision}"
        for line in pair.summaries
    ]
    where = "test, fresh seeds" if pair.confirmed else "validation, the sweep's seeds"
    first, second = (name.rpartition(" · ")[0] or name for name in (pair.first, pair.second))
    return f"{first} against {second}: {'; '.join(parts)} ({where})."


def hypervolume_note(record: SweepRecord) -> str:
    """What the hypervolume was measured from, and in which units."""
    names = score_names([objective.key for objective in record.objectives])
    terms = ", ".join(
        f"{names[o.key]} from {o.reference:g} in units of {o.scale:g}" for o in record.objectives
    )
    return (
        f"Volume the front covers: {terms}; set before the first trial. It can only grow; where it "
        "stays level, further trials of this kind would likely add little."
    )


def how_to_read(level: float, num_resamples: int) -> list[str]:
    """The small print, which is not small."""
    return [
        f"Intervals are {level:.0%} percentile bootstrap intervals from {num_resamples} resamples. "
        "Items and seeds are resampled together; all trials share the resamples of an item set, "
        "and trials with the same seeds those of the seeds, so differences are paired.",
        "They say how much a figure would move with other items and seeds of the same kind. They "
        "say nothing about other languages, other data or other models, and with one seed nothing "
        "about how much training varies. With few seeds they are too narrow.",
        "An interval without width means that all resampled items scored alike, not certainty: a "
        "model without an error on 60 items may still make one in twenty.",
        "On the front means not beaten as measured. The share of resamples in which a trial is on "
        "the front says how much of that is luck; near one half, its place is undecided.",
        "Validation figures chose the trials, so the best of them are flattered. Test figures with "
        "fresh seeds, where there are some, are the ones to report.",
        "Kept: (score - chance) / (untuned model's score - chance), only for scores that are "
        "better when higher and only where the untuned model is not near chance.",
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
