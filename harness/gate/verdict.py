"""What the gate says: a verdict per key, and the report of all of them."""

from dataclasses import dataclass
from enum import StrEnum

from harness.errors import EXIT_DONE, EXIT_NO, EXIT_UNDECIDED
from harness.records import ScoreKey
from harness.statistics.bootstrap import Interval


class Outcome(StrEnum):
    """What the gate says about a key, and about all of them."""

    PASS = "pass"
    REGRESSION = "regression"
    UNDECIDED = "cannot decide"


EXIT_CODES = {
    Outcome.REGRESSION: EXIT_NO,
    Outcome.UNDECIDED: EXIT_UNDECIDED,
    Outcome.PASS: EXIT_DONE,
}
WORST_FIRST = tuple(EXIT_CODES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's word on one key.

    Attributes:
        key: Of the score.
        outcome: Pass, regression, or cannot decide.
        reason: Why, in words.
        higher_is_better: Direction of the metric; ``change`` is raw, candidate minus baseline.
        baseline: Mean over the baseline's seeds.
        candidate: Mean over the candidate's seeds, None where it is missing.
        change: Candidate minus baseline; None where they do not compare.
        interval: Of the change.
        tolerance: How much worse it may be.
        p_value: Of no difference, adjusted for the number of keys (Holm).
        num_items: Items compared.
        num_seeds: Seeds of the baseline and of the candidate.
        items_needed: About how many items would decide; None when decided, or when none would.
    """

    key: ScoreKey
    outcome: Outcome
    reason: str
    higher_is_better: bool
    baseline: float
    candidate: float | None = None
    change: float | None = None
    interval: Interval | None = None
    tolerance: float
    p_value: float | None = None
    num_items: int | None = None
    num_seeds: tuple[int, int]
    items_needed: int | None = None


@dataclass(frozen=True, slots=True)
class GateReport:
    """All verdicts.

    Attributes:
        verdicts: One per key of the baseline, in its order.
        uncompared: Keys only the candidate has; ``--update`` takes them up.
        level: Of the intervals.
        num_resamples: Of the bootstrap.
    """

    verdicts: tuple[Verdict, ...]
    uncompared: tuple[ScoreKey, ...]
    level: float
    num_resamples: int

    @property
    def outcome(self) -> Outcome:
        """A regression if there is one, else undecided if any is, else pass."""
        return min(
            (verdict.outcome for verdict in self.verdicts),
            key=WORST_FIRST.index,
            default=Outcome.PASS,
        )

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 4 cannot decide."""
        return EXIT_CODES[self.outcome]

    def count(self, outcome: Outcome) -> int:
        return sum(verdict.outcome == outcome for verdict in self.verdicts)
