"""``harness archive``: a sweep as one small file, with every answer."""

from pathlib import Path

import click

from harness.cli import options, output


@click.command(
    "archive",
    epilog=options.examples(
        "harness archive pocket --output pocket.tar.xz",
        "harness archive pocket --no-texts --output scores.tar.xz",
    ),
)
@click.argument("sweep", metavar="SWEEP")
@click.option(
    "--output",
    "path",
    type=options.FILE,
    metavar="FILE.tar.xz",
    required=True,
    help="File to write.",
)
@click.option(
    "--texts/--no-texts",
    default=True,
    show_default=True,
    help="With answers and prompts. Leave them out where the benchmarks' data may not be passed "
    "on: reports and comparisons are the same, further metrics cannot be scored.",
)
@options.home
@options.as_json
@options.verbosity
def command(sweep: str, path: Path, texts: bool, home: Path, as_json: bool) -> None:
    """Write a sweep, with every answer, into one small file.

    Unpacked into a folder (mkdir DIR; tar -xJf FILE.tar.xz -C DIR) it is a home of its own: with
    --home DIR, `harness report` and `harness compare` work as where it was run, and `harness
    sweep` under another name (--set name=...) with further metrics scores the answers again
    without training. Adapters and training text are left out.
    """
    from harness.sweep.archive import archive_sweep

    written = archive_sweep(sweep, path, home=home, texts=texts)
    if as_json:
        output.print_json(
            {
                "archive": str(path),
                "files": written.num_files,
                "bytes": written.num_bytes,
                "compressed": written.num_compressed,
            }
        )
        return
    click.echo(
        f"archive    {path} ({written.num_compressed / 1e6:.1f} MB; {written.num_files:,} files, "
        f"{written.num_bytes / 1e6:.1f} MB)"
    )
