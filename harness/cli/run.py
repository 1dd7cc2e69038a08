"""``harness run``: one trial."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options

if TYPE_CHECKING:
    from harness.records import JSON


@click.command(
    "run",
    epilog=options.examples(
        "harness run sweeps/trials/radis.yaml --output results.json",
        "harness run trial.yaml --set variant.rationale_weight=0.5 --set seed=2",
    ),
)
@click.argument("file", type=options.FILE, metavar="TRIAL.yaml")
@options.overrides
@options.results
@options.tracked
@options.tracking_uri
@options.home
@options.as_json
@options.verbosity
def command(
    file: Path,
    overrides: "tuple[tuple[str, JSON], ...]",
    results: Path | None,
    is_tracked: bool,
    tracking_uri: str | None,
    home: Path,
    as_json: bool,
) -> None:
    """Train one configuration with its seed and score it.

    What the home folder has already (rationales, adapter, predictions, scores) is used, so the
    same command again is done in seconds. The run is recorded in MLflow, in the experiment named
    like the trial.
    """
    from harness.trial.config import load_trial

    config = load_trial(file, overrides)
    from harness.cli.trials import execute

    execute(
        config,
        home=home,
        tracking_uri=tracking_uri,
        is_tracked=is_tracked,
        results=results,
        as_json=as_json,
    )
