"""The command line: assembles the commands, each of which is a file of this folder.

Only the command asked for does any work; none imports torch, MLflow, Optuna or transformers before
its specifications are parsed.
"""

import importlib
import os

import click

from harness.cli.failures import reported
from harness.cli.logs import configure_logging

# Pydantic looks for plug-ins in the metadata of every installed package: 70 ms, and we have none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

COMMANDS = (
    "sweep",
    "run",
    "evaluate",
    "export",
    "archive",
    "score",
    "compare",
    "plan",
    "report",
    "check",
    "data",
    "list",
    "doctor",
    "clean",
    "ui",
)

EXIT_CODES = """\b
Exit codes:
  0    done
  1    the answer is no (check: regression; doctor: something is missing)
  2    you can mend it: configuration, data, a missing dependency
  3    a trial or an evaluation failed
  4    check cannot decide
  130  interrupted; whatever finished is kept

\b
Example:
  harness sweep sweeps/pocket.yaml --workers 2"""


class CommandFolder(click.Group):
    """The commands, imported by name when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the flow, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The ``command`` of the file of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"harness.cli.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuses an unknown command with the nearest that exists."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command; failures become messages and exit codes."""
        with reported():
            return super().invoke(ctx)


@click.command(
    cls=CommandFolder,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog=EXIT_CODES,
)
@click.version_option(package_name="mt-tuning-harness", prog_name="harness")
def main() -> None:
    """Find the fine-tuning method and settings that buy the most translation.

    Sweeps over methods (RaDis and its rivals), loss weights and LoRA settings; scores translation,
    general ability and safety; logs all of it to MLflow; draws the Pareto front; guards the scores
    in CI.
    """
    configure_logging()


if __name__ == "__main__":
    main()
