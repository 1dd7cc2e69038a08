"""Keeps count of a sweep while it runs and tells it as snapshots, a few times a second at most."""

import time
from dataclasses import replace
from typing import Any, Literal

from harness.records import Event, StageEvent
from harness.sweep.progress import Notice, OnProgress, Snapshot, SweepNews, TrialEnded, WorkerView

_EVERY_S = 0.25


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
        self._now = Snapshot(sweep, budget)
        self._num_confirming = num_confirming
        self._num_workers = num_workers
        self._tell = on_progress
        self._start = time.monotonic()
        self._shown = 0.0
        self._run_seconds: list[float] = []
        self._began: dict[int, float] = {}
        self._workers: dict[int, WorkerView] = {}

    def count(self, **counts: Any) -> None:
        """Notes counts of a ``Snapshot``, which are told with the next one."""
        self._now = replace(self._now, **counts)

    def begin(self, phase: Literal["search", "confirm"], runs: int, done: int = 0) -> None:
        """A phase begins with so many runs, some of them done before."""
        self.count(phase=phase, runs_total=runs, runs_done=done)
        self.show(force=True)

    def event(self, worker: int, run: str, event: Event) -> None:
        self._began.setdefault(worker, time.monotonic())
        before = self._workers.get(worker)
        if before is None or before.run != run:
            before = WorkerView(worker, run)
        self._workers[worker] = before.after(event)
        if isinstance(event, StageEvent) and event.note:
            self.say(Notice(f"{run}: {event.stage}: {event.note}"))

    def ended(self, worker: int) -> None:
        if worker in self._began:
            self._run_seconds.append(time.monotonic() - self._began[worker])
        self.count(runs_done=self._now.runs_done + 1)
        self.lost(worker)

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
            workers = tuple(self._workers[number] for number in sorted(self._workers))
            left = self._seconds_left(now)
            self.count(seconds=now - self._start, seconds_left=left, workers=workers)
            self._tell(self._now)

    def _seconds_left(self, now: float) -> float | None:
        if not self._run_seconds:
            return None
        mean = sum(self._run_seconds) / len(self._run_seconds)
        left = max(0, self._now.runs_total - self._now.runs_done)
        if self._now.phase == "search":
            left += self._num_confirming
        spent = sum(min(now - began, mean) for began in self._began.values())
        return max(0.0, left * mean - spent) / self._num_workers


def silent(news: SweepNews) -> None:
    """For those who do not want to be told."""
