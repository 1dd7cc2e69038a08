"""A single run from its configuration to its scores on the screen: ``run`` and ``evaluate``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import output
from harness.cli.logs import is_quiet
from harness.records import Split, SummaryKey

if TYPE_CHECKING:
    from harness.cli.options import RunOptions
    from harness.records import JSON, TrialResult
    from harness.tracking.tracked_run import Tracked
    from harness.trial.config import TrialConfig


def execute(config: "TrialConfig", run: "RunOptions") -> None:
    """Checks, runs, records, writes the results file and shows the scores."""
    from harness.trial.preflight import preflight

    preflight(config, run.home)
    from harness.cli.progress import RunProgress
    from harness.processes.comet_client import CometClient
    from harness.storage.results import write_results
    from harness.tracking.tracked_run import run_tracked
    from harness.tracking.tracker import MlflowTracker

    tracker = MlflowTracker(run.tracking_uri) if run.is_tracked else None
    with (
        CometClient(config.eval.comet_python, release=config.eval.comet_release) as learned,
        RunProgress(quiet=is_quiet()) as progress,
    ):
        done = run_tracked(
            config, home=run.home, tracker=tracker, on_event=progress, learned=learned
        )
    if run.results is not None:
        write_results(run.results, [done.result])
    if run.as_json:
        output.print_json(_plain(done, run.home))
        return
    print_scores(done.result)
    if run.results is not None:
        click.echo(f"results    {run.results}")
    if tracker is not None:
        click.echo(f"MLflow     run {done.run_id} in {tracker.uri} (`harness ui` shows it)")


def print_scores(result: "TrialResult") -> None:
    """A table per suite, validation and test side by side; then what to know beside them."""
    from harness.data.contamination import overlap_shares

    for suite in dict.fromkeys(key.suite for key in result.scores):
        table = output.table(suite, "benchmark", "metric", *Split, right=tuple(Split))
        for (name, metric), values in _rows(result, suite).items():
            table.add_row(name, metric, *(output.number(values.get(split)) for split in Split))
        summaries = [result.summaries.get(SummaryKey(suite, split)) for split in Split]
        if any(value is not None for value in summaries):
            table.add_section()
            table.add_row("summary", "0..1, more is better", *map(output.number, summaries))
        output.print_table(table)
    for key, score in result.scores.items():
        if score.facts:
            click.echo(output.paragraphs(f"- {key}: {output.facts(score.facts)}"))
    for benchmark, shares in overlap_shares(result.facts).items():
        text = f"{shares['exact']:.1%} of its items are in the training text"
        click.echo(output.paragraphs(f"- {benchmark}: {text}, {shares['near']:.1%} more nearly so"))
    for lacking, reason in result.unmeasured.items():
        click.echo(output.paragraphs(f"- not measured: {lacking}: {reason}"))


def _rows(result: "TrialResult", suite: str) -> dict[tuple[str, str], dict[Split, float]]:
    rows: dict[tuple[str, str], dict[Split, float]] = {}
    for key in sorted(result.scores, key=str):
        if key.suite == suite:
            rows.setdefault((key.stem, key.metric), {})[key.split] = result.scores[key].value
    return rows


def _plain(done: "Tracked", home: Path) -> "JSON":
    result = done.result
    stages = [(*name.partition("/"), key) for name, key in result.stages.items()]
    return {
        "name": result.name,
        "variant": result.variant,
        "seed": result.seed,
        "fingerprint": result.fingerprint,
        "run_id": done.run_id,
        "scores": {
            str(key): {
                "value": result.scores[key].value,
                "items": len(result.scores[key].ids),
                "higher_is_better": result.scores[key].higher_is_better,
                "signature": result.scores[key].signature,
            }
            for key in sorted(result.scores, key=str)
        },
        "summaries": {str(key): value for key, value in result.summaries.items()},
        "unmeasured": {str(key): reason for key, reason in result.unmeasured.items()},
        "facts": dict(result.facts),
        "predictions": {
            benchmark: str(home / "store" / stage / key / "predictions.jsonl")
            for stage, _, benchmark, key in stages
            if stage == "predictions"
        },
    }
