"""``harness report``: the Pareto front, tables and figures of a sweep."""

from pathlib import Path

import click

from harness.cli import options, output


@click.command(
    "report",
    epilog=options.examples(
        "harness report pocket",
        "harness report pocket --analysis",
        "harness report sweeps/pocket.yaml --output reports/pocket",
    ),
)
@click.argument("sweep", metavar="SWEEP")
@click.option(
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder to write to.  [default: HOME/sweeps/NAME/report]",
)
@click.option(
    "--analysis",
    is_flag=True,
    help="Also analyse the trial that stands for each method: drift from the untuned model over "
    "training, which skills go first, gradients, layers, fallbacks, costs.",
)
@options.home
@options.storage
@options.as_json
@options.verbosity
def command(
    sweep: str,
    folder: Path | None,
    analysis: bool,
    home: Path,
    storage: str | None,
    as_json: bool,
) -> None:
    """Write the report of a sweep: HTML, Markdown, LaTeX, CSV and PNG.

    SWEEP is the name of a sweep that was run in this home folder, or its YAML file. The HTML page
    is one file and needs no network. A sweep that is still running is reported as far as it is.
    What --analysis draws over training is measured where the sweep's base sets train.drift_points
    and train.gradient_cosine_points.
    """
    name = _name_of(sweep)
    from harness.cli.fronts import plain_answer, plain_paths, print_front, print_paths
    from harness.report.build import write_report
    from harness.sweep.record import load_sweep, sweep_folder

    record = load_sweep(home, name, storage)
    folder = folder or sweep_folder(home, name) / "report"
    paths = write_report(record, folder, home=home, analysis=analysis)
    if as_json:
        plain = plain_answer(record)
        output.print_json(
            {"sweep": name, "front": list(record.front), **plain, "report": plain_paths(paths)}
        )
    else:
        print_front(record)
        print_paths(paths)


def _name_of(sweep: str) -> str:
    if not sweep.endswith((".yaml", ".yml")):
        return sweep
    from harness.sweep.spec import load_sweep_spec

    return load_sweep_spec(Path(sweep)).name
