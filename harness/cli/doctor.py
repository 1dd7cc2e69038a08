"""``harness doctor``: what works on this machine and what to do about the rest."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output
from harness.errors import EXIT_DONE, EXIT_NO

if TYPE_CHECKING:
    from harness.doctor.finding import Check

COLORS = {"ok": "green", "note": "yellow", "missing": "red"}
INDENT = 23


@click.command(
    "doctor",
    epilog=options.examples("harness doctor", "harness doctor --json"),
)
@options.home
@options.tracking_uri
@options.as_json
@options.verbosity
@click.pass_context
def command(ctx: click.Context, home: Path, tracking_uri: str | None, as_json: bool) -> None:
    """Say what works on this machine and what to do about the rest.

    Looks at Python, the libraries, the COMET environment (its worker is started), the pocket
    testbed's files, the benchmarks, the processors, the GPU, the disk and the MLflow store. Exits
    with 1 when something required is missing; a note is no failure.
    """
    from harness.doctor.examine import examine

    checks = []
    for check in examine(home, tracking_uri):
        checks.append(check)
        if not as_json:
            _print_check(check)
    healthy = all(check.state != "missing" for check in checks)
    if as_json:
        output.print_json({"healthy": healthy, "checks": [_plain(check) for check in checks]})
    else:
        click.echo(f"\n{'Nothing' if healthy else 'Something'} required is missing.")
    ctx.exit(EXIT_DONE if healthy else EXIT_NO)


def _plain(check: "Check") -> dict[str, str | None]:
    return {
        "name": check.name,
        "state": check.state,
        "found": check.found,
        "remedy": check.remedy,
    }


def _print_check(check: "Check") -> None:
    state = click.style(f"{check.state:<8}", fg=COLORS[check.state])
    found = output.paragraphs(check.found, indent=INDENT).lstrip()
    click.echo(f"{check.name:<13} {state} {found}")
    if check.remedy:
        click.echo(output.paragraphs(f"- {check.remedy}", indent=INDENT).replace("- ", "→ ", 1))
