"""Whether new runs are worse than those of their baseline.

*The same run made again*, or another untrained model: no seeds, the items decide. *New runs of a
trained configuration*: the baseline's runs, three or more, tell how much runs differ by their
seeds; that the new ones do alike is assumed of one or two, while three are compared by their own
variance too (Welch). A key passes where the drop is shown to be below the tolerance (one-sided at
5 %; no correction, as all keys must pass, Berger 1982). It regressed where a drop is shown
(one-sided, by Holm over the keys) and estimated beyond the tolerance. Else nothing can be said.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from harness.statistics.comparing import ALPHA, holm
from harness.statistics.crossed import (
    MIN_ITEMS,
    ROUNDING,
    Components,
    ItemTable,
    Sample,
    components_of,
    components_of_new_runs,
)
from harness.statistics.planning import POWER

MIN_BASELINE_SEEDS = 3
"""Fewer do not tell how runs differ; such a baseline judges the same run made again alone."""


class GateDecision(StrEnum):
    """What a gate says of a key."""

    PASS = "pass"
    REGRESSION = "regression"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Drop:
    """How much worse the new runs are, positive where they are; in the metric's units.

    Attributes:
        value: Of the baseline's mean less that of the new runs, or the reverse where lower is
            better.
        components: Of its variance; None where all items moved alike, or there are too few.
        num_items: Both were measured on.
        constant: Whether nothing differs at all.
    """

    value: float
    components: Components | None
    num_items: int
    constant: bool = False

    def upper(self, alpha: float = ALPHA) -> float | None:
        """One-sided bound; None where there is none.

        Where all items moved by the same amount it is that amount: that six or more do so by chance
        is a matter of 1 in 2 ** 6.
        """
        if self.components is not None:
            return self.value + float(self.components.half_width(1 - alpha))
        return self.value if self.constant or self.num_items >= MIN_ITEMS else None

    @property
    def p_value(self) -> float:
        """One-sided, against no drop; 1 where there is none.

        That of the sign test where all items moved alike.
        """
        if self.value <= 0 or self.upper() is None:
            return 1.0
        if self.components is None:
            return math.ldexp(1.0, -self.num_items)
        return float(self.components.tail(self.value))

    def items_needed(self, tolerance: float, alpha: float = ALPHA) -> int | None:
        """About how many items would decide at 80 % power, by the normal approximation.

        For a true drop as large as was seen; None where no number of items does.
        """
        if self.components is None:
            return MIN_ITEMS if self.upper() is None else None
        distance = self.value if self.value > tolerance else tolerance - self.value
        errors = NormalDist().inv_cdf(1 - alpha) + NormalDist().inv_cdf(POWER)
        parts = self.components
        by_seeds = max(0.0, float(parts.seeds - parts.rest))
        left = (distance / errors) ** 2 - by_seeds
        if left <= 0:
            return None
        needed = self.num_items * (float(parts.variance) - by_seeds) / left
        return max(self.num_items + 1, math.ceil(needed))


def drop_of(baseline: Sample, new: Sample, *, higher_is_better: bool) -> Drop:
    """How much worse the new runs are than the baseline's.

    Args:
        baseline: Three runs or more of a trained configuration; or without seeds (see ``fixed``).
        new: On the same items in the same order; without seeds where the baseline has none.
        higher_is_better: Direction.
    """
    loss = baseline.value - new.value
    value = loss if higher_is_better else -loss
    if baseline.seeds and len(new.seeds) < MIN_BASELINE_SEEDS:
        parts = components_of_new_runs(baseline, new)
    else:
        parts = components_of(baseline, new)
    scale = max(1.0, abs(baseline.value), abs(new.value))
    if abs(value) <= ROUNDING * scale:
        value = 0.0
    is_none = float(parts.variance) <= (ROUNDING * scale) ** 2
    few = baseline.num_items < MIN_ITEMS
    return Drop(
        value,
        None if is_none or few else parts,
        baseline.num_items,
        constant=is_none and value == 0,
    )


def fixed(sample: Sample) -> Sample:
    """The mean of runs as one system without seeds: runs made again have those of the first."""
    return Sample(
        np.array([sample.value]),
        tuple(ItemTable(table.values_SN.mean(axis=0, keepdims=True)) for table in sample.tables),
    )


def judge(
    drops: Mapping[str, Drop], tolerances: Mapping[str, float], alpha: float = ALPHA
) -> dict[str, tuple[GateDecision, float]]:
    """The outcome of every key with its p-value by Holm.

    What does not differ at all is no test of Holm's family.
    """
    tested = [key for key, drop in drops.items() if not drop.constant]
    adjusted = dict(zip(tested, holm([drops[key].p_value for key in tested]), strict=True))
    return {
        key: (_outcome(drop, tolerances[key], p_value, alpha), p_value)
        for key, drop in drops.items()
        for p_value in (adjusted.get(key, 1.0),)
    }


def _outcome(drop: Drop, tolerance: float, p_value: float, alpha: float) -> GateDecision:
    upper = drop.upper(alpha)
    if upper is not None and (drop.constant or upper < tolerance):
        return GateDecision.PASS
    if p_value <= alpha and drop.value > tolerance:
        return GateDecision.REGRESSION
    return GateDecision.UNDECIDED
