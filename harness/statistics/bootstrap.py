"""How sure a score or a difference is: the bootstrap over items and seeds, Holm, kappa.

Items and seeds are resampled together (the "pigeonhole" bootstrap of Owen, 2007, for crossed
factors; a little too wide rather than too narrow). Everything measured on the same items shares
their resamples, and configurations run with the same seeds share those, so differences are paired
(Koehn 2004 for one seed). Intervals are percentile intervals and as approximate as any
bootstrap's. Of S seeds S - 1 are drawn, which makes the variance of their mean unbiased (McCarthy
and Snowden 1985); one seed says nothing about seeds, and is not resampled.

Shapes: R resamples, N items, K sufficient statistics, S seeds.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConfigError
from harness.records import Score
from harness.seeds import stream_seed
from harness.settings import plugins

Floats: TypeAlias = NDArray[np.float64]
Aggregate: TypeAlias = Callable[[Sequence[float]], float | None]

LEVEL = 0.95
NUM_RESAMPLES = 1000
_ROUNDING = 1e-12
_ROWS_AT_ONCE = 512


class Interval(NamedTuple):
    """A percentile bootstrap interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """First minus second.

    Attributes:
        value: Of the means over the seeds.
        interval: None where a resample too often has no value.
        p_value: Two-sided; the level at which the interval begins to touch zero.
        spread: Standard error from items and seeds together.
        item_spread: Standard error with the seeds held fixed.
        num_items: Items both were measured on.
        seeds_paired: Whether both ran with the same seeds.
    """

    value: float
    interval: Interval | None
    p_value: float
    spread: float
    item_spread: float
    num_items: int
    seeds_paired: bool


class Draws:
    """Resamples of items and seeds, the same whenever the same items or seeds are asked for.

    Each set of items has a stream of its own, so adding a benchmark changes no other's figures.
    """

    def __init__(self, num_resamples: int = NUM_RESAMPLES, seed: int = 0) -> None:
        self.num_resamples = num_resamples
        self.seed = seed
        self._items: dict[tuple[str, ...], NDArray[np.uint16]] = {}
        self._seeds: dict[tuple[int, ...], Floats] = {}

    def items(self, sorted_ids: tuple[str, ...]) -> NDArray[np.uint16]:
        """How often each item is in each resample, [R, N]."""
        if sorted_ids not in self._items:
            num_items = len(sorted_ids)
            rng = self._rng("items", sorted_ids)
            even = np.full(num_items, 1 / num_items)
            counts = rng.multinomial(num_items, even, size=self.num_resamples)
            self._items[sorted_ids] = counts.astype(np.uint16)
        return self._items[sorted_ids]

    def seeds(self, seeds: Sequence[int]) -> Floats:
        """Weight of each seed in each resample, [R, S]; rows sum to 1."""
        asked_for = tuple(seeds)
        if len(asked_for) < 2:
            return np.ones((self.num_resamples, len(asked_for)))
        ordered = tuple(sorted(asked_for))
        if ordered not in self._seeds:
            rng = self._rng("seeds", [str(seed) for seed in ordered])
            even = np.full(len(ordered), 1 / len(ordered))
            counts = rng.multinomial(len(ordered) - 1, even, size=self.num_resamples)
            self._seeds[ordered] = counts / (len(ordered) - 1)
        return self._seeds[ordered][:, [ordered.index(seed) for seed in asked_for]]

    def _rng(self, what: str, names: Sequence[str]) -> np.random.Generator:
        content = hashlib.sha256("\n".join(names).encode()).hexdigest()
        return np.random.default_rng(stream_seed(self.seed, f"bootstrap/{what}/{content}"))


def aggregate_of(score: Score) -> Aggregate:
    """How a score's metric makes its value of summed statistics, with the score's own settings."""
    kind = plugins.load("metric", score.metric)
    aggregate: Aggregate = kind.model_validate(dict(score.settings)).aggregate
    return aggregate


def total_of(score: Score) -> float | None:
    """What the items of a score add up to: its value, unless it is not as it was made.

    None where they do not add up at all: made with settings that its file does not say.
    """
    totals = [sum(column) for column in zip(*score.statistics, strict=True)]
    try:
        return aggregate_of(score)(totals)
    except (ValueError, IndexError, ArithmeticError) as error:
        if isinstance(error, ConfigError):
            raise
        return None


def adds_up(score: Score) -> bool:
    """Whether the items of a score give its value, so that its resamples mean something."""
    total = total_of(score)
    return total is not None and abs(total - score.value) <= 1e-9 * max(1.0, abs(total))


def resampled(score: Score, draws: Draws, aggregate: Aggregate) -> Floats:
    """The score's value in every resample of its items, [R]; NaN where it has none."""
    order = sorted(range(len(score.ids)), key=score.ids.__getitem__)
    sorted_ids = tuple(score.ids[index] for index in order)
    statistics_NK = np.asarray(score.statistics, dtype=np.float64)[order]
    return values_of_resamples(statistics_NK, draws.items(sorted_ids), aggregate)


def values_of_resamples(
    statistics_NK: Floats, counts_RN: NDArray[np.integer], aggregate: Aggregate
) -> Floats:
    """The value of every resample, [R], given how often each item is in it."""
    values: list[float] = []
    for start in range(0, len(counts_RN), _ROWS_AT_ONCE):
        totals_RK = counts_RN[start : start + _ROWS_AT_ONCE].astype(np.float64) @ statistics_NK
        for totals in totals_RK.tolist():
            value = aggregate(totals)
            values.append(math.nan if value is None else value)
    return np.array(values)


def over_seeds(values_RS: Floats, seeds: Sequence[int], draws: Draws) -> Floats:
    """The mean over resampled seeds of each resample of items, [R]."""
    means: Floats = (values_RS * draws.seeds(seeds)).sum(axis=1)
    return means


def interval(values_R: Floats, level: float = LEVEL) -> Interval | None:
    """The percentile interval; None when fewer than half of the resamples have a value."""
    present = values_R[~np.isnan(values_R)]
    if 2 * len(present) < len(values_R) or len(present) == 0:
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(present, [tail, 1 - tail])
    return Interval(float(low), float(high))


def p_value(differences_R: Floats) -> float:
    """Two-sided p-value that belongs to the percentile interval, never below 2 / (R + 1).

    sacreBLEU's paired bootstrap counts one tail only, so that at .05 it errs in 10 % of the cases.
    """
    present = differences_R[~np.isnan(differences_R)]
    at_most = int((present <= _ROUNDING).sum())
    at_least = int((present >= -_ROUNDING).sum())
    return min(1.0, 2 * (1 + min(at_most, at_least)) / (len(present) + 1))


def incomparable(first: Sequence[Score], second: Sequence[Score]) -> str | None:
    """Why two configurations' scores of one metric cannot be compared; None when they can."""
    signatures = {score.signature for score in (*first, *second)}
    if len(signatures) > 1:
        return "different signatures: " + " / ".join(sorted(signatures))
    ids = set(first[0].ids)
    for score in (*first, *second):
        if set(score.ids) != ids:
            num_other = len(ids ^ set(score.ids))
            return f"not the same items: {num_other} of them are in one alone"
    return None


def paired_difference(
    first: Sequence[Score],
    second: Sequence[Score],
    *,
    seeds: tuple[Sequence[int], Sequence[int]],
    draws: Draws,
    aggregate: Aggregate,
    level: float = LEVEL,
) -> Difference:
    """First minus second, each the mean over its seeds (one score a seed), items paired.

    Raises:
        ValueError: The scores are not comparable.
    """
    reason = incomparable(first, second)
    if reason is not None:
        raise ValueError(reason)
    if _by_seed(first, seeds[0]) == _by_seed(second, seeds[1]):
        same = np.zeros((draws.num_resamples, len(first)))  # needs no resampling
        return difference_of(same, same, 0.0, seeds, draws, len(first[0].ids), level)
    columns = [
        np.stack([resampled(score, draws, aggregate) for score in scores], axis=1)
        for scores in (first, second)
    ]
    means = [fmean(score.value for score in scores) for scores in (first, second)]
    value = means[0] - means[1]
    return difference_of(columns[0], columns[1], value, seeds, draws, len(first[0].ids), level)


def _by_seed(scores: Sequence[Score], seeds: Sequence[int]) -> dict[int, frozenset[object]]:
    """What each item scored, per seed, without regard to order."""
    return {
        seed: frozenset(zip(score.ids, score.statistics, strict=True))
        for seed, score in zip(seeds, scores, strict=True)
    }


def difference_of(
    first_RS: Floats,
    second_RS: Floats,
    value: float,
    seeds: tuple[Sequence[int], Sequence[int]],
    draws: Draws,
    num_items: int,
    level: float = LEVEL,
) -> Difference:
    """The difference between resampled values that are there already (a suite's summary, say)."""
    both = over_seeds(first_RS, seeds[0], draws) - over_seeds(second_RS, seeds[1], draws)
    both[np.abs(both) <= _ROUNDING] = 0.0
    items_alone = first_RS.mean(axis=1) - second_RS.mean(axis=1)
    return Difference(
        value=0.0 if abs(value) <= _ROUNDING else value,
        interval=interval(both, level),
        p_value=p_value(both),
        spread=_spread(both),
        item_spread=_spread(items_alone),
        num_items=num_items,
        seeds_paired=len(seeds[0]) > 1 and sorted(seeds[0]) == sorted(seeds[1]),
    )


def _spread(values_R: Floats) -> float:
    present = values_R[~np.isnan(values_R)]
    return float(present.std()) if len(present) else 0.0


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values adjusted for their number (Holm 1979), in the order given.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)


def items_to_decide(difference: Difference, distance: float, level: float = LEVEL) -> int | None:
    """How many items, with the same seeds, would make the interval's half-width ``distance``.

    By the normal approximation: the items' share of the variance falls with their number, the
    seeds' share stays. None when no number of items is enough (more seeds might be).
    """
    if distance <= 0:
        return None
    quantile = NormalDist().inv_cdf(0.5 + level / 2)
    from_seeds = max(0.0, difference.spread**2 - difference.item_spread**2)
    left_for_items = (distance / quantile) ** 2 - from_seeds
    if left_for_items <= 0:
        return None
    needed = difference.num_items * difference.item_spread**2 / left_for_items
    return max(difference.num_items + 1, math.ceil(needed))
