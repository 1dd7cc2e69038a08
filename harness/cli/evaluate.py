"""``harness evaluate``: score any model or adapter, no training."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options
from harness.errors import ConfigError

if TYPE_CHECKING:
    from harness.cli.options import Overrides
    from harness.records import JSON
    from harness.trial.config import TrialConfig


@click.command(
    "evaluate",
    epilog=options.examples(
        "harness evaluate models/llama-3.2-1b-instruct --suite pocket_general",
        "harness evaluate models/base --adapter models/tuned --split test --json",
        "harness evaluate models/base --set eval.metrics.comet.model=models/comet",
    ),
)
@click.argument("model", metavar="MODEL")
@click.option("--adapter", metavar="DIR", help="PEFT adapter to put on the model.")
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="NAME",
    show_default="all of which any data are here",
    help="A suite or a benchmark (`suite/name`, with * for any characters). Repeatable.",
)
@options.benchmarks
@click.option(
    "--split",
    "splits",
    type=click.Choice(("validation", "test")),
    multiple=True,
    default=("validation", "test"),
    help="Which benchmarks; repeatable.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many items of each.")
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=64, help="Items generated together."
)
@click.option(
    "--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", help="Where it runs."
)
@click.option(
    "--dtype",
    type=click.Choice(("float32", "bfloat16")),
    default="float32",
    help="Precision of the weights.",
)
@options.run_options(options.results, options.tracked, options.tracking_uri)
def command(
    model: str,
    adapter: str | None,
    suites: tuple[str, ...],
    folders: tuple[str, ...],
    splits: tuple[str, ...],
    limit: int | None,
    batch_size: int,
    device: str,
    dtype: str,
    run: options.RunOptions,
) -> None:
    """Score a chat model as it is, with or without an adapter.

    MODEL is a Hugging Face model folder (safetensors, tokenizer, chat template) or a hub id. What
    the home folder has of its predictions is used. --set takes the settings of a trial's `model`
    and `eval` parts.
    """
    plain: dict[str, Any] = {
        "name": "evaluate",
        "seed": 0,
        "model": {"path": model, "adapter": adapter, "device": device, "dtype": dtype},
        "variant": {"name": "base"},
        "eval": {
            "folder": folders,
            "suites": suites or _all(folders, dict(run.overrides).get("eval.data")),
            "splits": splits,
            "limit": limit,
            "batch_size": batch_size,
        },
    }
    config = _configuration(plain, run.overrides)
    from harness.cli.trials import execute

    execute(config, run)


def _configuration(plain: dict[str, Any], overrides: "Overrides") -> "TrialConfig":
    from harness.settings.spec import validate
    from harness.trial.config import TrialConfig

    for path, _ in overrides:
        if path.partition(".")[0] not in ("model", "eval", "name"):
            raise ConfigError(f"--set {path}: allowed are paths in model and eval, and name")
    return validate(TrialConfig, plain, "evaluate", overrides)


def _all(folders: tuple[str, ...], data: "JSON") -> tuple[str, ...]:
    """The suites of which anything can be scored on this machine."""
    from harness.benchmarks.read import known_suites, select
    from harness.benchmarks.spec import EvalSpec

    if not known_suites([Path(folder) for folder in folders]):
        raise ConfigError(
            f"--benchmarks {', '.join(folders)}: no suites there, allowed a folder of "
            "<suite>/<name>.yaml"
        )
    selection = select(EvalSpec(folder=folders, suites=("*",), data=data))
    return tuple(sorted({benchmark.suite for benchmark in selection.benchmarks}))
