"""Sums that keep the repeats of a judgement apart, so that any resample of items has its spread."""

from collections.abc import Sequence
from statistics import stdev, variance


def means_of_repeats(pairs: Sequence[float]) -> list[float]:
    """The mean of each repeat from sums and counts one after another; without those of nothing.

    >>> means_of_repeats((6.0, 2.0, 8.0, 2.0, 0.0, 0.0))
    [3.0, 4.0]
    """
    return [
        total / count for total, count in zip(pairs[::2], pairs[1::2], strict=True) if count > 0
    ]


def spread_of(pairs: Sequence[float], variances: tuple[float, float]) -> dict[str, float]:
    """How much the repeats differ: as wholes, and item by item.

    Args:
        pairs: As for ``means_of_repeats``.
        variances: Sum over items of the variance between repeats, and their number.
    """
    means = means_of_repeats(pairs)
    found = {"sd_between_repeats": stdev(means)} if len(means) > 1 else {}
    total, count = variances
    return found | ({"sd_within_items": (total / count) ** 0.5} if count else {})


def variance_of(values: Sequence[float | None]) -> tuple[float, float]:
    """The variance of what repeats gave and 1, or 0 and 0 where fewer than two gave anything."""
    given = [value for value in values if value is not None]
    return (variance(given), 1.0) if len(given) > 1 else (0.0, 0.0)


def sum_and_count(values: Sequence[float | None]) -> tuple[float, float]:
    """Of what is given.

    >>> sum_and_count((3.0, None, 4.5))
    (7.5, 2.0)
    """
    given = [value for value in values if value is not None]
    return float(sum(given)), float(len(given))


def mean_over_repeats(pairs: Sequence[float]) -> float | None:
    """The mean of the means of the repeats; None where there is nothing.

    >>> mean_over_repeats((6.0, 2.0, 8.0, 2.0))
    3.5
    """
    means = means_of_repeats(pairs)
    return sum(means) / len(means) if means else None
