"""``harness score``: stored predictions, ours or any other system's."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output

if TYPE_CHECKING:
    from harness.evaluation.score_file import FileScores
    from harness.models.thoughts import Thoughts
    from harness.records import JSON


@click.command(
    "score",
    cls=options.SeveralValues,
    several="--metric",
    word=r"[a-z][a-z0-9_]*",
    epilog=options.examples(
        "harness score wmt22.jsonl --metric bleu chrf",
        "harness score predictions.jsonl --metric refusal --items items.jsonl --json",
        "harness score out.de --reference ref.de --target-lang de --metric bleu chrf",
        "harness score wmt22.jsonl --metric comet --comet-model models/wmt22-comet-da",
        "harness score mt_bench.jsonl --metric judge_grade \\",
        "  --set 'judge_grade.server={url: http://localhost:8000/v1, model: NAME}'",
    ),
)
@click.argument("file", type=options.FILE, metavar="FILE")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    required=True,
    metavar="NAME...",
    help="What to compute; several names may follow. `harness list metrics` shows all.",
)
@options.outputs
@click.option(
    "--items",
    type=options.FILE,
    metavar="OUT.jsonl",
    help="Write what each item scored: its id and, per metric, value or class.",
)
@click.option(
    "--judgements",
    type=options.FILE,
    metavar="OUT.jsonl",
    help="Write all that a judge said, for metrics that ask one.",
)
@options.home
@options.as_json
@options.verbosity
def command(
    file: Path,
    metrics: tuple[str, ...],
    settings: "tuple[tuple[str, JSON], ...]",
    thoughts: "Thoughts",
    comet_model: str | None,
    comet_python: str | None,
    source_lang: str | None,
    target_lang: str | None,
    references: tuple[Path, ...],
    source: Path | None,
    items: Path | None,
    judgements: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """Score stored predictions, ours or any other system's.

    FILE has one JSON object a line: `id` and `output` (all the model said), and as far as a
    metric needs them `answer` (what was extracted of the output, by default all but thoughts),
    `prompt`, `source`, `references` (a list), `target`, `language`, `source_lang`, `target_lang`,
    `choices`. Each score is printed with its 95 % interval over items, their number and its
    signature: only scores of equal signature compare. What a judge said is kept in the home folder
    and never asked for again.
    """
    from harness.evaluation.score_file import OutputReading, Scoring
    from harness.metrics.judging.client import JUDGEMENTS_FOLDER, JudgeClient
    from harness.models.metricx import MetricX
    from harness.processes.comet_client import CometClient
    from harness.protocols import Services
    from harness.storage.files import write_rows

    if comet_model is not None:
        settings = (*settings, ("comet.model", comet_model))
    with CometClient(comet_python) as learned:
        judge = JudgeClient(home / JUDGEMENTS_FOLDER)
        services = Services(learned=learned, judge=judge, metricx=MetricX())
        scoring = Scoring(metrics, settings, services)
        reading = OutputReading(source_lang, target_lang, references, source, thoughts)
        scores = scoring.score(file, reading.rows(file))
    if items is not None:
        write_rows(items, scores.items())
    if judgements is not None:
        write_rows(judgements, scores.judgements)
    if as_json:
        output.print_json({"scores": [_plain(name, scores) for name in scores.by_metric]})
    else:
        _print_scores(scores)


def _plain(name: str, scores: "FileScores") -> "JSON":
    score = scores.by_metric[name]
    low, high = scores.intervals[name] or (None, None)
    return {
        "metric": name,
        "value": score.value,
        "low": low,
        "high": high,
        "items": len(score.ids),
        "signature": score.signature,
        **({"facts": dict(score.facts)} if score.facts else {}),
    }


def _print_scores(scores: "FileScores") -> None:
    shown = ("value", "95 % interval", "items")
    table = output.table(None, "metric", *shown, "signature", right=shown)
    for name, score in scores.by_metric.items():
        table.add_row(
            name,
            output.number(score.value),
            " ".join(map(output.number, scores.intervals[name] or (None,))),
            f"{len(score.ids):,}",
            output.plain(score.signature),
        )
    output.print_table(table)
    for name, score in scores.by_metric.items():
        if score.facts:
            click.echo(f"{name}: {output.facts(score.facts)}")
