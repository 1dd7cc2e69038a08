"""A single run from its configuration to its scores on the screen: ``run`` and ``evaluate``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import output
from harness.cli.logs import is_quiet
from harness.records import Split, SummaryKey

if TYPE_CHECKING:
    from harness.cli.options import RunOptions
    from harness.records import JSON, Key, ScoreKey, TrialResult
    from harness.tracking.tracked_run import Tracked
    from harness.trial.config import TrialConfig


INTERVALS = (
    "±: half of the 95 % interval over items (their number in brackets), the model being as it is: "
    "another seed of a training is not in it."
)


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

    intervals = item_intervals(result)
    for suite in dict.fromkeys(key.suite for key in result.scores):
        table = output.table(suite, "benchmark", "metric", *Split, right=tuple(Split))
        for (name, metric), keys in _rows(result, suite).items():
            cells = (_measured(result, keys.get(split), intervals) for split in Split)
            table.add_row(name, metric, *cells)
        summaries = [SummaryKey(suite, split) for split in Split]
        if any(key in result.summaries for key in summaries):
            table.add_section()
            cells = (_measured(result, key, intervals) for key in summaries)
            table.add_row("summary", "0..1, more is better", *cells)
        output.print_table(table)
    if any(bounds is not None for bounds in intervals.values()):
        click.echo(output.paragraphs(INTERVALS))
    for key, score in result.scores.items():
        if score.facts:
            click.echo(output.paragraphs(f"- {key}: {output.facts(score.facts)}"))
    for benchmark, shares in overlap_shares(result.facts).items():
        text = f"{shares['exact']:.1%} of its items are in the training text"
        click.echo(output.paragraphs(f"- {benchmark}: {text}, {shares['near']:.1%} more nearly so"))
    for lacking, reason in result.unmeasured.items():
        click.echo(output.paragraphs(f"- not measured: {lacking}: {reason}"))


def item_intervals(result: "TrialResult") -> "dict[Key, tuple[float, float] | None]":
    """By score and summary the 95 % interval over items, the model being as it is."""
    from harness.statistics.comparing import interval
    from harness.statistics.samples import Samples

    samples = Samples()
    keys: list[Key] = [*result.scores, *result.summaries]
    measured = {key: samples.of_runs((result,), key) for key in keys}
    return {
        key: None if each is None or each.sample is None else interval(each.sample)
        for key, each in measured.items()
    }


def _num_items(result: "TrialResult", key: "Key") -> int:
    """Items of a score, or of all benchmarks of a summary."""
    if isinstance(key, SummaryKey):
        parts = result.summary_parts.get(key, ())
        return sum(len(ids) for ids in {result.scores[part.key].ids for part in parts})
    return len(result.scores[key].ids)


def _measured(
    result: "TrialResult",
    key: "Key | None",
    intervals: "Mapping[Key, tuple[float, float] | None]",
) -> str:
    value = None if key is None else result.value_of(key)
    if key is None or value is None:
        return output.number(None)
    return output.measured(value, intervals[key], _num_items(result, key))


def _rows(result: "TrialResult", suite: str) -> "dict[tuple[str, str], dict[Split, ScoreKey]]":
    rows: dict[tuple[str, str], dict[Split, ScoreKey]] = {}
    for key in sorted(result.scores, key=str):
        if key.suite == suite:
            rows.setdefault((key.stem, key.metric), {})[key.split] = key
    return rows


def _plain(done: "Tracked", home: Path) -> "JSON":
    result = done.result
    intervals = item_intervals(result)
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
                **_bounds(intervals[key]),
                "items": len(result.scores[key].ids),
                "higher_is_better": result.scores[key].higher_is_better,
                "signature": result.scores[key].signature,
            }
            for key in sorted(result.scores, key=str)
        },
        "summaries": {str(key): value for key, value in result.summaries.items()},
        "summary_intervals": {
            str(key): _bounds(intervals[key]) | {"items": _num_items(result, key)}
            for key in result.summaries
        },
        "unmeasured": {str(key): reason for key, reason in result.unmeasured.items()},
        "facts": dict(result.facts),
        "predictions": {
            benchmark: str(home / "store" / stage / key / "predictions.jsonl")
            for stage, _, benchmark, key in stages
            if stage == "predictions"
        },
    }


def _bounds(interval: tuple[float, float] | None) -> "dict[str, float | None]":
    low, high = interval or (None, None)
    return {"low": low, "high": high}
