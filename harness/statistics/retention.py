"""How much of the untuned model's ability a tuned one keeps: (tuned - chance) / (base - chance).

A ratio says nothing where its denominator may be noise, so there is none unless the base is above
chance by its own 95 % interval and by ``MARGIN`` of the scale; and none where lower is better, as a
rate of failures is no ability.

The interval is Fieller's (1954): all ratios r for which ``(tuned - chance) - r (base - chance)`` is
not shown to differ from 0, items paired and seeds crossed with them as in
``harness.statistics.crossed``. Of a mean of several ratios it is that of their linear parts (the
delta method).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.records import SummaryKey, SummaryPart, TrialResult
from harness.statistics.comparing import interval
from harness.statistics.crossed import LEVEL, MIN_ITEMS, Sample, components_of
from harness.statistics.estimates import Estimate
from harness.statistics.samples import Samples, incomparable

MARGIN = 0.1
"""Of the scale: so far above chance the base has to be."""
_FARTHEST = 1e3
"""Where a bound of a ratio is given up as none."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A benchmark's ratio: the samples, and how far the base is above chance."""

    tuned: Sample
    base: Sample
    chance: float

    @property
    def distance(self) -> float:
        return self.base.value - self.chance

    @property
    def ratio(self) -> float:
        return (self.tuned.value - self.chance) / self.distance

    def contrast(self, ratio: float) -> Sample:
        """The tuned model's distance from chance less a multiple of the base's."""
        return Sample(
            self.tuned.values_S - self.chance - ratio * self.distance,
            tuple(
                replace(mine, values_SN=mine.values_SN - ratio * theirs.values_SN)
                for mine, theirs in zip(self.tuned.tables, self.base.tables, strict=True)
            ),
            self.tuned.seeds,
        )


def kept_of_part(
    runs: Sequence[TrialResult], base: TrialResult, part: SummaryPart, samples: Samples
) -> Estimate | None:
    """How much of a benchmark's score above chance a configuration keeps; None where none is.

    Args:
        runs: Of the configuration, one a seed.
        base: The untuned model's result.
        part: The benchmark's part in its suite: its scale and what chance reaches.
        samples: Of all results.
    """
    kept = _kept(runs, base, part, samples)
    if kept is None:
        return None
    bounds = [_bound(kept, towards) for towards in (-1, 1)]
    return Estimate(kept.ratio, *(() if None in bounds else bounds))


def kept_of_base(
    runs: Sequence[TrialResult], base: TrialResult | None, key: SummaryKey, samples: Samples
) -> Estimate | None:
    """The mean over those benchmarks of a suite of which any can be said; None without one."""
    if base is None or not runs:
        return None
    parts = (_kept(runs, base, part, samples) for part in runs[0].summary_parts.get(key, ()))
    present = [kept for kept in parts if kept is not None]
    if not present:
        return None
    tables, values_S = [], np.zeros(len(present[0].tuned.values_S))
    for kept in present:
        weight = 1 / (kept.distance * len(present))
        linear = kept.contrast(kept.ratio)
        values_S = values_S + weight * linear.values_S
        tables += [replace(one, values_SN=weight * one.values_SN) for one in linear.tables]
    mean = sum(kept.ratio for kept in present) / len(present)
    return Estimate(mean, *(interval(Sample(values_S + mean, tuple(tables), linear.seeds)) or ()))


def _kept(
    runs: Sequence[TrialResult], base: TrialResult, part: SummaryPart, samples: Samples
) -> _Kept | None:
    tuned, untuned = samples.of_runs(runs, part.key), samples.of_runs([base], part.key)
    if tuned is None or untuned is None or tuned.sample is None or untuned.sample is None:
        return None
    if part.worst > part.best or incomparable(tuned, untuned) is not None:
        return None
    kept = _Kept(tuned.sample, untuned.sample, part.worst if part.chance is None else part.chance)
    lowest = _lowest(untuned.sample, part)
    is_clear = lowest is not None and lowest > kept.chance
    return kept if is_clear and kept.distance >= MARGIN * (part.best - part.worst) else None


def _lowest(base: Sample, part: SummaryPart) -> float | None:
    """The lower 95 % bound of the base; None with too few items.

    Of items that all score alike it is the exact one of a share (Clopper and Pearson 1934).
    """
    own = interval(base)
    if own is not None or base.num_items < MIN_ITEMS:
        return None if own is None else own[0]
    widest = 1 - math.pow(0.025, 1 / base.num_items)
    return base.value - (part.best - part.worst) * widest


def _bound(kept: _Kept, towards: int) -> float | None:
    """The last ratio, up or down, that is not shown to be another; None where there is none."""

    def differs(step: float) -> bool:
        contrast = kept.contrast(kept.ratio + towards * step)
        half = float(components_of(contrast).half_width(0.5 + LEVEL / 2))
        return abs(contrast.value) > half

    step = 1e-3
    while not differs(step):
        step *= 2
        if step > _FARTHEST:
            return None
    inside, outside = 0.0, step
    for _ in range(40):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if differs(middle) else (middle, outside)
    return kept.ratio + towards * inside
