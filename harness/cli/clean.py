"""``harness clean``: what the store holds and what can go."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output
from harness.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.records import JSON
    from harness.storage.clean import Removable, Removed, Usage

MOST_SHOWN = 30


@click.command(
    "clean",
    epilog=options.examples(
        "harness clean",
        "harness clean --outdated --dry-run",
        "harness clean --stage predictions --older-than 30 --yes",
    ),
)
@click.option(
    "--stage",
    metavar="NAME",
    help="Only this stage, for example adapter or predictions.",
)
@click.option("--outdated", is_flag=True, help="Only what other library versions made.")
@click.option(
    "--older-than",
    type=options.AMOUNT,
    metavar="DAYS",
    help="Only what is older than this many days.",
)
@click.option("--dry-run", is_flag=True, help="Show what would go and remove nothing.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@options.home
@options.as_json
@options.verbosity
def command(
    stage: str | None,
    outdated: bool,
    older_than: float | None,
    dry_run: bool,
    yes: bool,
    home: Path,
    as_json: bool,
) -> None:
    """Show what the store holds, and remove what can go.

    Without a condition only the drafts of killed builds can go, and go with --yes; --stage,
    --outdated and --older-than choose finished stages, those that fit all conditions given. What
    a killed run goes on from, answers of a server among it, goes by --stage or --older-than alone.
    Results of trials are kept, and a stage that is gone is made again when it is needed. What a
    live process is building is never touched. Hashes of large model files lie outside the home
    folder, in ~/.cache/mt-tuning-harness, and may be removed by hand.
    """
    from harness.storage import clean as cleaning
    from harness.storage.store import Store

    store = Store(home / "store")
    usage = cleaning.usage(store)
    chosen = cleaning.removable(store, stage=stage, outdated=outdated, older_than_days=older_than)
    kept = tuple(folder for folder in cleaning.half_done(store) if folder not in chosen)
    if not as_json:
        _print_usage(home, usage)
        _print_folders("Half done: the run it is of goes on from it", kept)
        _print_folders("Can go", chosen)
    is_chosen = yes or bool(stage) or outdated or older_than is not None
    is_to_go = chosen and is_chosen and not dry_run and _confirmed(yes, as_json, chosen)
    removed = cleaning.remove(store, chosen) if is_to_go else None
    if as_json:
        output.print_json(_document(home, usage, chosen, kept, removed))
    elif removed is not None:
        _print_removed(removed)
    elif not chosen:
        click.echo("Nothing to remove.")
    elif not is_chosen:
        click.echo("`harness clean --yes` removes them.")


def _confirmed(yes: bool, as_json: bool, chosen: "tuple[Removable, ...]") -> bool:
    if yes:
        return True
    if as_json or not sys.stdin.isatty():
        raise ConfigError(
            "nothing was removed: there is nobody to ask",
            "--yes removes without asking, --dry-run only shows what would go",
        )
    return click.confirm(f"Remove {len(chosen)} folders ({_total(chosen)})?", default=False)


def _total(chosen: "tuple[Removable, ...]") -> str:
    return output.size(sum(folder.num_bytes for folder in chosen))


def _print_usage(home: Path, usage: "tuple[Usage, ...]") -> None:
    if not usage:
        click.echo(f"The store in {home} holds no finished stage.")
        return
    numbers = ("folders", "size", "outdated")
    table = output.table(f"Store in {home}", "stage", *numbers, right=numbers)
    for row in usage:
        table.add_row(*_cells(row.stage, [row]))
    table.add_section()
    table.add_row(*_cells("all", usage))
    output.print_table(table)


def _cells(title: str, usage: "Sequence[Usage]") -> list[str]:
    return [
        title,
        str(sum(row.num_folders for row in usage)),
        output.size(sum(row.num_bytes for row in usage)),
        str(sum(row.num_outdated for row in usage)),
    ]


def _print_folders(title: str, chosen: "tuple[Removable, ...]") -> None:
    if not chosen:
        return
    table = output.table(title, "stage", "folder", "size", "why", right=("size",))
    for folder in chosen[:MOST_SHOWN]:
        table.add_row(
            folder.stage, folder.path.name[:13], output.size(folder.num_bytes), folder.reason
        )
    output.print_table(table)
    if len(chosen) > MOST_SHOWN:
        click.echo(f"and {len(chosen) - MOST_SHOWN} more, {_total(chosen)} in all (--json has all)")


def _print_removed(removed: "Removed") -> None:
    click.echo(f"Removed {removed.num_folders} folders, {output.size(removed.num_bytes)}.")
    if removed.num_busy:
        click.echo(f"Left {removed.num_busy} that a live process is building.")


def _document(
    home: Path,
    usage: "tuple[Usage, ...]",
    chosen: "tuple[Removable, ...]",
    kept: "tuple[Removable, ...]",
    removed: "Removed | None",
) -> "dict[str, JSON]":
    return {
        "home": str(home),
        "stages": [
            {
                "stage": row.stage,
                "folders": row.num_folders,
                "bytes": row.num_bytes,
                "outdated": row.num_outdated,
            }
            for row in usage
        ],
        "removable": [_plain(folder) for folder in chosen],
        "kept": [_plain(folder) for folder in kept],
        "removed": None
        if removed is None
        else {
            "folders": removed.num_folders,
            "bytes": removed.num_bytes,
            "busy": removed.num_busy,
        },
    }


def _plain(folder: "Removable") -> "dict[str, JSON]":
    return {
        "stage": folder.stage,
        "path": str(folder.path),
        "bytes": folder.num_bytes,
        "reason": folder.reason,
    }
