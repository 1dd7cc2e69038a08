"""Weighted sums of samples as samples of their own: whole fronts, and a point between two others.

What depends smoothly on several means varies, to first order, as the sum of them weighted with its
derivatives (the delta method), and that sum has items and seeds like any value: so a front's
hypervolume and a method at another's translation get the intervals of
``harness.statistics.crossed`` and are compared by them. How often those cover is simulated in
``tests/statistics/fronts.md``.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np

from harness.records import Objective
from harness.statistics.crossed import Floats, ItemTable, Sample, components_of
from harness.statistics.pareto import hypervolume

MIN_APART = 4.0
"""Standard errors between a rival's two points; from nearer ones false positives reach .10."""

Name = TypeVar("Name", bound=Hashable)


def combined(parts: Sequence[tuple[float, Sample]], value: float) -> Sample | None:
    """The sum of samples, each with a weight, moved to a value; None unless all have equal seeds.

    Tables of the same items are added item by item.
    """
    seeds = tuple(sorted(parts[0][1].seeds))
    if any(tuple(sorted(sample.seeds)) != seeds for _, sample in parts):
        return None
    tables: dict[Hashable, ItemTable] = {}
    values_S: Floats = np.zeros(len(parts[0][1].values_S))
    for number, (weight, sample) in enumerate(parts):
        order = np.argsort(sample.seeds) if seeds else np.arange(len(sample.values_S))
        values_S = values_S + weight * sample.values_S[order]
        for index, table in enumerate(sample.tables):
            name: Hashable = table.items or (number, index)
            more = weight * table.values_SN[order]
            before = tables.get(name)
            tables[name] = ItemTable(
                more if before is None else before.values_SN + more, table.items
            )
    values_S = values_S + (value - math.fsum(values_S) / len(values_S))
    return Sample(values_S, tuple(tables.values()), seeds)


def volume_sample(
    points: Sequence[Sequence[Sample]], objectives: Sequence[Objective]
) -> Sample | None:
    """The hypervolume that points dominate; None unless all have equal seeds.

    Args:
        points: Per point one sample per objective.
        objectives: Their directions, references and scales.
    """
    values = [[sample.value for sample in point] for point in points]
    volume = _volume(values, objectives)
    parts = [
        (_slope(values, objectives, index, axis, volume), sample)
        for index, point in enumerate(points)
        for axis, sample in enumerate(point)
    ]
    return combined(parts, volume)


def _volume(values: Sequence[Sequence[float]], objectives: Sequence[Objective]) -> float:
    return hypervolume(
        values,
        maximize=[objective.maximize for objective in objectives],
        reference=[objective.reference for objective in objectives],
        scale=[objective.scale for objective in objectives],
    )


def _slope(
    values: Sequence[Sequence[float]],
    objectives: Sequence[Objective],
    index: int,
    axis: int,
    volume: float,
) -> float:
    """The volume's derivative by one coordinate: it is linear in each, up to the next point."""
    step = 1e-7 * objectives[axis].scale
    moved = [list(point) for point in values]
    moved[index][axis] += step
    return (_volume(moved, objectives) - volume) / step


@dataclass(frozen=True, slots=True)
class Matched:
    """Two systems at the same value of the task, ready to compare.

    Attributes:
        own: The system.
        rival: What lies between the rival's two points.
        apart: How far these are from each other in the task, in standard errors.
    """

    own: Sample
    rival: Sample
    apart: float

    @property
    def tells(self) -> bool:
        """Whether anything may be decided: from points hardly apart a line has no sure slope."""
        return self.apart >= MIN_APART


def at_matched(
    samples: Mapping[Name, Sample], rivals: Sequence[Mapping[Name, Sample]], task: Name, key: Name
) -> Matched | None:
    """A system and a rival brought to its value of the task, at another key.

    The rival is what lies on the straight line between its two points next to that value. Value
    and weights come from the same items and seeds as the rest: each side carries, times the slope
    of that line, its own part of the task, so that the difference varies as it should.

    Args:
        samples: Of the system, by name.
        rivals: Of the rival's points.
        task: Name of what is matched.
        key: Name of what is compared.

    Returns:
        None where the value lies outside the rival's, or its points have other seeds.
    """
    mine = samples[task].value
    path = sorted(rivals, key=lambda point: point[task].value)
    for low, high in pairwise(path):
        below, above = low[task].value, high[task].value
        if below <= mine <= above and above > below:
            weight = (mine - below) / (above - below)
            slope = (high[key].value - low[key].value) / (above - below)
            between = (1 - weight) * low[key].value + weight * high[key].value
            own = combined([(1.0, samples[key]), (-slope, samples[task])], samples[key].value)
            rival = combined(
                [
                    (share * factor, point[name])
                    for share, point in ((1 - weight, low), (weight, high))
                    for factor, name in ((1.0, key), (-slope, task))
                ],
                between,
            )
            error = math.sqrt(float(components_of(high[task], low[task]).variance))
            apart = (above - below) / error if error > 0 else math.inf
            return None if own is None or rival is None else Matched(own, rival, apart)
    return None
