"""``harness plan``: how many seeds and items show a difference, or let ``check`` pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output

if TYPE_CHECKING:
    from harness.gate.baseline import Tolerance
    from harness.records import JSON
    from harness.statistics.evidence import Evidence
    from harness.statistics.forecast import Forecast, Range
    from harness.sweep.spec import SweepSpec

GUESS = "guess"
EXPLAINED = {
    "difference": "now: the smallest true difference that {seeds} seeds of each configuration show "
    "(two-sided, 5 %) in 80 of 100 cases. seeds: of each, with the items there are. items at: with "
    "so many seeds. Ranges: what few seeds leave open, at 80 %.",
    "tolerance": "now: the smallest tolerance within which a baseline of {seeds} seeds passes one "
    "new run that is no worse, all keys at once, in 80 of 100 cases. seeds: of the baseline. items "
    "at: with so many seeds. Ranges: what few seeds leave open, at 80 %.",
}
OF_ONE = (
    " How items differ between two configurations is not known of one: from alike to half of what "
    "sets items apart."
)


@dataclass(frozen=True, slots=True)
class Own:
    """What a source tells of how runs vary, and the margins and tolerances that it has itself."""

    evidence: "Evidence"
    margins: Mapping[str, float] = field(default_factory=dict)
    tolerance: "Tolerance | None" = None

    @property
    def tolerances(self) -> dict[str, float]:
        """Of a baseline, by key."""
        tolerance, yardsticks = self.tolerance, self.evidence.yardsticks
        if tolerance is None:
            return {}
        return {key: tolerance.of(key, yardsticks[key]) for key in self.evidence.spreads}


@click.command(
    "plan",
    cls=options.SeveralValues,
    several="--metric",
    word=r"[a-z][a-z0-9_/-]*",
    epilog=options.examples(
        "harness plan pocket",
        "harness plan sweeps/pocket.yaml --difference 0.01 --seeds 10",
        "harness plan baseline.json --tolerance 0.02 --tolerance '*/chrf=1'",
        "harness plan --sd-seeds .01 --sd-items .45 --items 500 --difference .02",
    ),
)
@click.argument("source", required=False, metavar="[SWEEP|BASELINE]")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME...",
    help="What to plan for: metrics, axes or whole keys; several names may follow.  "
    "[default: a sweep's objectives, what counts of a baseline]",
)
@click.option(
    "--difference",
    "differences",
    multiple=True,
    metavar="[NAME=]X",
    callback=options.parse_amounts,
    help="Difference to be shown between two configurations, at all keys or at those of a metric "
    "or axis. Repeatable.  [default: the margins]",
)
@click.option(
    "--tolerance",
    "tolerances",
    multiple=True,
    metavar="[PATTERN=]X",
    callback=options.parse_amounts,
    help="Tolerance within which `harness check` is to pass a new run, at all keys or at those "
    "that fit a pattern. Repeatable.  [default: of a baseline its own]",
)
@click.option(
    "--seeds",
    type=click.IntRange(5, 100),
    help="Seeds each configuration is to have.  [default: as many as there are, 5 at least]",
)
@click.option(
    "--items", type=click.IntRange(min=6), help="Items to be asked.  [default: those there are]"
)
@click.option(
    "--sd-seeds",
    type=options.AMOUNT,
    metavar="X",
    help="A guess: standard deviation of a configuration's value from seed to seed.",
)
@click.option(
    "--sd-items",
    type=options.AMOUNT,
    metavar="X",
    help="A guess: standard deviation over items of the difference of two configurations, each run "
    "once. Of right and wrong: the root of the share of items that change.",
)
@click.option(
    "--sd-rest",
    type=options.AMOUNT,
    metavar="X",
    help="A guess: standard deviation of an item's score from seed to seed, beyond --sd-seeds.  "
    "[default: no part of --sd-items for --difference, all of it for --tolerance]",
)
@click.option(
    "--common-seeds/--separate-seeds",
    "common",
    default=True,
    help="Of a guess: whether both sides are to run with the same seeds, as in a sweep.",
)
@options.home
@options.storage
@options.as_json
@options.verbosity
def command(
    source: str | None,
    metrics: tuple[str, ...],
    differences: dict[str, float],
    tolerances: dict[str, float],
    seeds: int | None,
    items: int | None,
    sd_seeds: float | None,
    sd_items: float | None,
    sd_rest: float | None,
    common: bool,
    home: Path,
    storage: str | None,
    as_json: bool,
) -> None:
    """Say how many seeds and items show a difference, or pass a check.

    SWEEP is one that has run, by name or YAML, BASELINE a file of three seeds or more: how much
    their runs vary by seed and by item tells what is needed for a result in 80 of 100 cases, as a
    range where few seeds were run. Without either, --sd-seeds, --sd-items and --items state a
    guess. Fewer than five seeds are never planned.
    """
    guesses = {"--sd-seeds": sd_seeds, "--sd-items": sd_items, "--items": items}
    if source is None:
        own = Own(_stated(guesses, sd_rest, common, bool(differences or tolerances)))
    else:
        _refuse_guesses(source, guesses)
        own = _read(source, metrics, home, storage)
    evidence = own.evidence
    forecasts: list[Forecast] = []
    if differences or not (tolerances or own.tolerance):
        amounts = evidence.amounts(differences, own.margins)
        forecasts += evidence.forecasts("difference", amounts, seeds, items)
    if tolerances or (own.tolerance and not differences):
        amounts = evidence.amounts(tolerances, own.tolerances)
        forecasts += evidence.forecasts("tolerance", amounts, seeds, items)
    if as_json:
        plans = [_plain(forecast) for forecast in forecasts]
        output.print_json({"source": source, "about": evidence.about, "plans": plans})
    else:
        _print(evidence, forecasts)


def _refuse_guesses(source: str, guesses: Mapping[str, float | None]) -> None:
    from harness.errors import ConfigError

    given = [name for name in ("--sd-seeds", "--sd-items") if guesses[name] is not None]
    if given:
        raise ConfigError(f"{source}: found {', '.join(given)} beside it, allowed one or the other")


def _stated(
    guesses: Mapping[str, float | None], sd_rest: float | None, common: bool, has_aim: bool
) -> "Evidence":
    from harness.errors import ConfigError
    from harness.statistics.evidence import Evidence
    from harness.statistics.forecast import stated

    sd_seeds, sd_items, items = guesses.values()
    lacking = [name for name, value in guesses.items() if value is None]
    lacking += [] if has_aim else ["--difference or --tolerance"]
    if sd_seeds is None or sd_items is None or items is None or lacking:
        raise ConfigError(
            f"found no sweep or baseline, and of a guess no {', no '.join(lacking)}",
            "harness plan --sd-seeds .01 --sd-items .45 --items 500 --difference .02",
        )
    if sd_rest is not None and 2 * sd_rest**2 > sd_items**2:
        raise ConfigError(
            f"--sd-rest: found {sd_rest:g}, allowed at most {sd_items / 2**0.5:.3g}: --sd-items, "
            "of a difference of two runs, has it twice"
        )
    spread = stated(sd_seeds, sd_items, sd_rest, num_items=int(items), common=common)
    seeds = "common" if common else "separate"
    return Evidence(f"a guess, {seeds} seeds", {GUESS: spread}, {GUESS: None}, 0)


def _read(source: str, metrics: Sequence[str], home: Path, storage: str | None) -> Own:
    """What a baseline tells, or a sweep, which its YAML may name."""
    from harness.statistics.evidence import of_baseline, of_sweep
    from harness.statistics.margins import DEFAULT_MARGINS

    path = Path(source)
    if path.suffix == ".json":
        from harness.gate.baseline import read_baseline

        baseline = read_baseline(path)
        return Own(
            of_baseline(baseline.results, source, metrics), DEFAULT_MARGINS, baseline.tolerance
        )
    from harness.sweep.record import load_sweep

    name = source.removeprefix("sweep:")
    if path.suffix in (".yaml", ".yml"):
        from harness.sweep.spec import load_sweep_spec

        name = load_sweep_spec(path).name
    record = load_sweep(home, name, storage)
    return Own(of_sweep(record, metrics), record.margins)


def _plain(forecast: "Forecast") -> "JSON":
    together = forecast.together if forecast.growth == "both" else None
    return {
        "key": forecast.key,
        "aim": forecast.aim,
        "amount": forecast.amount,
        "seeds": forecast.num_seeds,
        "items": forecast.num_items,
        "power": list(forecast.power),
        "least_power": forecast.least_power,
        "least_amount": list(forecast.least),
        "seeds_needed": list(forecast.seeds),
        "items_needed": {str(num): list(forecast.items(num)) for num in _columns(forecast)},
        "must_grow": forecast.growth,
        "together": None if together is None else {"seeds": together[0], "items": together[1]},
    }


def _columns(forecast: "Forecast") -> tuple[int, int]:
    """Numbers of seeds for which the items are told."""
    return forecast.num_seeds, 2 * forecast.num_seeds


def _print(evidence: "Evidence", forecasts: "Sequence[Forecast]") -> None:
    click.echo(output.paragraphs(f"Plan by {evidence.about}."))
    for aim, explained in EXPLAINED.items():
        chosen = [forecast for forecast in forecasts if forecast.aim == aim]
        if not chosen:
            continue
        columns = _columns(chosen[0])
        numbers = (aim, "now", "seeds", *(f"items at {num}" for num in columns))
        table = output.table(None, "key", *numbers, right=numbers)
        for forecast in chosen:
            table.add_row(
                output.plain(f"{_two_lines(forecast.key)}\n  {forecast.num_items:,} items"),
                f"{forecast.amount:g}",
                _between(*(f"{amount:.2g}" for amount in forecast.least)),
                _range(forecast.seeds, ">100"),
                *(_range(forecast.items(num), ">1M") for num in columns),
            )
        output.print_table(table)
        said = explained.format(seeds=columns[0])
        if aim == "difference" and any(s.most_item is not None for s in evidence.spreads.values()):
            said += OF_ONE
        click.echo(output.paragraphs(said))
        for forecast in chosen:
            if text := growth_text(forecast):
                click.echo(output.paragraphs(f"- {text}"))
    planned = {forecast.key for forecast in forecasts}
    if left_out := [key for key in evidence.spreads if key not in planned]:
        click.echo(output.paragraphs(f"No margin is known for {', '.join(left_out)}: --difference"))


def _range(numbers: "Range", none: str = "more") -> str:
    return _between(*(none if number is None else f"{number:,}" for number in numbers))


def _between(low: str, high: str) -> str:
    return low if low == high else f"{low}–{high}"


def _two_lines(key: str) -> str:
    path, _, name = key.rpartition("/")
    return f"{path}/\n  {name}" if path else key


def growth_text(forecast: "Forecast") -> str | None:
    """What must grow, where one of seeds and items alone is not enough."""
    cannot = "are not" if forecast.growth_at_best == forecast.growth else "may not be"
    match forecast.growth:
        case "seeds":
            text = f"items alone {cannot} enough: the seeds must grow, to {_range(forecast.seeds)}"
        case "items":
            needed = _range(forecast.items(forecast.num_seeds))
            text = f"seeds alone {cannot} enough: the items must grow, to {needed}"
        case "both":
            seeds, items = forecast.together or (0, 0)
            text = (
                f"seeds alone {cannot} enough, nor are items: both must grow, for example to "
                f"{seeds} seeds and {items:,} items"
            )
        case "beyond":
            text = f"100 seeds and a million items {cannot} enough for this {forecast.aim}"
        case "nothing" if forecast.least[1] == 0:
            text = "no run differs from another, so there is nothing to plan by"
        case _:
            return None
    return f"{forecast.key}: {text}"


def short_form(
    spec: "SweepSpec", home: Path, storage: str | None = None
) -> "tuple[str, list[JSON]]":
    """What the seeds of a sweep will show at its margins, by its earlier trials, if there are any.

    Returns:
        In words; and the plan of each objective that has a margin, as ``--json`` has it.
    """
    from harness.errors import ConfigError, DataError
    from harness.statistics.evidence import of_sweep
    from harness.statistics.margins import DEFAULT_MARGINS
    from harness.statistics.planning import MIN_SEEDS
    from harness.sweep.record import load_sweep

    num_seeds = len(spec.confirm.seeds if spec.confirm else spec.seeds)
    few = f"seeds {num_seeds}: fewer than 5 show little; " if num_seeds < MIN_SEEDS else ""
    try:
        record = load_sweep(home, spec.name, storage)
        evidence = of_sweep(record)
    except (ConfigError, DataError):
        return f"{few}not known before runs of two seeds; `harness plan` takes guesses", []
    amounts = evidence.amounts({}, {**DEFAULT_MARGINS, **spec.margins})
    forecasts = evidence.forecasts("difference", amounts, max(MIN_SEEDS, num_seeds))
    told = [
        f"{forecast.key}: {_between(*(f'{least:.2g}' for least in forecast.least))} with "
        f"{forecast.num_seeds} seeds and {forecast.num_items:,} items (margin {forecast.amount:g}"
        f": {_range(forecast.seeds, '>100')} seeds)"
        for forecast in forecasts
    ]
    return few + "; ".join(told), [_plain(forecast) for forecast in forecasts]
