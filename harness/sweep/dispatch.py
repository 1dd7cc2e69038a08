"""Hands runs to the pool and takes in what becomes of them: the loop of a sweep's both phases."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.records import TrialResult
from harness.sweep.logbook import Logbook, Page
from harness.sweep.messages import Task
from harness.sweep.progress import Notice
from harness.sweep.study import Study
from harness.sweep.view import View
from harness.sweep.workers import Finished, GaveUp, Lost, News, Pool, Progressed

_TICK_S = 0.25


@dataclass(frozen=True, slots=True)
class Job:
    """One run to make, and where it is written."""

    task: Task
    page: Page


class Dispatcher:
    """Keeps the pool busy.

    Args:
        study: Whose leases are renewed meanwhile.
        pool: Of the workers.
        logbook: Is told what happens in each run.
        view: Is told too.
        stopped: Whether the user wants it to end.
    """

    def __init__(
        self,
        *,
        study: Study,
        pool: Pool,
        logbook: Logbook,
        view: View,
        stopped: Callable[[], bool],
    ) -> None:
        self.study, self.pool, self.logbook, self.view = study, pool, logbook, view
        self._stopped = stopped
        self._waiting: deque[Job] = deque()
        self._jobs: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        self._waiting.append(job)

    def drop(self, number: int) -> None:
        """Forgets the runs of a trial that have not begun."""
        self._waiting = deque(job for job in self._waiting if job.page.number != number)

    def drive(
        self,
        *,
        ask: Callable[[], bool],
        finished: Callable[[Job, TrialResult], None],
        gave_up: Callable[[Job, str], None],
    ) -> None:
        """Until there is nothing left to do.

        Args:
            ask: Called when a worker is free and no run waits; may add some. False when it has no
                more.
            finished: Called with every run that is done.
            gave_up: Called with every run that cannot be done, and why.

        Raises:
            KeyboardInterrupt: The user wants it to end.
        """
        while True:
            self._hand_out(ask)
            if self.pool.num_unfinished == 0 and not self._waiting:
                return
            for news in self.pool.wait(_TICK_S):
                self._take(news, finished, gave_up)
            self.study.renew()
            self.logbook.tick()
            self.view.show()

    def _hand_out(self, ask: Callable[[], bool]) -> None:
        while True:
            if self._stopped():
                raise KeyboardInterrupt
            if self.pool.num_free <= 0 or not (self._waiting or ask()):
                return
            for job in self._next():
                self._jobs[job.task.id] = job
                self.logbook.begin(job.page, job.task.config)
                self.pool.submit(job.task)

    def _next(self) -> Iterable[Job]:
        return [self._waiting.popleft()] if self._waiting else []

    def _take(
        self,
        news: News,
        finished: Callable[[Job, TrialResult], None],
        gave_up: Callable[[Job, str], None],
    ) -> None:
        match news:
            case Progressed(task, worker, event):
                self.logbook.happened(self._jobs[task.id].page, event)
                self.view.event(worker, task.id, event)
            case Finished(task, worker, result):
                job = self._jobs.pop(task.id)
                self.view.ended(worker)
                self.logbook.end(job.page, result)
                finished(job, result)
            case GaveUp(task, worker, reason):
                job = self._jobs.pop(task.id)
                self.view.ended(worker)
                self.logbook.give_up(job.page, reason)
                gave_up(job, reason)
            case Lost(task, worker, reason):
                self.view.lost(worker)
                onward = "" if task is None else f"; another goes on with {task.id}"
                self.view.say(Notice(f"worker {worker}: {reason}{onward}"))
