"""``harness export``: a tuned model as a folder of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from harness.cli import options, output
from harness.cli.logs import is_quiet
from harness.errors import ConfigError

if TYPE_CHECKING:
    from harness.models.export import Dtype, Exported
    from harness.trial.config import TrialConfig


@click.command(
    "export",
    epilog=options.examples(
        "harness export runs/adapter --model models/base --output models/tuned",
        "harness export sweeps/trials/wise.yaml --output models/tuned",
        "harness export sweep:pocket:7 --output models/tuned --dtype bfloat16",
    ),
)
@click.argument("tuned", metavar="ADAPTER")
@click.option("--model", metavar="MODEL", help="The base model, where ADAPTER is a folder.")
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    required=True,
    help="Folder to write; must not be there yet, or be empty.",
)
@click.option(
    "--dtype",
    type=click.Choice(("float32", "bfloat16", "float16")),
    show_default="that of the base model's files",
    help="Precision of the weights written.",
)
@click.option(
    "--tolerance",
    type=options.AMOUNT,
    default=1e-3,
    help="Largest difference of a logit, merged against adapted, to accept.",
)
@click.option(
    "--device",
    type=click.Choice(("auto", "cpu", "cuda")),
    show_default="auto",
    help="Where it runs; a trial says so itself.",
)
@options.run_options(options.storage)
def command(
    tuned: str,
    model: str | None,
    folder: Path,
    dtype: "Dtype | None",
    tolerance: float,
    device: Literal["auto", "cpu", "cuda"] | None,
    run: options.RunOptions,
) -> None:
    """Merge an adapter into its base model and write a model folder.

    ADAPTER is a folder PEFT saved (then --model names its base), a trial's YAML file, or
    sweep:NAME (of its front the member with the largest sum of its objectives, each divided by its
    scale) or sweep:NAME:NUMBER: of a sweep's trial the first run, a confirmed one where it has
    some. The adapter of a trial is found in the home folder, or trained; --set changes its
    settings.

    The sum is made in float32, and the merged model must say on a few prompts what the adapted one
    says; if a logit differs by more than the tolerance nothing is written and the command exits
    with 3. Tokenizer, chat template and licence are copied; RECIPE.json says where it came from.
    """
    if _names_a_trial(tuned):
        for option, value, path in (("model", model, "path"), ("device", device, "device")):
            if value is not None:
                raise ConfigError(
                    f"--{option}: a trial has its own; allowed: --set model.{path}=..."
                )
        config, source = _configuration(tuned, run)
        from harness.cli.progress import RunProgress
        from harness.trial.export import export_trial

        with RunProgress(quiet=is_quiet()) as progress:
            exported = export_trial(
                config,
                folder,
                home=run.home,
                dtype=dtype,
                tolerance=tolerance,
                on_event=progress,
            )
    else:
        if model is None:
            raise ConfigError("--model: missing, and an adapter folder does not hold its base")
        if run.overrides:
            raise ConfigError("--set: an adapter folder has no settings; allowed for a trial")
        from harness.models.export import export
        from harness.models.spec import ModelSpec

        source = tuned
        spec = ModelSpec(path=model, device=device or "auto")
        exported = export(spec, Path(tuned), folder, dtype=dtype, tolerance=tolerance)
    _show(exported, source, run.as_json)


def _names_a_trial(tuned: str) -> bool:
    return tuned.endswith((".yaml", ".yml")) or tuned.startswith("sweep:")


def _configuration(tuned: str, run: options.RunOptions) -> "tuple[TrialConfig, str]":
    """The trial of a file, or the first run of a sweep's; and what names it for certain."""
    from harness.trial.config import TrialConfig, load_trial

    if not tuned.startswith("sweep:"):
        return load_trial(Path(tuned), run.overrides), tuned
    from harness.cli.candidates import read_candidate
    from harness.settings.spec import validate

    named = read_candidate(tuned, home=run.home, tracking_uri=None, storage=run.storage)
    return validate(TrialConfig, named.results[0].config, tuned, run.overrides), named.name


def _show(written: "Exported", source: str, as_json: bool) -> None:
    if as_json:
        output.print_json(
            {
                "source": source,
                "folder": str(written.folder),
                "dtype": written.dtype,
                "parameters": written.num_parameters,
                "positions": written.num_positions,
                "largest_difference": written.difference,
                "largest_difference_rounded": written.rounding,
                "tolerance": written.tolerance,
            }
        )
        return
    click.echo(
        f"model      {written.folder} ({written.num_parameters:,} parameters, {written.dtype})"
    )
    click.echo(
        f"checked    {written.num_positions} positions: logits differ from the adapter's by at "
        f"most {written.difference:.2g} (allowed {written.tolerance:g})"
    )
    if written.dtype != "float32":
        click.echo(
            f"rounding   the weights to {written.dtype} moves logits by up to "
            f"{written.rounding:.2g}"
        )
