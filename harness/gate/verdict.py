"""What the gate says: a verdict per key, and the report of all of them."""

from dataclasses import dataclass
from enum import StrEnum

from harness.errors import EXIT_DONE, EXIT_NO, EXIT_UNDECIDED
from harness.records import Key
from harness.statistics.gating import GateDecision

WORST_FIRST = (GateDecision.REGRESSION, GateDecision.UNDECIDED, GateDecision.PASS)


class Case(StrEnum):
    """What the judged run is to the baseline."""

    REPLAY = "replay"
    """A run of the baseline made again, or an untrained model: the items decide."""

    RETRAINED = "retrained"
    """A new run of a trained configuration: items and seeds decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The gate's word on one key.

    Attributes:
        key: Of the score or summary.
        outcome: Pass, regression or undecided; None where it only informs.
        reason: Why, in words.
        compared: Whether both have it, by the same signature and on the same items.
        higher_is_better: Direction of the metric; ``change`` is raw, candidate minus baseline.
        baseline: Mean over the baseline's runs.
        candidate: Mean over the judged runs, None where it is missing.
        change: Candidate minus baseline; None where they do not compare.
        worst: The change, were it as bad as its one-sided bound; None where there is none.
        tolerance: How much worse it may be.
        p_value: One-sided, of no drop, by Holm over the keys that gate; None for others.
        num_items: Items compared.
        changed: Ids of the items that score otherwise than before, for a run made again.
        items_needed: About how many items would decide; None when decided, or when none would.
    """

    key: Key
    outcome: GateDecision | None
    reason: str
    compared: bool = False
    higher_is_better: bool
    baseline: float
    candidate: float | None = None
    change: float | None = None
    worst: float | None = None
    tolerance: float
    p_value: float | None = None
    num_items: int | None = None
    changed: tuple[str, ...] = ()
    items_needed: int | None = None

    @property
    def gates(self) -> bool:
        """Whether the run has to pass it."""
        return self.outcome is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """All verdicts, and what was judged by what.

    Attributes:
        verdicts: One per key of the baseline, in its order.
        case: A run made again, or a new one.
        judged: The run, as the user named it and in words.
        seeds: Of the judged runs; () of an untrained model.
        baseline: The baseline's file.
        baseline_seeds: Of the runs it was compared with; () of an untrained model.
        cannot: Why the baseline cannot judge such a run, and what makes one that can; None where it
            can.
        settings: In which the run differs from the baseline, seeds apart.
        uncompared: Keys only the candidate has; ``--update`` takes them up.
        level: Of the bounds.
        undecided_passes: Whether what was compared and is undecided lets the run pass.
    """

    verdicts: tuple[Verdict, ...]
    case: Case
    judged: str
    seeds: tuple[int, ...] = ()
    baseline: str
    baseline_seeds: tuple[int, ...] = ()
    cannot: str | None = None
    settings: tuple[str, ...] = ()
    uncompared: tuple[Key, ...] = ()
    level: float = 0.95
    undecided_passes: bool = False

    @property
    def gating(self) -> tuple[Verdict, ...]:
        """Those that the run has to pass."""
        return tuple(verdict for verdict in self.verdicts if verdict.gates)

    @property
    def outcome(self) -> GateDecision:
        """A regression if there is one, else undecided if any is, else pass."""
        outcomes = [verdict.outcome for verdict in self.verdicts]
        return next((outcome for outcome in WORST_FIRST if outcome in outcomes), GateDecision.PASS)

    @property
    def exit_code(self) -> int:
        """0 pass, 1 regression, 4 undecided (never 0 where something could not be compared)."""
        if self.outcome is GateDecision.REGRESSION:
            return EXIT_NO
        undecided = [one for one in self.gating if one.outcome is GateDecision.UNDECIDED]
        passes = self.undecided_passes and all(verdict.compared for verdict in undecided)
        return EXIT_UNDECIDED if undecided and not passes else EXIT_DONE

    def count(self, outcome: GateDecision) -> int:
        return sum(verdict.outcome is outcome for verdict in self.verdicts)
