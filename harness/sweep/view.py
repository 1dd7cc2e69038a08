"""Keeps count of a sweep while it runs and tells it as snapshots, a few times a second at most."""

import time
from dataclasses import dataclass, replace
from typing import Literal

from harness.records import Event, StageEvent, StepEvent
from harness.sweep.progress import Notice, OnProgress, Snapshot, SweepNews, TrialEnded, WorkerView

_EVERY_S = 0.25
_LOSS = "train/loss"


@dataclass
class _Phase:
    """Runs of a phase: how many, and how many of them are done."""

    name: Literal["search", "confirm"] = "search"
    total: int = 0
    done: int = 0


class View:
    """Counts, and whoever wants to be told.

    Args:
        sweep: Name of it.
        budget: Number of trials.
        num_confirming: Runs of the second look, as far as known beforehand.
        num_workers: Processes sharing the work.
        on_progress: Is told.
    """

    def __init__(
        self,
        sweep: str,
        *,
        budget: int,
        num_confirming: int,
        num_workers: int,
        on_progress: OnProgress,
    ) -> None:
        self._sweep = sweep
        self._budget = budget
        self._num_confirming = num_confirming
        self._num_workers = num_workers
        self._tell = on_progress
        self._start = time.monotonic()
        self._shown = 0.0
        self._phase = _Phase()
        self._timed_runs = 0
        self._timed_seconds = 0.0
        self._began: dict[int, float] = {}
        self._workers: dict[int, WorkerView] = {}
        self.complete = self.failed = self.running = self.front = 0
        self.hypervolume: float | None = None

    def begin(self, phase: Literal["search", "confirm"], runs: int, done: int = 0) -> None:
        """A phase begins with so many runs, some of them done before."""
        self._phase = _Phase(phase, runs, done)
        self.show(force=True)

    def event(self, worker: int, run: str, event: Event) -> None:
        self._began.setdefault(worker, time.monotonic())
        shown = self._workers.get(worker)
        seen = shown if shown is not None and shown.run == run else WorkerView(worker, run)
        if isinstance(event, StageEvent):
            fraction = event.fraction if event.state == "progress" else None
            seen = replace(seen, stage=event.stage, fraction=fraction)
            if event.note:
                self.say(Notice(f"{run}: {event.stage}: {event.note}"))
        elif isinstance(event, StepEvent) and _LOSS in event.metrics:
            seen = replace(seen, loss=event.metrics[_LOSS])
        self._workers[worker] = seen

    def ended(self, worker: int) -> None:
        began = self._began.pop(worker, None)
        if began is not None:
            self._timed_runs += 1
            self._timed_seconds += time.monotonic() - began
        self._phase.done += 1
        self._workers.pop(worker, None)

    def lost(self, worker: int) -> None:
        self._began.pop(worker, None)
        self._workers.pop(worker, None)

    def say(self, news: TrialEnded | Notice) -> None:
        """Passes something on at once, with the counts as they are now."""
        self._tell(news)
        self.show(force=True)

    def show(self, *, force: bool = False) -> None:
        """Tells how things stand, unless that was told a moment ago."""
        now = time.monotonic()
        if force or now - self._shown >= _EVERY_S:
            self._shown = now
            self._tell(self._snapshot(now))

    def _snapshot(self, now: float) -> SweepNews:
        phase = self._phase
        return Snapshot(
            sweep=self._sweep,
            phase=phase.name,
            total=self._budget,
            complete=self.complete,
            failed=self.failed,
            running=self.running,
            runs_done=phase.done,
            runs_total=phase.total,
            seconds=now - self._start,
            seconds_left=self._seconds_left(now),
            hypervolume=self.hypervolume,
            front=self.front,
            workers=tuple(self._workers[number] for number in sorted(self._workers)),
        )

    def _mean_seconds(self) -> float | None:
        return self._timed_seconds / self._timed_runs if self._timed_runs else None

    def _seconds_left(self, now: float) -> float | None:
        mean = self._mean_seconds()
        if mean is None:
            return None
        left = max(0, self._phase.total - self._phase.done)
        if self._phase.name == "search":
            left += self._num_confirming
        spent = sum(min(now - began, mean) for began in self._began.values())
        return max(0.0, left * mean - spent) / self._num_workers


def silent(news: SweepNews) -> None:
    """For those who do not want to be told."""
