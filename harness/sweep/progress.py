"""What a sweep says of itself while it runs: plain values for whoever shows them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.records import JSON, Key


@dataclass(frozen=True, slots=True)
class WorkerView:
    """What one worker is doing.

    Attributes:
        worker: Its number.
        run: For people: ``trial 3, seed 1``.
        stage: Of the flow, None before the first.
        fraction: How far the stage is, None when unknown.
        loss: The latest training loss.
    """

    worker: int
    run: str
    stage: str | None = None
    fraction: float | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole sweep at one moment.

    Attributes:
        phase: Searching, or confirming what was found.
        total: Trials of the budget.
        runs_done: Runs finished in this phase (a trial has one per seed).
        runs_total: Runs of this phase, as far as known.
        seconds: Since this process began.
        seconds_left: Estimate for everything; None before the first run is done.
        hypervolume: Of the trials so far.
        front: Members of the front so far.
    """

    sweep: str
    phase: Literal["search", "confirm"]
    total: int
    complete: int
    failed: int
    running: int
    runs_done: int
    runs_total: int
    seconds: float
    seconds_left: float | None
    hypervolume: float | None
    front: int
    workers: tuple[WorkerView, ...]


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is complete or has failed; ``scores`` are its objectives by key."""

    number: int
    params: Mapping[str, JSON]
    scores: Mapping[Key, float]
    feasible: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person may want to know."""

    text: str


SweepNews: TypeAlias = Snapshot | TrialEnded | Notice
OnProgress: TypeAlias = Callable[[SweepNews], None]
