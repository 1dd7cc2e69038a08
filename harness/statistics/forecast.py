"""What a plan says of a key, from how the runs that there are vary.

All their configurations tell of it together: of any quadratic form Q, such as each part of a
variance is, the mean of ``Q(x_c - x_d)`` over the pairs of C configurations is ``2 / (C - 1)``
times the sum of ``Q(x_c - mean)``. That configurations yet to be run vary as these do is assumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from scipy import special

from harness.statistics.crossed import Components, Floats, ItemTable, Sample, components_of
from harness.statistics.planning import (
    POWER,
    Units,
    items_needed,
    least_amount,
    power,
    seeds_needed,
)

Aim: TypeAlias = Literal["difference", "tolerance"]
Growth: TypeAlias = Literal["nothing", "either", "seeds", "items", "both", "beyond"]
Range: TypeAlias = tuple[int | None, int | None]

MORE_SEEDS = (10, 20, 50, 100)
"""Numbers of seeds tried where neither seeds nor items alone are enough."""
FEW_DF = 30
"""Degrees of freedom from which on what is known of the seeds' variance counts as known."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How runs that there are vary, for configurations that are yet to be run.

    Attributes:
        difference: Of two configurations.
        one_more: Of a configuration's new run and the mean of its others.
        df: Degrees of freedom of what is known of the seeds; None where it is stated, not
            estimated.
        num_items: On which that was seen.
        most_item: The largest ``difference.item`` in question where a single configuration tells
            nothing of two: that half of what sets items apart is a configuration's own.
    """

    difference: Units
    one_more: Units
    df: float | None
    num_items: int
    most_item: float | None = None

    def likely(self, aim: Aim) -> tuple[Units, Units]:
        """Units as small and as large as what was seen leaves open, at 80 %.

        By the chi-squared distribution of the seeds' sum of squares, which holds a share of the
        rest.
        """
        units = self.difference if aim == "difference" else self.one_more
        low, high = units, units
        if self.df is not None and self.df < FEW_DF:
            factors = (self.df / float(special.chdtri(self.df, tail)) for tail in (0.1, 0.9))
            rest = units.rest / self.num_items
            low, high = (
                replace(units, seed=max(0.0, (units.seed + rest) * factor - rest))
                for factor in factors
            )
        if aim == "difference" and self.most_item is not None:
            high = replace(high, item=self.most_item)
        return low, high


def spread_of(samples: Sequence[Sample]) -> Spread:
    """What configurations of two seeds or more, on the same items, tell of others.

    Where all ran with the same seeds, so will those that are planned.
    """
    single = [components_of(sample) for sample in samples]
    seeds = np.array([len(sample.seeds) for sample in samples], dtype=np.float64)
    num_items = samples[0].num_items
    rest = float(np.mean([float(parts.rest) * n for parts, n in zip(single, seeds, strict=True)]))
    by_configuration = np.array([float(part.seeds) for part in single]) * seeds
    of_one = max(0.0, float(by_configuration.mean()) - rest)
    one_more = Units(0.0, of_one, rest * num_items, "one more")
    num = len(samples)
    if num > 1 and len({tuple(sorted(sample.seeds)) for sample in samples}) == 1:
        difference, by_configuration = _common(samples)
        shared = (num - 1) / num
    else:
        item, most_item = _separate_items(samples, single)
        difference = Units(item, 2 * of_one, 2 * rest * num_items, "separate")
        shared = 1.0
    squares = float((by_configuration**2 / (seeds - 1)).sum())
    df = shared * float(by_configuration.sum()) ** 2 / squares if squares else float(seeds[0] - 1)
    most = most_item if num == 1 else None
    return Spread(difference, one_more, max(1.0, df), num_items, most)


def _common(samples: Sequence[Sample]) -> tuple[Units, Floats]:
    """Of differences where the seeds are common; and by configuration the seeds' share."""
    ordered = [_by_seed(sample) for sample in samples]
    parts = [components_of(sample) for sample in _deviations(ordered)]
    factor = 2 / (len(samples) - 1)
    num_items, num_seeds = samples[0].num_items, len(samples[0].seeds)
    items, seeds, rest = (
        factor * float(sum(shares))
        for shares in zip(*((part.items, part.seeds, part.rest) for part in parts), strict=True)
    )
    units = Units(
        max(0.0, items - rest) * num_items,
        max(0.0, seeds - rest) * num_seeds,
        rest * num_seeds * num_items,
        "common",
    )
    return units, np.array([float(part.seeds) for part in parts])


def _separate_items(samples: Sequence[Sample], single: Sequence[Components]) -> tuple[float, float]:
    """Of differences the items' part, without the rest; the second where that is a guess."""
    num_items = samples[0].num_items
    rest = float(np.mean([float(part.rest) for part in single]))
    if len(samples) == 1:
        return 0.0, max(0.0, float(single[0].items) - rest) * num_items
    means = [
        Sample(
            np.array([sample.value]),
            tuple(ItemTable(t.values_SN.mean(axis=0, keepdims=True)) for t in sample.tables),
        )
        for sample in samples
    ]
    items = 2 / (len(samples) - 1) * sum(float(components_of(d).items) for d in _deviations(means))
    item = max(0.0, items - 2 * rest) * num_items
    return item, item


def _by_seed(sample: Sample) -> Sample:
    order = np.argsort(sample.seeds)
    tables = tuple(ItemTable(table.values_SN[order]) for table in sample.tables)
    return Sample(sample.values_S[order], tables, tuple(sorted(sample.seeds)))


def _deviations(samples: Sequence[Sample]) -> list[Sample]:
    """Of each from the mean of all."""
    values_S = np.mean([sample.values_S for sample in samples], axis=0)
    tables = [
        np.mean([table.values_SN for table in of_benchmark], axis=0)
        for of_benchmark in zip(*(sample.tables for sample in samples), strict=True)
    ]
    return [
        Sample(
            sample.values_S - values_S,
            tuple(
                ItemTable(own.values_SN - mean_SN)
                for own, mean_SN in zip(sample.tables, tables, strict=True)
            ),
            sample.seeds,
        )
        for sample in samples
    ]


def stated(
    sd_seeds: float, sd_items: float, sd_rest: float | None, *, num_items: int, common: bool
) -> Spread:
    """Of guesses instead of runs.

    Args:
        sd_seeds: How far a configuration's value goes from seed to seed: a standard deviation, in
            the metric's units.
        sd_items: Of an item's difference between two configurations, each run once.
        sd_rest: Of an item's score from seed to seed, over and above ``sd_seeds``; ``sd_items``
            contains it twice. Where None, the careful guess: nothing of ``sd_items`` for two
            configurations, so that seeds do not lessen it, and all of it for one.
        num_items: That are to be asked.
        common: Whether both sides are to run with the same seeds.
    """
    rest = 0.0 if sd_rest is None else sd_rest**2
    of_one = sd_items**2 / 2 if sd_rest is None else rest
    item = max(0.0, sd_items**2 - 2 * rest)
    difference = Units(item, 2 * sd_seeds**2, 2 * rest, "common" if common else "separate")
    one_more = Units(0.0, sd_seeds**2, of_one, "one more")
    return Spread(difference, one_more, None, num_items)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a number of seeds and items shows of a key; ranges where too little is known for more.

    Attributes:
        key: Of the scores.
        aim: A difference between two configurations that is to be shown, or a tolerance that one
            more run is to be shown to keep.
        amount: How large it is.
        likely: Units as small and as large as they may be.
        num_seeds: Planned a side, or of the baseline.
        num_items: Planned.
        least_power: How often it is to turn out so.
    """

    key: str
    aim: Aim
    amount: float
    likely: tuple[Units, Units]
    num_seeds: int
    num_items: int
    least_power: float = POWER

    @property
    def power(self) -> tuple[float, float]:
        """How often that turns out so, at worst and at best."""
        best, worst = (
            power(units, self.amount, self.num_seeds, self.num_items) for units in self.likely
        )
        return worst, best

    @property
    def least(self) -> tuple[float, float]:
        """The smallest amount for which these seeds and items are enough, at best and at worst."""
        best, worst = (
            least_amount(units, self.num_seeds, self.num_items, self.least_power)
            for units in self.likely
        )
        return best, worst

    @property
    def seeds(self) -> Range:
        """How many are enough with these items, at best and at worst; None where none are."""
        best, worst = (
            seeds_needed(units, self.amount, self.num_items, self.least_power)
            for units in self.likely
        )
        return best, worst

    def items(self, num_seeds: int) -> Range:
        """How many are enough with so many seeds, likewise."""
        best, worst = (
            items_needed(units, self.amount, num_seeds, self.least_power) for units in self.likely
        )
        return best, worst

    @property
    def growth(self) -> Growth:
        """What must grow at worst, until it is enough."""
        return self._growth(1)

    @property
    def growth_at_best(self) -> Growth:
        """What must grow at best."""
        return self._growth(0)

    def _growth(self, end: Literal[0, 1]) -> Growth:
        if self.power[1 - end] >= self.least_power:
            return "nothing"
        by_seeds, by_items = self.seeds[end], self.items(self.num_seeds)[end]
        if by_seeds is not None and by_items is not None:
            return "either"
        if by_seeds is None and by_items is None:
            return "beyond" if self.together is None else "both"
        return "seeds" if by_items is None else "items"

    @property
    def together(self) -> tuple[int, int] | None:
        """Seeds and items that are enough at worst, with as few answers as may be."""
        pairs = [(num, self.items(num)[1]) for num in MORE_SEEDS]
        enough = [(seeds, items) for seeds, items in pairs if items is not None]
        return min(enough, key=lambda pair: pair[0] * pair[1], default=None)
