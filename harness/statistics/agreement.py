"""How far two labellings of the same items agree."""

from collections.abc import Sequence


def cohens_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Agreement of two labellings beyond chance (Cohen 1960); None when chance alone agrees always.

    >>> cohens_kappa(["a", "a", "b", "b"], ["a", "a", "b", "a"])
    0.5
    """
    from sklearn.metrics import cohen_kappa_score  # a second, for who wants it

    labels = {*first, *second}
    return float(cohen_kappa_score(first, second)) if len(labels) > 1 else None
