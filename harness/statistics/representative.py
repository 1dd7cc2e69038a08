"""The one trial that stands for a method: one rule for every method, the reference among them.

Whoever compares methods by single points must pick all of them alike, or the pick decides. The rule
uses what the sweep declared before it ran (objectives, directions, scales, constraints) and scores
of validation benchmarks only; it does not use the references of the hypervolume.
"""

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

from harness.records import Objective, SweepTrial

RULE = (
    "the feasible trial with the largest sum of its objectives on validation, each divided by its "
    "scale; of equals the earlier"
)
"""The rule in words."""


class Contender(Protocol):
    """What the rule looks at."""

    @property
    def number(self) -> int: ...

    @property
    def values(self) -> tuple[float, ...] | None:
        """In the order of the objectives; None unless complete."""

    @property
    def feasible(self) -> bool: ...


Trial = TypeVar("Trial", bound=Contender)


def merit(values: Sequence[float], objectives: Sequence[Objective]) -> float:
    """Sum of the values, each in units of its objective's scale, more being better.

    >>> from harness.records import SummaryKey, Split
    >>> up = Objective(SummaryKey("a", Split.VALIDATION), True, 0.0, 0.5)
    >>> merit([0.25], [up])
    0.5
    """
    return math.fsum(
        objective.merit(value) / objective.scale
        for value, objective in zip(values, objectives, strict=True)
    )


def representative(trials: Sequence[Trial], objectives: Sequence[Objective]) -> Trial | None:
    """The trial that stands for all of these; None where none is complete.

    One that breaks a constraint does so only where all do.
    """
    complete = [(trial, trial.values) for trial in trials if trial.values is not None]
    if not complete:
        return None
    best, _ = max(
        complete,
        key=lambda pair: (pair[0].feasible, merit(pair[1], objectives), -pair[0].number),
    )
    return best


def confirmed_representative(
    trials: Sequence[SweepTrial], objectives: Sequence[Objective]
) -> SweepTrial | None:
    """As ``representative``, among those with test scores where any has some.

    A sweep confirms its representatives; of one that began under another rule, or has not
    confirmed yet, this compares what can be reported.
    """
    confirmed = [trial for trial in trials if trial.confirmed]
    return representative(confirmed or trials, objectives)
