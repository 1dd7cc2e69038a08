"""``harness list``: what there is to choose from."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output
from harness.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from harness.benchmarks.read import Benchmark
    from harness.records import JSON
    from harness.settings.catalogue import Plugin, SweepFile

_ASSUMED = (
    "*: assumed, `translation` where rows have source_lang and target_lang, else `general`;\n"
    "   `metadata.harness.axis` of the YAML says it, and safety has to be said"
)

KINDS = ("variants", "benchmarks", "metrics", "sweeps")


@click.command(
    "list",
    epilog=options.examples(
        "harness list variants --verbose",
        "harness list variants radis transllm",
        "harness list benchmarks --json",
    ),
)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-v", "--verbose", is_flag=True, help="A paragraph on each instead of a line.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where benchmarks or sweeps lie.  [default: ./benchmarks, ./sweeps]",
)
@options.home
@options.as_json
def command(
    kind: str,
    names: tuple[str, ...],
    verbose: bool,
    folder: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """Show the variants, benchmarks, metrics or sweeps there are.

    With the NAMEs of some variants or metrics, all about these: the paper, every deviation from it,
    every option. Variants and metrics are the files of their folders in the package; benchmarks and
    sweeps are YAML files. An option of a variant is set by `variant: {name: NAME, OPTION: VALUE}`.
    """
    if names and kind not in ("variants", "metrics"):
        raise ConfigError(f"NAME: allowed for variants and metrics, found it for {kind}")
    if kind == "benchmarks":
        _list_benchmarks(folder or Path("benchmarks"), as_json)
    elif kind == "sweeps":
        _list_sweeps(folder or Path("sweeps"), home, verbose, as_json)
    else:
        _list_plugins(kind, names, verbose, as_json)


def _list_plugins(kind: str, names: tuple[str, ...], verbose: bool, as_json: bool) -> None:
    from harness.settings import catalogue

    plugins = catalogue.plugins(kind.removesuffix("s"))
    known_names = [plugin.name for plugin in plugins]
    unknown = [name for name in names if name not in known_names]
    if unknown:
        what = kind.removesuffix("s")
        raise ConfigError("\n".join(unknown_name(what, name, known_names) for name in unknown))
    plugins = tuple(plugin for plugin in plugins if not names or plugin.name in names)
    if as_json:
        output.print_json({kind: [asdict(plugin) for plugin in plugins]})
    elif names:
        for plugin in plugins:
            _print_plugin(plugin)
    elif verbose:
        for plugin in plugins:
            _print_digest(plugin)
    else:
        table = output.table(None, kind.removesuffix("s"), "what it is")
        for plugin in plugins:
            table.add_row(plugin.name, plugin.summary)
        output.print_table(table)


def _print_digest(plugin: "Plugin") -> None:
    """What it is, where it comes from, what can be set."""
    click.secho(plugin.name, bold=True)
    for paragraph in plugin.description.split("\n\n")[:2]:
        click.echo(output.paragraphs(paragraph, indent=2))
    if plugin.options:
        names = ", ".join(option.name for option in plugin.options)
        click.echo(output.paragraphs(f"Options: {names}.", indent=2))
    click.echo()


def _print_plugin(plugin: "Plugin") -> None:
    click.secho(plugin.name, bold=True)
    click.echo(output.paragraphs(plugin.description, indent=2))
    click.echo()
    if not plugin.options:
        click.echo("  No options.\n")
        return
    click.secho("  Options", bold=True)
    for option in plugin.options:
        default = "required" if option.default is None else f"default {option.default}"
        click.echo(output.paragraphs(f"{option.name}: {option.type}  [{default}]", indent=4))
        if option.description:
            click.echo(output.paragraphs(option.description, indent=8))
    click.echo()


def _list_benchmarks(folder: Path, as_json: bool) -> None:
    from harness.benchmarks.read import Selection, known_suites, select
    from harness.benchmarks.spec import EvalSpec

    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder", "--folder DIR says where benchmarks lie")
    suites = known_suites([folder])
    chosen = select(EvalSpec(folder=str(folder), suites=("*",))) if suites else Selection(())
    if as_json:
        reasons = [{"benchmark": gone.key, "reason": gone.reason} for gone in chosen.absent]
        present = [_benchmark_plain(benchmark) for benchmark in chosen.benchmarks]
        output.print_json({"benchmarks": present, "absent": reasons})
        return
    assumed = False
    for suite in suites:
        columns = ("benchmark", "split", "axis", "items", "metrics")
        table = output.table(suite, *columns, right=("items",))
        for benchmark in chosen.benchmarks:
            if benchmark.suite == suite:
                axis = f"{benchmark.axis}{'' if benchmark.axis_said else '*'}"
                items = str(len(benchmark.items))
                metrics = ", ".join(benchmark.metrics)
                table.add_row(benchmark.name, str(benchmark.split), axis, items, metrics)
                assumed = assumed or not benchmark.axis_said
        for absent in chosen.absent:
            if absent.suite == suite:
                axis, metrics = str(absent.axis or ""), ", ".join(absent.metrics)
                table.add_row(absent.name, str(absent.split), axis, "absent", metrics)
        output.print_table(table)
    if assumed:
        click.echo(_ASSUMED)
    if chosen.absent:
        click.echo(
            "absent: the data are not here; docs/benchmarks.md says which, and where to put them"
        )
    if not suites:
        click.echo(f"no benchmarks in {folder} (they are <suite>/<name>.yaml)")


def _benchmark_plain(benchmark: "Benchmark") -> "JSON":
    return {
        "benchmark": benchmark.key,
        "suite": benchmark.suite,
        "split": str(benchmark.split),
        "axis": str(benchmark.axis),
        "axis_assumed": not benchmark.axis_said,
        "language": benchmark.language,
        "items": len(benchmark.items),
        "metrics": list(benchmark.metrics),
        "summary": None if benchmark.summary is None else benchmark.summary.plain(),
        "licence": benchmark.licence,
        "version": benchmark.version,
        "file": str(benchmark.path),
    }


def _list_sweeps(folder: Path, home: Path, verbose: bool, as_json: bool) -> None:
    from harness.settings import catalogue

    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder", "--folder DIR says where sweeps lie")
    files = catalogue.sweep_files(folder)
    begun = catalogue.sweeps_begun(home)
    if as_json:
        plain = [_sweep_plain(sweep, begun) for sweep in files]
        output.print_json({"sweeps": plain, "begun": sorted(begun)})
        return
    if verbose:
        for sweep in files:
            click.secho(sweep.name, bold=True)
            click.echo(output.paragraphs(sweep.about, indent=2) + "\n")
        return
    table = output.table(None, "sweep", "begun", "question")
    for sweep in files:
        table.add_row(sweep.name, "yes" if sweep.name in begun else "", sweep.question)
    for name in sorted(begun - {sweep.name for sweep in files}):
        table.add_row(name, "yes", f"(no file in {folder}; its study is in {home})")
    output.print_table(table)


def _sweep_plain(sweep: "SweepFile", begun: frozenset[str]) -> "JSON":
    return {
        "name": sweep.name,
        "file": str(sweep.path),
        "question": sweep.question,
        "about": sweep.about,
        "begun": sweep.name in begun,
    }
