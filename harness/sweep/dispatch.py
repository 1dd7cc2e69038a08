"""Hands runs to the pool and takes in what becomes of them: the loop of a sweep's both phases."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.records import TrialResult
from harness.sweep.logbook import Logbook
from harness.sweep.messages import Done, Failed, Happened, Run
from harness.sweep.progress import Notice
from harness.sweep.study import Study
from harness.sweep.view import View
from harness.sweep.workers import Lost, News, Pool

_TICK_S = 0.25


@dataclass(kw_only=True)
class Dispatcher:
    """Keeps the pool busy.

    Attributes:
        study: Whose leases are renewed meanwhile.
        pool: Of the workers.
        logbook: Is told what happens in each run.
        view: Is told too.
        stopped: Whether the user wants it to end.
    """

    study: Study
    pool: Pool
    logbook: Logbook
    view: View
    stopped: Callable[[], bool]
    _waiting: deque[Run] = field(default_factory=deque, init=False)

    def add(self, run: Run) -> None:
        self._waiting.append(run)

    def drop(self, number: int) -> None:
        """Forgets the runs of a trial that have not begun."""
        self._waiting = deque(run for run in self._waiting if run.key.number != number)

    def drive(
        self,
        *,
        ask: Callable[[], bool],
        finished: Callable[[Run, TrialResult], None],
        gave_up: Callable[[Run, str], None],
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
                self._handle(news, finished, gave_up)
            self.study.renew()
            self.logbook.tick()
            self.view.show()

    def _hand_out(self, ask: Callable[[], bool]) -> None:
        while True:
            if self.stopped():
                raise KeyboardInterrupt
            if self.pool.num_free <= 0 or not (self._waiting or ask()):
                return
            if self._waiting:  # what was asked for may be settled without a run
                run = self._waiting.popleft()
                self.logbook.begin(run.key, run.config)
                self.pool.submit(run)

    def _handle(
        self,
        news: News,
        finished: Callable[[Run, TrialResult], None],
        gave_up: Callable[[Run, str], None],
    ) -> None:
        run, worker = news.run, news.worker
        match news.message:
            case Happened(event) if run is not None:
                self.logbook.happened(run.key, event)
                self.view.event(worker, str(run.key), event)
            case Done(result) if run is not None:
                self.view.ended(worker)
                self.logbook.end(run.key, result)
                finished(run, result)
            case Failed(reason) if run is not None:
                self.view.ended(worker)
                self.logbook.give_up(run.key, reason)
                gave_up(run, reason)
            case Lost(reason):
                self.view.lost(worker)
                onward = "" if run is None else f"; another goes on with {run.key}"
                self.view.say(Notice(f"worker {worker}: {reason}{onward}"))
