"""Whether one new run of a trained configuration is worse than the runs of its baseline.

The baseline's runs tell how much runs differ by their seeds; that the new one does alike is
assumed. A key passes where the drop is shown to be below the tolerance (one-sided at 5 %; no
correction, as all keys must pass, Berger 1982). It regressed where a drop is shown (one-sided, by
Holm over the keys) and estimated beyond the tolerance. Else nothing can be said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.statistics.comparing import ALPHA, holm
from harness.statistics.crossed import (
    MIN_ITEMS,
    ROUNDING,
    Components,
    Sample,
    components_of,
    components_of_one_more,
)

MIN_BASELINE_SEEDS = 3
"""Fewer do not tell how runs differ; such a baseline judges the same run made again alone."""


class GateDecision(StrEnum):
    """What a gate says of a key."""

    PASS = "pass"
    REGRESSION = "regression"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Drop:
    """How much worse the new run is, positive where it is; in the metric's units.

    Attributes:
        value: Of the baseline's mean less the new run's, or the reverse where lower is better.
        components: Of its variance; None where no item differs, or there are too few.
        constant: Whether nothing differs at all.
    """

    value: float
    components: Components | None
    constant: bool = False

    @property
    def upper(self) -> float | None:
        """One-sided bound at 95 %; None where there is none."""
        if self.constant:
            return self.value
        if self.components is None:
            return None
        return self.value + float(self.components.half_width(1 - ALPHA))

    @property
    def p_value(self) -> float:
        """One-sided, against no drop; 1 where there is none."""
        if self.components is None or self.value <= 0:
            return 1.0
        return float(self.components.tail(self.value))


def drop_of(baseline: Sample, new: Sample, *, higher_is_better: bool) -> Drop:
    """How much worse one new run is than the baseline.

    Args:
        baseline: Three runs or more; or one without seeds: the same run, made again.
        new: One run, on the same items in the same order.
        higher_is_better: Direction.
    """
    loss = baseline.value - new.value
    value = loss if higher_is_better else -loss
    parts = (
        components_of_one_more(baseline, new) if baseline.seeds else components_of(baseline, new)
    )
    scale = max(1.0, abs(baseline.value), abs(new.value))
    if float(parts.variance) <= (ROUNDING * scale) ** 2:
        is_none = abs(value) <= ROUNDING * scale
        return Drop(0.0 if is_none else value, None, constant=is_none)
    return Drop(value, parts if baseline.num_items >= MIN_ITEMS else None)


def judge(drops: Mapping[str, Drop], tolerances: Mapping[str, float]) -> dict[str, GateDecision]:
    """The outcome of every key; what does not differ at all is no test of Holm's family."""
    tested = [key for key, drop in drops.items() if not drop.constant]
    adjusted = dict(zip(tested, holm([drops[key].p_value for key in tested]), strict=True))
    return {
        key: _outcome(drop, tolerances[key], adjusted.get(key, 1.0)) for key, drop in drops.items()
    }


def _outcome(drop: Drop, tolerance: float, p_value: float) -> GateDecision:
    upper = drop.upper
    if upper is not None and (drop.constant or upper < tolerance):
        return GateDecision.PASS
    if p_value <= ALPHA and drop.value > tolerance:
        return GateDecision.REGRESSION
    return GateDecision.UNDECIDED
