"""What was decided of a difference, in words."""

from harness.statistics.comparing import Decision
from harness.statistics.planning import MIN_SEEDS, MOST_ITEMS, MOST_SEEDS, Needed


def decision_text(decision: Decision, margin: float | None, *, within_margin: bool) -> str:
    """The decision as it is read; where it is smaller than what matters, it says so.

    >>> decision_text(Decision.BETTER, 0.02, within_margin=True)
    'better, within 0.02'
    >>> decision_text(Decision.NOT_WORSE, 0.02, within_margin=False)
    'not worse'
    """
    said = decision.value.replace("_", " ")
    small = within_margin and decision in (Decision.BETTER, Decision.WORSE)
    return f"{said}, within {margin:g}" if small else said


def needed_text(needed: Needed | None, *, items_only: bool, drawn: str = "items") -> str:
    """What would have decided at 80 % power; "" where nothing is known.

    Args:
        needed: That.
        items_only: Whether a side was trained once.
        drawn: What is counted where it is no single items (clusters of them).

    >>> needed_text(Needed(0.02, 7, 900), items_only=False)
    '0.02 by 900 items or 7 seeds a side'
    """
    if items_only:
        return f"one seed: {MIN_SEEDS} or more a side"
    if needed is None:
        return ""
    ways = [
        f"{number:,} {what}"
        for number, what in ((needed.items, drawn), (needed.seeds, "seeds a side"))
        if number is not None
    ]
    least = f"more seeds than {MOST_SEEDS} and more {drawn} than {MOST_ITEMS:,}"
    return f"{needed.difference:.3g} by {' or '.join(ways) if ways else least}"
