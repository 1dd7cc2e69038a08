"""What a sweep says of itself while it runs: plain values for whoever shows them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from harness.records import JSON, Event, Key, StepEvent


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

    def after(self, event: Event) -> "WorkerView":
        """What it is doing once this happened."""
        if isinstance(event, StepEvent):
            return replace(self, loss=event.metrics.get("train/loss", self.loss))
        fraction = event.fraction if event.state == "progress" else None
        return replace(self, stage=event.stage, fraction=fraction)


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
    total: int
    phase: Literal["search", "confirm"] = "search"
    complete: int = 0
    failed: int = 0
    running: int = 0
    runs_done: int = 0
    runs_total: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    hypervolume: float | None = None
    front: int = 0
    workers: tuple[WorkerView, ...] = ()


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
