"""The options that several commands share, so that they mean the same everywhere."""

import functools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from harness.cli.logs import on_quiet, on_verbose

if TYPE_CHECKING:
    from harness.models.thoughts import Thoughts
    from harness.records import JSON

    Overrides: TypeAlias = tuple[tuple[str, JSON], ...]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]


class _Amount(click.FloatRange):
    """A finite number, 0 or more: ranges alone take what is no number for one within them."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        amount = float(super().convert(value, param, ctx))
        if not math.isfinite(amount):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return amount


AMOUNT = _Amount(min=0)
"""A finite number, 0 or more."""
FILE: click.Path[Path] = click.Path(path_type=Path)
"""A file that the library opens: its errors say more than an existence check could."""


def examples(*lines: str) -> str:
    """The end of a command's help: how it is typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def parse_tag(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A language by the tag it is known by."""
    from harness.errors import ConfigError
    from harness.languages.tags import checked_tag

    try:
        return None if value is None else checked_tag(value)
    except ValueError as error:
        raise ConfigError(f"{option.opts[0]}: {error}") from None


def parse_thoughts(_: click.Context, option: click.Parameter, value: str | None) -> "Thoughts":
    """What marks thoughts: two marks with a blank between, or ``off``."""
    from harness.errors import ConfigError

    if value is None or value == "off":
        return None if value is None else "off"
    marks = tuple(value.split())
    if len(marks) != 2 or marks[0] == marks[1]:
        raise ConfigError(
            f"{option.opts[0]}: found {value!r}, allowed: two marks that differ, '<plan> </plan>', "
            "or off"
        )
    return marks


def parse_overrides(
    ctx: click.Context, param: click.Parameter, texts: Sequence[str]
) -> "Overrides":
    """Callback of ``--set``: paths and values, the values read as YAML."""
    from harness.settings.yaml import parse_override

    return tuple(parse_override(text) for text in texts)


def parse_amounts(
    ctx: click.Context, param: click.Parameter, texts: Sequence[str]
) -> dict[str, float]:
    """Callback of ``--margin NAME=X`` and its like: numbers by name, "" where none is said.

    A name is needed where the metavar has it outside of brackets.
    """
    from harness.errors import ConfigError

    may_lack_name = (param.metavar or "").startswith("[")
    amounts: dict[str, float] = {}
    faults = []
    for text in texts:
        name, _, number = (part.strip() for part in text.rpartition("="))
        try:
            amounts[name] = float(number)
        except ValueError:
            amounts[name] = math.nan
        if not (0 < amounts[name] < math.inf and (name or may_lack_name)):
            faults.append(f"{param.opts[0]} {text}: allowed {param.metavar} with a number above 0")
    if faults:
        raise ConfigError("\n".join(faults))
    return amounts


home = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=".harness",
    envvar="HARNESS_HOME",
    show_envvar=True,
    metavar="DIR",
    help="Folder of the store, the caches and the studies.",
)

tracking_uri = click.option(
    "--tracking-uri",
    metavar="URI",
    default=None,
    help="MLflow store.  [default: MLFLOW_TRACKING_URI, else MLflow's own: ./mlflow.db]",
)

benchmarks = click.option(
    "--benchmarks",
    "folders",
    default=("benchmarks",),
    show_default="benchmarks",
    multiple=True,
    metavar="DIR",
    help="Folder of the suites. Repeatable: --benchmarks benchmarks --benchmarks mine.",
)
"""``--benchmarks``: the parameter ``folders``."""

as_json = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document on stdout instead of tables.",
)

tracked = click.option(
    "--tracking/--no-tracking",
    "is_tracked",
    default=True,
    help="Whether the run is recorded in MLflow.",
)
"""``--no-tracking``: the parameter ``is_tracked``."""

results = click.option(
    "--output",
    "results",
    type=FILE,
    metavar="FILE.json",
    help="Also write a results file, which `harness check` reads.",
)
"""``--output``: the parameter ``results``, a file to write."""

overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    callback=parse_overrides,
    help="Replace a setting by its dotted path; the value is YAML. Repeatable.",
)
"""``--set PATH=VALUE``, repeatable: the parameter ``overrides``, parsed."""

storage = click.option(
    "--storage",
    metavar="URL",
    default=None,
    help="Optuna storage, for example postgresql://host/db for many machines.  "
    "[default: a journal file under the home folder]",
)


def verbosity(function: Decorated) -> Decorated:
    """``-v`` and ``-q``: they set the logging up and are no parameters."""
    quiet = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=on_quiet,
        help="Log errors only, show no progress.",
    )
    verbose = click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        show_default=False,
        callback=on_verbose,
        help="Log a line per stage; -vv logs everything.",
    )
    return verbose(quiet(function))


def outputs(function: Decorated) -> Decorated:
    """How outputs of a system are read and scored: eight options, from ``--set`` on."""
    decorated = function
    for option in reversed(_OUTPUTS):
        decorated = option(decorated)
    return decorated


_OUTPUTS = (
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="METRIC.OPTION=VALUE",
        callback=parse_overrides,
        help="Setting of a metric, for example bleu.tokenize=intl. Repeatable.",
    ),
    click.option(
        "--reference",
        "references",
        type=FILE,
        multiple=True,
        metavar="TEXT",
        help="Outputs are plain text, one a line, and so is this, with references. Repeatable.",
    ),
    click.option(
        "--source",
        type=FILE,
        metavar="TEXT",
        help="Outputs are plain text, and so is this, with the sources.",
    ),
    click.option(
        "--source-lang",
        metavar="TAG",
        callback=parse_tag,
        help="Source language of rows that do not say it.",
    ),
    click.option(
        "--target-lang",
        metavar="TAG",
        callback=parse_tag,
        help="Target language of rows that do not say it; it chooses BLEU's tokenizer.",
    ),
    click.option(
        "--thoughts",
        metavar="MARKS",
        callback=parse_thoughts,
        help="What opens and closes thoughts before an answer, 'OPEN CLOSE', to be cut off outputs "
        "without an `answer`, or off. By default all marks in use.",
    ),
    click.option(
        "--comet-model",
        metavar="PATH",
        help="Checkpoint of COMET; short for --set "
        "comet.model=PATH. A checkpoint is a pickle: load only what you trust.",
    ),
    click.option(
        "--comet-python",
        metavar="PATH",
        help="Python interpreter that has unbabel-comet.  "
        "[default: this one if it has it, else .venv-comet]",
    ),
)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What commands that run something are told in the same words.

    Attributes:
        overrides: Settings to replace: dotted paths and values.
        home: Where the store, the caches and the studies lie.
        as_json: Whether to print one JSON document.
        results: A results file to write, or None.
        is_tracked: Whether to record in MLflow.
        tracking_uri: Of the MLflow store, None for MLflow's own choice.
        storage: Where Optuna keeps the study, None for the journal under the home folder.
    """

    overrides: "Overrides"
    home: Path
    as_json: bool
    results: Path | None = None
    is_tracked: bool = True
    tracking_uri: str | None = None
    storage: str | None = None


def run_options(*further: Decorator[Any]) -> Decorator[Any]:
    """The parameter ``run``: ``--set``, the options given, ``--home`` and ``--json``; verbosity."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def collected(**parameters: Any) -> Any:
            names = {field.name for field in fields(RunOptions)} & set(parameters)
            run = RunOptions(**{name: parameters.pop(name) for name in names})
            return function(**parameters, run=run)

        decorated: Callable[..., Any] = collected
        for option in (verbosity, as_json, home, *reversed(further), overrides):
            decorated = option(decorated)
        return decorated

    return decorate


def _names_file(word: str) -> bool:
    """Whether a word that could be a metric is a file and no metric."""
    if not Path(word).is_file():
        return False
    from harness.settings import plugins

    return word not in plugins.names("metric")


class SeveralValues(click.Command):
    """A command one of whose options goes on over the words that follow it.

    Args:
        several: The option, ``--metric``.
        word: Regular expression of the words it takes; the first other word ends it, and so does a
            file's name that is no metric's.
    """

    def __init__(self, *args: Any, several: str, word: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._several = several
        self._word = re.compile(word)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeats the option before each further word."""
        spread: list[str] = []
        taken = -1  # words taken since the option, -1 outside of it
        for word in args:
            if word == self._several:
                taken = 0
            elif taken >= 1 and self._word.fullmatch(word) and not _names_file(word):
                spread.append(self._several)
            elif taken == 0:
                taken = 1
            else:
                taken = -1
            spread.append(word)
        return super().parse_args(ctx, spread)
