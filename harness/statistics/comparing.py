"""What may be said of a difference: better, worse, equivalent, no worse, or undecided.

Margins are set before a run: what is too small to matter. *No worse* is one-sided at 5 %: the
lower bound lies above minus the margin. *Equivalent* is two such tests (Schuirmann 1987). *Better*
and *worse* are two-sided, by Holm's p wherever a family is declared. That no difference is shown is
none of these: it is undecided.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from harness.statistics.crossed import (
    LEVEL,
    MIN_ITEMS,
    ROUNDING,
    Components,
    Sample,
    components_of,
    is_paired,
)

ALPHA = 0.05


class Decision(StrEnum):
    """About the first of two systems; the first that holds, in this order."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    NOT_WORSE = "not_worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """First minus second, in the metric's units.

    Attributes:
        value: Of the means over the runs.
        low: Lower bound of the 95 % interval; None where there is none (too few items, or a
            variance of zero about a difference that is not zero).
        high: Its upper bound.
        p_value: Two-sided, not adjusted; None where nothing can be decided.
        num_items: Items, or clusters of them, both were measured on.
        num_seeds: Of the first and of the second; None for a system without seeds.
        paired: Whether both ran with the same seeds.
        items_only: Whether the interval leaves seeds out though a side was trained (with one).
        constant: Whether no item differs at all: nothing that a family of tests should count.
        components: Of the variance; None where there is no interval.
    """

    value: float
    low: float | None
    high: float | None
    p_value: float | None
    num_items: int
    num_seeds: tuple[int | None, int | None]
    paired: bool
    items_only: bool
    constant: bool
    components: Components | None


def compare(first: Sample, second: Sample) -> Comparison:
    """The first system less the second, on the same items in the same order."""
    value = first.value - second.value
    items_only = first.is_one_seed or second.is_one_seed
    parts = components_of(first, second)
    scale = max(1.0, abs(first.value), abs(second.value))
    if abs(value) <= ROUNDING * scale:
        value = 0.0
    is_zero = float(parts.variance) <= (ROUNDING * scale) ** 2
    constant = is_zero and value == 0.0
    low = high = p_value = None
    if constant:
        low, high, p_value = 0.0, 0.0, 1.0
    elif not is_zero and first.num_items >= MIN_ITEMS:
        half = float(parts.half_width(0.5 + LEVEL / 2))
        low, high = value - half, value + half
        p_value = min(1.0, 2 * float(parts.tail(abs(value))))
    return Comparison(
        value,
        low,
        high,
        None if items_only else p_value,
        first.num_items,
        (_num_seeds(first), _num_seeds(second)),
        is_paired(first, second),
        items_only,
        constant,
        None if is_zero else parts,
    )


def _num_seeds(sample: Sample) -> int | None:
    return len(sample.seeds) or None


def decide(
    comparison: Comparison,
    *,
    higher_is_better: bool,
    margin: float | None = None,
    p_value: float | None = None,
) -> Decision:
    """What may be said of the first.

    Args:
        comparison: The difference.
        higher_is_better: The metric's direction.
        margin: What is too small to matter, in the metric's units; None leaves better, worse and
            undecided.
        p_value: Adjusted for a family; the comparison's own where None.
    """
    if comparison.p_value is None:
        return Decision.UNDECIDED
    p_value = comparison.p_value if p_value is None else p_value
    gain = comparison.value if higher_is_better else -comparison.value
    if p_value <= ALPHA and gain:
        return Decision.BETTER if gain > 0 else Decision.WORSE
    if is_within(comparison, margin):
        return Decision.EQUIVALENT
    if margin is not None and gain - _one_sided(comparison) > -margin:
        return Decision.NOT_WORSE
    return Decision.UNDECIDED


def is_within(comparison: Comparison, margin: float | None) -> bool:
    """Whether the difference is shown to be smaller than the margin, in both directions."""
    if margin is None or comparison.p_value is None:
        return False
    return abs(comparison.value) + _one_sided(comparison) < margin


def _one_sided(comparison: Comparison) -> float:
    """Distance of the one-sided bounds from the value."""
    if comparison.components is None:
        return 0.0
    return float(comparison.components.half_width(1 - ALPHA))


def interval(sample: Sample) -> tuple[float, float] | None:
    """The 95 % interval of one system's value.

    None where there is none: too few items, or all alike, which does not say how far others are.
    """
    if sample.num_items < MIN_ITEMS or not np.all(np.isfinite(sample.values_S)):
        return None
    half = float(components_of(sample).half_width(0.5 + LEVEL / 2))
    scale = max(1.0, abs(sample.value))
    if not ROUNDING * scale < half < math.inf:
        return None
    return sample.value - half, sample.value + half


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
