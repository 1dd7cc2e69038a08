"""How many seeds and items show a difference of a given size, from the parts of its variance.

The power of the t test with Satterthwaite's degrees of freedom, by the noncentral t distribution;
the normal formula (2.8 standard errors) promises .80 and gives .64 to .75 at five seeds.

Shapes: S seeds a side, N items.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy import special

from harness.statistics.comparing import ALPHA, Comparison
from harness.statistics.crossed import MIN_ITEMS, Components

POWER = 0.8
MIN_SEEDS = 5
"""Fewer are never planned: two or three seeds have little power whatever the number of items."""
MOST_SEEDS = 100
MOST_ITEMS = 1_000_000
MOST_ERRORS = 30.0
"""So many standard errors are always shown; of more the noncentral t has no value at times."""

Design: TypeAlias = Literal["common", "separate", "one side", "none", "one more"]


@dataclass(frozen=True, slots=True)
class Units:
    """The variance of a difference by what it comes from, for one item and one seed a side.

    Attributes:
        item: Of an item's difference, without what a seed does to it.
        seed: Of the difference by the seeds, of both sides together where they are separate.
        rest: Of an item with a seed, likewise.
        design: Whether the seeds are common to both sides or separate, or one side or both have
            none; "one more" is a baseline of so many seeds and one new run.
    """

    item: float
    seed: float
    rest: float
    design: Design

    def variance(self, num_seeds: int, num_items: float) -> Components:
        """What they come to."""
        times = 1 / num_seeds + (1 if self.design == "one more" else 0)
        rest = self.rest * times / num_items
        sides = 2 if self.design == "separate" else 1
        return Components(
            np.asarray(self.item / num_items + rest),
            np.asarray(self.seed * times + rest),
            np.asarray(rest),
            num_items - 1,
            np.asarray(math.inf if self.design == "none" else float(sides * (num_seeds - 1))),
        )


@dataclass(frozen=True, slots=True)
class Needed:
    """What would decide: this many seeds with the items there are, or items with the seeds.

    Attributes:
        difference: What is to be shown: the margin, else the difference that was seen.
        seeds: None where seeds have no part in it, or 100 are not enough.
        items: None where a million are not enough.
    """

    difference: float
    seeds: int | None
    items: int | None


def units_of(comparison: Comparison) -> Units | None:
    """Those of a comparison; parts estimated below 0 are 0. None where it has no interval."""
    parts = comparison.components
    if parts is None:
        return None
    items, seeds, rest = (float(part) for part in (parts.items, parts.seeds, parts.rest))
    num_items = comparison.num_items
    counts = [count for count in comparison.num_seeds if count is not None and count > 1]
    item = max(0.0, items - rest) * num_items
    if not counts:
        return Units(item, 0.0, 0.0, "none")
    num_seeds = len(counts) / sum(1 / count for count in counts)
    design: Design = (
        "common" if comparison.paired else "separate" if len(counts) == 2 else "one side"
    )
    seed = max(0.0, seeds - rest) * num_seeds
    return Units(item, seed, rest * num_seeds * num_items, design)


def needed(comparison: Comparison, margin: float | None = None) -> Needed | None:
    """What would have decided, at 80 % power; None where nothing is known of the variance.

    With a margin: what shows a true difference as large as it. Else one as large as was seen.
    """
    units = units_of(comparison)
    difference = abs(comparison.value) if margin is None else margin
    if units is None or comparison.items_only or difference == 0:
        return None
    counts = [count for count in comparison.num_seeds if count is not None]
    seeds = seeds_needed(units, difference, comparison.num_items) if counts else None
    items = items_needed(units, difference, max(MIN_SEEDS, min(counts, default=MIN_SEEDS)))
    return Needed(difference, seeds, items)


def power(units: Units, amount: float, num_seeds: int, num_items: float) -> float:
    """How often it turns out as hoped.

    Of two configurations: that a true difference of this size is shown, at 5 % and two-sided. Of
    one more run: that without a true drop, one as large as this is ruled out, one-sided.
    """
    variance = units.variance(num_seeds, num_items)
    total = float(variance.variance)
    if total == 0:
        return 1.0
    df = float(variance.df)
    tail = ALPHA if units.design == "one more" else ALPHA / 2
    away = min(abs(amount) / math.sqrt(total), MOST_ERRORS)
    return 1 - float(special.nctdtr(df, away, special.stdtrit(df, 1 - tail)))


def seeds_needed(
    units: Units, amount: float, num_items: int, least_power: float = POWER
) -> int | None:
    """The least number of seeds a side, from five on; None where 100 are not enough."""
    for num_seeds in range(MIN_SEEDS, MOST_SEEDS + 1):
        if power(units, amount, num_seeds, num_items) >= least_power:
            return num_seeds
    return None


def items_needed(
    units: Units, amount: float, num_seeds: int, least_power: float = POWER
) -> int | None:
    """The least number of items; None where a million are not enough: the seeds must grow."""
    if power(units, amount, num_seeds, MOST_ITEMS) < least_power:
        return None
    low, high = MIN_ITEMS, MOST_ITEMS
    while low < high:
        middle = (low + high) // 2
        if power(units, amount, num_seeds, middle) >= least_power:
            high = middle
        else:
            low = middle + 1
    return low


def least_amount(units: Units, num_seeds: int, num_items: int, least_power: float = POWER) -> float:
    """The smallest amount with this power."""
    scale = math.sqrt(float(units.variance(num_seeds, num_items).variance))
    low, high = 0.0, 1000.0 * scale
    for _ in range(60):
        middle = (low + high) / 2
        if power(units, middle, num_seeds, num_items) >= least_power:
            high = middle
        else:
            low = middle
    return high
