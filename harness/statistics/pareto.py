"""Dominance, fronts and hypervolume: pure functions on points.

A point is a sequence of objective values. ``maximize`` says per objective which way is better.
Hypervolume follows While, Bradstreet and Barone, "A Fast Way of Calculating Exact Hypervolumes"
(2012): exact, by exclusive contributions, with a sweep where two objectives are left.
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

Point: TypeAlias = Sequence[float]

MAX_OBJECTIVES = 4


def front(points: Sequence[Point], maximize: Sequence[bool]) -> tuple[int, ...]:
    """Indices of the points that none dominates, ascending; equal points stay together.

    >>> front([[1, 1], [2, 0], [0, 0], [1, 1]], maximize=[True, True])
    (0, 1, 3)
    """
    losses = _losses(points, maximize)
    return tuple(
        index
        for index, point in enumerate(losses)
        if not any(_dominates(other, point) for other in losses)
    )


def hypervolume(
    points: Sequence[Point],
    *,
    maximize: Sequence[bool],
    reference: Sequence[float],
    scale: Sequence[float] | None = None,
) -> float:
    """Volume between the reference and what the points dominate, in units of ``scale``.

    Args:
        points: Those no better than the reference in some objective add nothing.
        maximize: Direction per objective; one to four objectives.
        reference: The worst value that still counts, per objective.
        scale: One unit of each objective, > 0; 1 when not given.

    >>> hypervolume([[0.5, 0.5]], maximize=[True, True], reference=[0, 0], scale=[1, 0.5])
    0.5
    """
    gains = _gains(points, maximize, reference, scale)
    return _volume(_maximal([gain for gain in gains if gain is not None]))


def hypervolume_over_trials(
    points: Sequence[Point | None],
    *,
    maximize: Sequence[bool],
    reference: Sequence[float],
    scale: Sequence[float] | None = None,
) -> tuple[float, ...]:
    """Hypervolume after each trial; None stands for a failed or infeasible one."""
    kept: list[tuple[float, ...]] = []
    total, history = 0.0, []
    for gain in _gains(points, maximize, reference, scale):
        if gain is not None and not any(_covers(other, gain) for other in kept):
            total += _exclusive(gain, kept)
            kept = [other for other in kept if not _covers(gain, other)] + [gain]
        history.append(total)
    return tuple(history)


def _losses(points: Sequence[Point], maximize: Sequence[bool]) -> list[tuple[float, ...]]:
    return [
        tuple(
            -value if more else value for value, more in zip(_checked(point), maximize, strict=True)
        )
        for point in points
    ]


def _checked(point: Point) -> Point:
    if any(math.isnan(value) for value in point):
        raise ValueError(f"found {list(point)}: a point with NaN has no place in an order")
    return point


def _dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a <= b for a, b in zip(first, second, strict=True))


def _gains(
    points: Sequence[Point | None],
    maximize: Sequence[bool],
    reference: Sequence[float],
    scale: Sequence[float] | None,
) -> list[tuple[float, ...] | None]:
    """Per point how far it is beyond the reference, in units; None where it is not, or is None."""
    units = [1.0] * len(maximize) if scale is None else list(scale)
    if not 1 <= len(maximize) <= MAX_OBJECTIVES:
        raise ValueError(f"found {len(maximize)} objectives, allowed 1 to {MAX_OBJECTIVES}")
    if any(not unit > 0 for unit in units):
        raise ValueError(f"scale: found {units}, allowed numbers above 0")
    gains: list[tuple[float, ...] | None] = []
    for point in points:
        if point is None:
            gains.append(None)
            continue
        terms = zip(_checked(point), reference, maximize, units, strict=True)
        gain = tuple(
            (value - worst if more else worst - value) / unit for value, worst, more, unit in terms
        )
        gains.append(gain if min(gain) > 0 else None)
    return gains


def _covers(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return all(a >= b for a, b in zip(first, second, strict=True))


def _maximal(gains: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """The gains no other covers, each once, the best first coordinate first."""
    kept: list[tuple[float, ...]] = []
    for gain in sorted(set(gains), reverse=True):
        # Whatever covers a gain sorts before it, so one pass is enough.
        if not any(_covers(other, gain) for other in kept):
            kept.append(gain)
    return kept


def _volume(gains: list[tuple[float, ...]]) -> float:
    """Volume of the union of boxes from 0 to each gain; ``gains`` as ``_maximal`` gives them."""
    if not gains:
        return 0.0
    if len(gains[0]) <= 2:
        return _area(gains)
    return math.fsum(_exclusive(gain, gains[index + 1 :]) for index, gain in enumerate(gains))


def _area(gains: list[tuple[float, ...]]) -> float:
    if len(gains[0]) == 1:
        return gains[0][0]
    # The first coordinate falls and the second rises from gain to gain.
    heights = [0.0] + [gain[1] for gain in gains[:-1]]
    return math.fsum(
        gain[0] * (gain[1] - below) for gain, below in zip(gains, heights, strict=True)
    )


def _exclusive(gain: tuple[float, ...], others: Sequence[tuple[float, ...]]) -> float:
    """What the box of ``gain`` adds to the union of the others' boxes."""
    limited = [tuple(map(min, other, gain)) for other in others]
    return math.prod(gain) - _volume(_maximal(limited))
