"""write_report(): a sweep's record becomes a page, tables in four formats, and a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.records import Key, Split, SweepRecord
from harness.report import details, tables
from harness.report.analysis import analyse
from harness.report.answer import answer_of
from harness.report.comparison import TrialPair, compare_trials
from harness.report.comparison_tables import lines_table, overview
from harness.report.examples import collect_examples
from harness.report.fallbacks import fallbacks_table
from harness.report.figures import front_figures, hypervolume_figure, importances_figure
from harness.report.image import write_front_png
from harness.report.importances import forest_importances
from harness.report.marks import Marks, untelling_sentences
from harness.report.method_fronts import (
    attainment_figure,
    matched_table,
    method_fronts,
    volumes_table,
)
from harness.report.page import (
    ReportPage,
    how_to_read,
    hypervolume_note,
    importances_text,
    render_page,
    short_answers,
)
from harness.report.points import confirmed_points_of, points_of
from harness.report.scored import ScoredSweep, scored
from harness.report.table import Column, Table, to_csv, to_latex, to_markdown
from harness.statistics import pareto


@dataclass(frozen=True, slots=True)
class ReportPaths:
    """What was written.

    Attributes:
        folder: Holds all of it.
        page: The HTML page.
        markdown: All tables as one Markdown file.
        figure: The front as PNG.
        tables: CSV and LaTeX files, by table name.
    """

    folder: Path
    page: Path
    markdown: Path
    figure: Path
    tables: Mapping[str, tuple[Path, Path]]


def find_report(folder: Path) -> ReportPaths | None:
    """The report that was written to a folder before, None when there is none."""
    names = (folder / "report.html", folder / "report.md", folder / "front.png")
    if not all(path.is_file() for path in names):
        return None
    tables = {path.stem: (path, path.with_suffix(".tex")) for path in folder.glob("tables/*.csv")}
    return ReportPaths(folder, *names, tables)


def hypervolume_history(record: SweepRecord) -> tuple[float, ...]:
    """Hypervolume of the feasible trials after each trial, in the order of their numbers."""
    return pareto.hypervolume_over_trials(
        [trial.values if trial.feasible else None for trial in record.trials],
        maximize=[objective.maximize for objective in record.objectives],
        reference=[objective.reference for objective in record.objectives],
        scale=[objective.scale for objective in record.objectives],
    )


def write_report(
    record: SweepRecord,
    folder: Path,
    *,
    home: Path,
    importances: Mapping[Key, Mapping[str, float]] | None = None,
    reference: int | None = None,
    analysis: bool = False,
) -> ReportPaths:
    """Writes the report of a sweep; what was there under the same names is replaced.

    Args:
        record: The sweep.
        folder: Made if it is not there.
        home: Home folder whose store has the predictions, for the examples.
        importances: Per objective key, shares by setting; by default a forest's.
        reference: Number of the trial the others are compared with; by default the trial that
            stands for `sft`.
        analysis: Whether to add what the methods forget, how, and at what cost.
    """
    sweep = scored(record)
    folder.mkdir(parents=True, exist_ok=True)
    history = hypervolume_history(record)
    page = _page(sweep, history, folder, home, importances, reference, analysis=analysis)
    html = folder / "report.html"
    html.write_text(render_page(page), encoding="utf-8")
    files = _files(page, history)
    (folder / "tables").mkdir(exist_ok=True)
    written = {}
    for table in files:
        paths = (folder / "tables" / f"{table.name}.csv", folder / "tables" / f"{table.name}.tex")
        paths[0].write_text(to_csv(table), encoding="utf-8")
        paths[1].write_text(to_latex(table), encoding="utf-8")
        written[table.name] = paths
    markdown = folder / "report.md"
    markdown.write_text(_markdown(page, files), encoding="utf-8")
    return ReportPaths(folder, html, markdown, folder / "front.png", written)


def _page(
    sweep: ScoredSweep,
    history: Sequence[float],
    folder: Path,
    home: Path,
    importances: Mapping[Key, Mapping[str, float]] | None,
    reference: int | None,
    *,
    analysis: bool,
) -> ReportPage:
    """All that is on the page; the picture of it is written to the folder."""
    record = sweep.record
    chosen_by, on_test = points_of(sweep), confirmed_points_of(sweep)
    figure = folder / "front.png"
    write_front_png(on_test or chosen_by, figure)
    pairs = compare_trials(record, reference=reference, samples=sweep.samples)
    fronts = method_fronts(sweep)
    shares = forest_importances(record) if importances is None else importances
    num_complete = sum(trial.values is not None for trial in record.trials)
    lines = [lines_table(pairs, sweep.marks, scores=scores) for scores in (False, True)]
    return ReportPage(
        record=record,
        answer=answer_of(record, pairs, sweep.marks),
        untelling=untelling_sentences(record),
        marks=sweep.marks,
        test_figures=[] if on_test is None else front_figures(on_test),
        front_figures=front_figures(chosen_by),
        front_png=figure.read_bytes(),
        front=tables.front_table(sweep),
        trials=tables.trials_table(sweep),
        confirmed=tables.confirmed_table(sweep),
        pairs=pairs,
        overviews=_overviews(pairs, sweep.marks),
        lines=[table for table in lines if table.rows],
        matched=matched_table(sweep, fronts),
        volumes=volumes_table(sweep, fronts),
        attainment_figure=attainment_figure(sweep, fronts),
        hypervolume_figure=hypervolume_figure(record, history),
        hypervolume_note=hypervolume_note(record, history, sweep.marks),
        importances_figure=importances_figure(record, shares) if shares else None,
        importances_note=importances_text(importances is not None, num_complete),
        examples=collect_examples(record, home),
        contamination=details.contamination_table(record),
        fallbacks=fallbacks_table(record),
        analysis=analyse(record, home) if analysis else None,
        details=_details(sweep),
    )


def _overviews(pairs: Sequence[TrialPair], marks: Marks) -> list[Table]:
    """One per reference, that of the untuned model last."""
    references = list(dict.fromkeys(pair.second for pair in pairs if not pair.with_base))
    groups = {
        "comparison" + (f"_{number}" if number > 1 else ""): [
            pair for pair in pairs if pair.second == second
        ]
        for number, second in enumerate(references, start=1)
    }
    groups["comparison_base"] = [pair for pair in pairs if pair.with_base]
    overviews = [overview(group, name, marks) for name, group in groups.items()]
    return [table for table in overviews if table is not None]


def _details(sweep: ScoredSweep) -> list[Table]:
    record = sweep.record
    tables = [
        details.scores_table(sweep, Split.TEST),
        details.scores_table(sweep, Split.VALIDATION),
        details.facts_table(record),
        details.failures_table(record),
        details.unmeasured_table(record),
        details.signatures_table(record),
        details.provenance_table(record),
    ]
    return [table for table in tables if table is not None]


def _files(page: ReportPage, history: Sequence[float]) -> list[Table]:
    """Every table of the page, under a name of its own."""
    columns = (Column("trial", "text"), Column("hypervolume"))
    rows = tuple(
        (str(trial.number), volume)
        for trial, volume in zip(page.record.trials, history, strict=True)
    )
    tables = [
        page.front,
        page.trials,
        page.confirmed,
        *page.overviews,
        *page.lines,
        page.matched,
        page.volumes,
        page.contamination,
        Table("hypervolume", "Hypervolume over trials", columns, rows),
        page.fallbacks,
        *(page.analysis.tables if page.analysis is not None else ()),
        *page.details,
    ]
    return [table for table in tables if table is not None]


def _markdown(page: ReportPage, files: list[Table]) -> str:
    short = "\n".join(f"- {sentence}" for sentence in short_answers(page))
    reading = "\n".join(f"- {sentence}" for sentence in how_to_read(page.record))
    parts = [
        f"# {page.record.name}\n\n{page.record.question}\n\n**{page.answer.sentence}**\n",
        f"{short}\n\n![The objectives of the trials](front.png)\n",
        *[to_markdown(table) for table in files],
        f"## How to read the figures\n\n{reading}\n",
    ]
    return "\n".join(parts)
