"""``harness doctor``: what works on this machine and what to do about the rest."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output
from harness.errors import EXIT_DONE, EXIT_NO

if TYPE_CHECKING:
    from harness.doctor import Check

MARKS = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "missing": "[bold red]missing[/]"}


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
    from harness.doctor import examine

    checks = examine(home, tracking_uri)
    healthy = all(check.state != "missing" for check in checks)
    if as_json:
        output.print_json({"healthy": healthy, "checks": [_plain(check) for check in checks]})
    else:
        _print_checks(checks)
    ctx.exit(EXIT_DONE if healthy else EXIT_NO)


def _plain(check: "Check") -> dict[str, str | None]:
    return {
        "name": check.name,
        "state": check.state,
        "found": check.found,
        "remedy": check.remedy,
    }


def _print_checks(checks: "tuple[Check, ...]") -> None:
    table = output.table(None, "check", "state", "found")
    for check in checks:
        table.add_row(check.name, MARKS[check.state], output.plain(check.found))
    output.print_table(table)
    for check in checks:
        if check.remedy:
            click.echo(output.paragraphs(f"- {check.name}: {check.remedy}"))
    if any(check.state == "missing" for check in checks):
        click.echo("\nSomething required is missing.")
    else:
        click.echo("\nNothing required is missing.")
