"""What a baseline or a finished sweep tells of how runs vary, for plans."""

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import ConfigError, DataError, unknown_name
from harness.records import Key, SweepRecord, TrialResult
from harness.statistics.forecast import Aim, Forecast, Spread, spread_of
from harness.statistics.gating import MIN_BASELINE_SEEDS
from harness.statistics.planning import MIN_SEEDS, POWER
from harness.statistics.samples import (
    Samples,
    incomparable,
    is_trained,
    named_keys,
    primary_keys,
    yardstick_of,
)

STATE_A_GUESS = "--sd-seeds, --sd-items and --items state a guess instead"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How runs vary.

    Attributes:
        about: Where that is from, in words.
        spreads: By key.
        yardsticks: By key its metric, or the axis of a suite: what margins are of.
        num_seeds: Of each configuration, the fewest.
    """

    about: str
    spreads: Mapping[str, Spread]
    yardsticks: Mapping[str, str | None]
    num_seeds: int

    def amounts(self, given: Mapping[str, float], own: Mapping[str, float]) -> dict[str, float]:
        """By key the amount of the first pattern that it, its metric or its axis fits.

        Else that of the pattern "", else its own by key, metric or axis; without keys that have
        none.

        Raises:
            ConfigError: A pattern fits nothing: all of them at once.
        """
        names = {*self.spreads, *filter(None, self.yardsticks.values())}
        _refuse_unknown([p for p in given if p and not fnmatch.filter(names, p)], names)
        amounts: dict[str, float] = {}
        for key, yardstick in self.yardsticks.items():
            names = {key} if yardstick is None else {key, yardstick}
            fitting = [given[p] for p in given if fnmatch.filter(names, p)]
            rest = [given[""]] if "" in given else [own[name] for name in names if name in own]
            if fitting or rest:
                amounts[key] = (fitting or rest)[0]
        return amounts

    def forecasts(
        self,
        aim: Aim,
        amounts: Mapping[str, float],
        num_seeds: int | None = None,
        num_items: int | None = None,
    ) -> list[Forecast]:
        """What seeds and items are needed by key; tolerances are to be kept by all keys together.

        Args:
            aim: What is to be shown.
            amounts: By key.
            num_seeds: Planned; as many as there are where None, and five at least.
            num_items: Planned; as many as there are where None.
        """
        seeds = num_seeds or max(MIN_SEEDS, self.num_seeds)
        least_power = POWER if aim == "difference" else POWER ** (1 / max(1, len(amounts)))
        return [
            Forecast(
                key,
                aim,
                amount,
                self.spreads[key].likely(aim),
                seeds,
                num_items or self.spreads[key].num_items,
                least_power,
            )
            for key, amount in amounts.items()
        ]


def of_baseline(
    runs: Sequence[TrialResult],
    source: str,
    metrics: Sequence[str] = (),
    gates: Sequence[str] = (),
) -> Evidence:
    """What runs of one configuration tell.

    Args:
        runs: One a seed.
        source: Names them.
        metrics: Metrics, axes or whole keys; where none is named
        gates: what fits one of these patterns; and without any, all that comparisons count.

    Raises:
        ConfigError: A name is of no key.
        DataError: They are of fewer than three seeds.
    """
    num_seeds = len(runs) if is_trained(runs) else 0
    if num_seeds < MIN_BASELINE_SEEDS:
        raise DataError(
            f"{source}: found {num_seeds} seeds, allowed {MIN_BASELINE_SEEDS} or more: fewer do "
            "not tell how runs differ",
            STATE_A_GUESS,
        )
    keys = named_keys(runs[0], metrics) or primary_keys(runs[0])
    if gates and not metrics:
        every: list[Key] = [*runs[0].summaries, *runs[0].scores]
        keys = [key for key in every if _fits(runs[0], key, gates)]
    seeds = ", ".join(str(run.seed) for run in runs)
    about = f"baseline {source}: one configuration, seeds {seeds}"
    return _evidence(about, [runs], keys)


def of_sweep(record: SweepRecord, metrics: Sequence[str] = ()) -> Evidence:
    """What the trials of a sweep tell.

    Those that were confirmed, on test benchmarks; else all, on validation benchmarks.

    Args:
        record: Of the sweep.
        metrics: Metrics, axes or whole keys; its objectives where none is named.

    Raises:
        ConfigError: A name is of no key.
        DataError: No trial has runs of two seeds.
    """
    keys = [goal.test or goal.key for goal in record.objectives]
    groups = [trial.confirmed for trial in record.trials if len(trial.confirmed) > 1]
    where = "confirmed on test benchmarks"
    if not groups:
        keys = [goal.key for goal in record.objectives]
        groups = [trial.results for trial in record.trials if len(trial.results) > 1]
        where = "on validation benchmarks"
    if not groups:
        ran = any(trial.results or trial.confirmed for trial in record.trials)
        raise DataError(
            f"sweep {record.name}: found "
            + ("one seed of each configuration" if ran else "no finished runs")
            + ", allowed two seeds or more: nothing tells how runs differ by them",
            f"`seeds` or `confirm.seeds` of the sweep give more; {STATE_A_GUESS}",
        )
    seeds = ", ".join(map(str, sorted({run.seed for runs in groups for run in runs})))
    what = "one configuration" if len(groups) == 1 else f"{len(groups)} configurations"
    about = f"sweep {record.name}: {what} {where}, seeds {seeds}"
    return _evidence(about, groups, named_keys(groups[0][0], metrics) or keys)


def _fits(run: TrialResult, key: Key, patterns: Sequence[str]) -> bool:
    names = [name for name in (str(key), yardstick_of(run, key)) if name is not None]
    return any(fnmatch.filter(names, pattern) for pattern in patterns)


def _refuse_unknown(unknown: Sequence[str], known: Collection[str]) -> None:
    if unknown:
        faults = [unknown_name("metric, axis or key", name, sorted(known)) for name in unknown]
        raise ConfigError("\n".join(faults))


def _evidence(about: str, groups: Sequence[Sequence[TrialResult]], keys: Sequence[Key]) -> Evidence:
    """Of configurations; without keys whose items do not add up, which a DataError says of all."""
    samples = Samples()
    spreads: dict[str, Spread] = {}
    yardsticks: dict[str, str | None] = {}
    for key in keys:
        measured = [one for runs in groups if (one := samples.of_runs(runs, key)) is not None]
        alike = [one.sample for one in measured if incomparable(one, measured[0]) is None]
        whole = [sample for sample in alike if sample is not None]
        if whole:
            spreads[str(key)] = spread_of(whole)
            yardsticks[str(key)] = measured[0].yardstick
    if not spreads:
        raise DataError(
            f"{about}: no run has items that add up to {' or '.join(map(str, keys))}",
            "--metric names other scores",
        )
    return Evidence(about, spreads, yardsticks, min(map(len, groups)))
