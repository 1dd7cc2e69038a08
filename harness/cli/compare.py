"""``harness compare``: systems beside each other, and whether their difference is real."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import compared, options, output
from harness.storage.files import write_whole

if TYPE_CHECKING:
    from harness.evaluation.score_file import OutputReading
    from harness.models.thoughts import Thoughts
    from harness.records import JSON
    from harness.statistics.samples import System

RESULTS, PREDICTIONS = ".json", ".jsonl"
"""What a results file and a predictions file (or that and .gz) end in; all else is plain text."""


@click.command(
    "compare",
    cls=options.SeveralValues,
    several="--metric",
    word=r"[a-z][\w-]*(/[\w-]+)*",
    epilog=options.examples(
        "harness compare ours.de theirs.de --reference ref.de --metric bleu chrf",
        "harness compare a.jsonl b.jsonl base.jsonl --metric comet --comet-model DIR",
        "harness compare a.jsonl b.jsonl --metric chrf --cluster document",
        "harness compare tuned.json base.json --metric chrf --margin chrf=0.5",
        "harness compare sweep:methods:3 sweep:methods:0 --json",
    ),
)
@click.argument("systems", nargs=-1, required=True, metavar="FIRST SECOND...")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME...",
    help="What to compare by; several names may follow. Of results also axes and whole keys "
    "(suite/benchmark/metric).  [default: of results the summaries and each benchmark's first "
    "metric]",
)
@click.option(
    "--margin",
    "margins",
    multiple=True,
    metavar="METRIC=X",
    callback=options.parse_amounts,
    help="What is too small to matter, in the metric's units; of summaries by axis. Repeatable.  "
    "[default: bleu, chrf, chrf_pp 0.5, comet 0.005, each axis 0.02]",
)
@options.outputs
@click.option(
    "--cluster",
    metavar="FIELD",
    help="Field of the rows that items share which are no independent draws (document, entity); "
    "results say it themselves.",
)
@click.option("--markdown", type=options.FILE, metavar="FILE", help="Also write Markdown.")
@click.option("--latex", type=options.FILE, metavar="FILE", help="Also write LaTeX.")
@options.home
@options.tracking_uri
@options.storage
@options.as_json
@options.verbosity
def command(
    systems: tuple[str, ...],
    metrics: tuple[str, ...],
    margins: dict[str, float],
    settings: "tuple[tuple[str, JSON], ...]",
    references: tuple[Path, ...],
    source: Path | None,
    cluster: str | None,
    source_lang: str | None,
    target_lang: str | None,
    thoughts: "Thoughts",
    comet_model: str | None,
    comet_python: str | None,
    markdown: Path | None,
    latex: Path | None,
    home: Path,
    tracking_uri: str | None,
    storage: str | None,
    as_json: bool,
) -> None:
    """Compare systems, each with the last, on the same items.

    A system is a predictions file (.jsonl, as `harness score` reads), plain text beside
    --reference, a results file (.json), run:ID (a run in MLflow) or sweep:NAME:NUMBER (a trial;
    sweep:NAME is the front's best). Outputs and results of an untuned model are fixed: their items
    decide. Trained runs are judged over items and seeds; of one seed nothing is decided.

    The decision is about the first: better or worse (two-sided p at most .05), equivalent (shown
    to be within the margin), not_worse (than it), else undecided. It follows the p-value of each
    comparison alone; p (Holm) is adjusted for all that are made.
    """
    from harness.evaluation.score_file import OutputReading
    from harness.statistics.margins import DEFAULT_MARGINS
    from harness.statistics.samples import compare_with_last

    if len(systems) < 2:
        raise click.UsageError("found one system, allowed two or more")
    if comet_model is not None:
        settings = (*settings, ("comet.model", comet_model))
    _check_names(metrics, margins)
    if _are_results(systems):
        _refuse_for_results(set=settings, reference=references, source=source, cluster=cluster)
        read = _read_results(systems, metrics, home, tracking_uri, storage)
    else:
        reading = OutputReading(source_lang, target_lang, references, source, thoughts)
        _check_outputs(systems, metrics, reading)
        read = _read_outputs(systems, metrics, settings, reading, cluster, home, comet_python)
    lines, left_out = compare_with_last(read, {**DEFAULT_MARGINS, **margins})
    if as_json:
        output.print_json({"comparisons": [compared.as_plain(line) for line in lines]})
    else:
        compared.show(lines, read, left_out)
    if markdown is not None or latex is not None:
        from harness.report.table import to_latex, to_markdown

        for path, writer in ((markdown, to_markdown), (latex, to_latex)):
            if path is not None:
                write_whole(path, writer(compared.as_table(lines)))


def _are_results(systems: Sequence[str]) -> bool:
    """Whether they are results of runs; a ConfigError where some are and some are outputs."""
    from harness.errors import ConfigError

    results = [name for name in systems if _is_results(name)]
    outputs = [name for name in systems if not _is_results(name)]
    if results and outputs:
        raise ConfigError(
            f"found results ({', '.join(results)}) beside outputs ({', '.join(outputs)}), allowed "
            "one kind: they have no score in common"
        )
    return bool(results)


def _is_results(name: str) -> bool:
    return name.startswith(("run:", "sweep:")) or name.endswith(RESULTS)


def _is_predictions(name: str) -> bool:
    return name.removesuffix(".gz").endswith(PREDICTIONS)


def _check_names(metrics: Sequence[str], margins: Mapping[str, float]) -> None:
    """Refuses margins of what is neither metric nor axis, nor a key that is compared."""
    from harness.errors import ConfigError
    from harness.statistics.margins import unknown_yardsticks

    faults = [
        f"--margin {name}: {text}"
        for name, text in unknown_yardsticks(margins)
        if name not in metrics
    ]
    if faults:
        raise ConfigError("\n".join(faults))


def _refuse_for_results(**options: object) -> None:
    from harness.errors import ConfigError

    if given := [f"--{name.replace('_', '-')}" for name, value in options.items() if value]:
        raise ConfigError(
            f"{', '.join(given)}: goes with outputs that are scored, not with results, which are"
        )


def _check_outputs(
    systems: Sequence[str], metrics: Sequence[str], reading: "OutputReading"
) -> None:
    """Sees to it that all are predictions or all plain text, and that a metric is named."""
    from harness.errors import ConfigError

    if not metrics:
        raise ConfigError(
            f"{systems[0]}: outputs are scored, and no metric is named", "--metric bleu chrf"
        )
    predictions = [name for name in systems if _is_predictions(name)]
    plain = [name for name in systems if not _is_predictions(name)]
    if predictions and reading.is_plain_text:
        raise ConfigError(
            f"found {', '.join(predictions)} beside --reference or --source, allowed there: plain "
            "text, an output a line; predictions (.jsonl) have references and sources themselves"
        )
    if plain and not reading.is_plain_text:
        raise ConfigError(
            f"{', '.join(plain)}: found neither .jsonl (predictions) nor .json (results); plain "
            "text goes with --reference or --source",
            "--reference REF.txt",
        )


def _read_outputs(
    names: Sequence[str],
    metrics: Sequence[str],
    settings: "Sequence[tuple[str, JSON]]",
    reading: "OutputReading",
    cluster: str | None,
    home: Path,
    comet_python: str | None,
) -> "list[System]":
    """The systems of outputs, scored."""
    from harness.evaluation.score_file import Scoring
    from harness.evaluation.systems import systems_of_files
    from harness.metrics.judging.client import JUDGEMENTS_FOLDER, JudgeClient
    from harness.models.metricx import MetricX
    from harness.processes.comet_client import CometClient
    from harness.protocols import Services

    with CometClient(comet_python) as learned:
        judge = JudgeClient(home / JUDGEMENTS_FOLDER)
        services = Services(learned=learned, judge=judge, metricx=MetricX())
        scoring = Scoring(metrics, settings, services)
        return systems_of_files([Path(name) for name in names], reading, scoring, cluster)


def _read_results(
    names: Sequence[str],
    metrics: Sequence[str],
    home: Path,
    tracking_uri: str | None,
    storage: str | None,
) -> "list[System]":
    """The systems of results; all that is wrong with any of them at once."""
    from harness.cli.candidates import read_candidate
    from harness.errors import ConfigError, DataError, raise_all
    from harness.evaluation.systems import system_of_results

    systems: list[System] = []
    faults: list[ConfigError | DataError] = []
    for name in names:
        try:
            read = read_candidate(name, home=home, tracking_uri=tracking_uri, storage=storage)
            systems.append(system_of_results(read.name, read.results, metrics, read.said))
        except (ConfigError, DataError) as error:
            faults.append(error)
    raise_all(faults)
    return systems
