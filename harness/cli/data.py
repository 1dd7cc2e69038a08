"""``harness data``: validate and describe a corpus, look for test sets in it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli import options, output
from harness.settings import plugins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.data.contamination import Overlap
    from harness.data.description import Description
    from harness.records import JSON

MOST_SHOWN = 5


@click.command(
    "data",
    cls=options.SeveralValues,
    several="--against",
    word=r"[A-Za-z0-9][A-Za-z0-9_*-]*(/[A-Za-z0-9_*-]+)?",
    epilog=options.examples(
        "harness data corpus.jsonl",
        "harness data news.en --target-path news.de --source-lang en --target-lang de",
        "harness data corpus.jsonl --against pocket_translation pocket_german",
        "harness data corpus.csv --set 'columns=[en, de]' --set checks.max_empty=0.01",
        "harness data memory.tmx --against-file news.en --against-file news.de",
    ),
)
@click.argument("corpus", metavar="CORPUS")
@click.option(
    "--kind",
    type=click.Choice(("parallel", "instructions", "monolingual", "questions")),
    show_default="what its first row looks like",
    help="What it is to be read as.",
)
@click.option("--target-path", metavar="FILE", help="Target side of aligned plain text.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("auto", *plugins.names("format"))),
    default="auto",
    help="Format; auto goes by --target-path and the file's ending.",
)
@click.option("--source-lang", metavar="TAG", help="Source language where the file is silent.")
@click.option("--target-lang", metavar="TAG", help="Target language where the file is silent.")
@click.option(
    "--against",
    multiple=True,
    metavar="BENCHMARK...",
    help="Look for the items of these suites or benchmarks in it; several may follow.",
)
@click.option(
    "--against-file",
    "files",
    multiple=True,
    metavar="FILE",
    help="Look for the items of this test set in it: a file of any format above, or plain text "
    "with an item a line. Repeatable.",
)
@options.benchmarks
@options.overrides
@options.as_json
@options.verbosity
def command(
    corpus: str,
    kind: Any,
    target_path: str | None,
    form: str,
    source_lang: str | None,
    target_lang: str | None,
    against: tuple[str, ...],
    files: tuple[str, ...],
    folders: tuple[str, ...],
    overrides: "tuple[tuple[str, JSON], ...]",
    as_json: bool,
) -> None:
    """Validate and describe a corpus; find overlap with test sets.

    CORPUS is JSON lines or a JSON list (`source`, `target` and their languages; `translation`;
    `messages`; `instruction`; `text`; or `question`, `answer` and `pivot_question`), TSV or CSV
    with a header or without, TMX, a WMT test set in XML or SGM, a Hugging Face datasets folder, or
    the source side of aligned plain text; files may end in .gz, .xz or .bz2. All faults are named
    at once, each with its line. Rows to look at are counted; --set checks.max_...=SHARE (of
    malformed, unpaired, empty, undecodable, garbled, markup, duplicates, copied, long, lopsided,
    wrong_language) leaves out so many of a kind and fails if there are more, as the same settings
    of a trial's corpus do.
    """
    from harness.benchmarks.read import find_benchmarks
    from harness.benchmarks.spec import EvalSpec
    from harness.data.contamination import find_overlaps, training_texts
    from harness.data.description import describe, read_corpus
    from harness.data.spec import CorpusSpec
    from harness.data.testsets import read_items
    from harness.settings.spec import validate

    named = {"path": corpus, "target_path": target_path, "format": form}
    spoken = {"source_lang": source_lang, "target_lang": target_lang}
    spec = validate(CorpusSpec, named | spoken, corpus, overrides)
    tests: dict[str, Sequence[Mapping[str, JSON]]] = {path: read_items(path) for path in files}
    if against:
        selected = validate(EvalSpec, {"folder": folders, "suites": against}, "--against")
        tests |= {benchmark.key: benchmark.items for benchmark in find_benchmarks(selected)}
    left_out: dict[str, list[int]] = {}
    rows = read_corpus(spec, kind, left_out)
    overlaps = find_overlaps(training_texts(rows), tests) if tests else {}
    if as_json:
        output.print_json(_plain(corpus, describe(rows, spec.checks, left_out), overlaps))
        return
    _print_description(corpus, describe(rows, spec.checks, left_out))
    if overlaps:
        _print_overlaps({_short(key, files): overlap for key, overlap in overlaps.items()})


def _plain(corpus: str, description: "Description", overlaps: "dict[str, Overlap]") -> Any:
    from dataclasses import asdict

    return {
        "corpus": corpus,
        **asdict(description),
        "overlaps": {
            key: {
                "items": overlap.num_items,
                "exact": overlap.exact,
                "near": overlap.near,
                "matches": [asdict(match) for match in overlap.matches],
            }
            for key, overlap in overlaps.items()
        },
    }


def _print_description(corpus: str, description: "Description") -> None:
    from harness.data.fields import named_lines

    click.secho(f"{corpus}: {description.num_rows} rows, {description.kind}", bold=True)
    if description.languages:
        parts = (f"{name} {count}" for name, count in description.languages.items())
        click.echo(f"languages  {', '.join(parts)}")
    for side, lengths in description.lengths.items():
        click.echo(
            f"{side:<10} {lengths.mean:.0f} characters on average, median {lengths.median:.0f}, "
            f"at most {lengths.longest}"
        )
    for what, count in description.left_out.items():
        where = named_lines(description.lines_left_out[what])
        click.echo(f"left out   {count} rows with {what}: {where}")
    for what, count in description.findings.items():
        click.echo(f"look at    {count} rows have {what}")


def _short(key: str, files: "Sequence[str]") -> str:
    """The name of a file, where no other file is called so; its path would fill the table."""
    names = [Path(path).name for path in files]
    name = Path(key).name
    return name if key in files and names.count(name) == 1 else key


def _print_overlaps(overlaps: "dict[str, Overlap]") -> None:
    from collections import Counter

    shares, numbers = ("in it", "nearly"), ("items", "in it", "nearly")
    table = output.table(
        "Test items in this corpus", "benchmark", "items", *shares, "as its", right=numbers
    )
    for key, overlap in overlaps.items():
        places = Counter(match.place for match in overlap.matches).most_common()
        table.add_row(
            key,
            str(overlap.num_items),
            f"{overlap.exact:.1%}",
            f"{overlap.near:.1%}",
            ", ".join(f"{place} ({count})" for place, count in places),
        )
    output.print_table(table)
    for key, overlap in overlaps.items():
        for match in overlap.matches[:MOST_SHOWN]:
            likeness = "is" if match.kind == "exact" else f"is nearly ({match.share:.0%})"
            click.echo(
                output.paragraphs(
                    f"- {key} {match.item_id} {likeness} the {match.place} of row "
                    f"{match.training_id}: {match.text}"
                )
            )
        if len(overlap.matches) > MOST_SHOWN:
            click.echo(f"- {key}: and {len(overlap.matches) - MOST_SHOWN} more (--json has all)")
