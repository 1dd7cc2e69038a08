"""``harness run``: one trial."""

from pathlib import Path

import click

from harness.cli import options


@click.command(
    "run",
    epilog=options.examples(
        "harness run sweeps/trials/radis.yaml --output results.json",
        "harness run trial.yaml --set variant.rationale_weight=0.5 --set seed=2",
    ),
)
@click.argument("file", type=options.FILE, metavar="TRIAL.yaml")
@options.run_options(options.results, options.tracked, options.tracking_uri)
def command(file: Path, run: options.RunOptions) -> None:
    """Train one configuration with its seed and score it.

    What the home folder has already (rationales, adapter, predictions, scores) is used, so the
    same command again is done in seconds. The run is recorded in MLflow, in the experiment named
    like the trial.
    """
    from harness.trial.config import load_trial

    config = load_trial(file, run.overrides)
    from harness.cli.trials import execute

    execute(config, run)
