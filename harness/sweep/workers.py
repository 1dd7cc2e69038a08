"""The pool of worker processes: hands out runs, passes on news, replaces whoever dies.

A worker's death costs its run nothing but time, for finished stages are found again; a run whose
workers keep dying without finishing a stage is given up with the reason.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from pathlib import Path

from harness.errors import EvaluationError, HarnessError
from harness.protocols import LearnedScorer
from harness.records import StageEvent
from harness.sweep.deaths import Deaths
from harness.sweep.devices import pinned
from harness.sweep.messages import (
    Broken,
    Done,
    Failed,
    Happened,
    Ready,
    Run,
    ScorerAnswer,
    ScorerCall,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker died; its run, if it had one, is begun again by the next."""

    reason: str


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a run, told by its worker or found out about it.

    Attributes:
        run: None where a worker without one died.
        worker: Its number.
        message: What happened.
    """

    run: Run | None
    worker: int
    message: Happened | Done | Failed | Lost


class _Worker:
    """The parent's view of one worker process."""

    def __init__(self, number: int, process: subprocess.Popen[bytes], pipe: Connection) -> None:
        self.number = number
        self.process = process
        self.pipe = pipe
        self.ready = False
        self.run: Run | None = None

    def send(self, message: Run | ScorerAnswer) -> None:
        """A worker that just died is found out by reading, not here."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, OSError):
            self.pipe.send(message)

    def kill(self) -> None:
        """Ends the process and whatever it started; does not wait."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


@dataclass
class Pool:
    """Worker processes for runs.

    Attributes:
        runner: Import path, ``module:function``, of what runs a configuration.
        home: Folder of the store.
        size: Most workers at a time; each is started when there is something for it to do.
        threads: CPU threads of each.
        logs: Folder for what the workers say.
        learned: The one learned scorer they share; None where there is none.
        devices: Accelerators to share out among them, a group to each; () to leave that alone.
    """

    runner: str
    home: Path
    size: int
    threads: int
    logs: Path
    learned: LearnedScorer | None
    devices: Sequence[Sequence[str]] = ()
    _workers: dict[int, _Worker] = field(default_factory=dict, init=False)
    _queue: deque[Run] = field(default_factory=deque, init=False)
    _deaths: Deaths = field(default_factory=Deaths, init=False)

    def __post_init__(self) -> None:
        # a thread for each, so that what one asks can be answered together with what another asks
        self._scoring = ThreadPoolExecutor(self.size, thread_name_prefix="learned-scorer")

    @property
    def num_free(self) -> int:
        """How many runs would be begun at once."""
        return self.size - self.num_unfinished

    @property
    def num_unfinished(self) -> int:
        """Runs handed in and not finished."""
        return len(self._queue) + sum(w.run is not None for w in self._workers.values())

    def submit(self, run: Run) -> None:
        self._queue.append(run)
        self._serve()

    def wait(self, timeout_s: float) -> list[News]:
        """What happened, as soon as anything did or the time is over.

        Raises:
            EvaluationError: No worker can be started.
        """
        pipes = {worker.pipe: worker for worker in self._workers.values()}
        news: list[News] = []
        for pipe in wait_for(list(pipes), timeout_s):
            assert isinstance(pipe, Connection)
            news += self._read(pipes[pipe])
        for worker in list(self._workers.values()):
            # its pipe stays open where a process it started lives on
            if worker.process.poll() is not None:
                news += self._read(worker)
                if self._workers.get(worker.number) is worker:
                    news += self._remove_dead(worker)
        self._serve()
        return news

    def close(self) -> None:
        """Ends every worker, at work or not."""
        for worker in self._workers.values():
            worker.kill()
        for worker in self._workers.values():
            worker.process.wait()
            worker.pipe.close()
        self._workers.clear()
        self._queue.clear()
        self._scoring.shutdown(wait=False, cancel_futures=True)

    def _serve(self) -> None:
        """Runs to those who are ready; new workers while runs wait."""
        for worker in self._workers.values():
            if worker.ready and worker.run is None and self._queue:
                worker.run = self._queue.popleft()
                worker.send(worker.run)
        starting = sum(not worker.ready for worker in self._workers.values())
        numbers = [n for n in range(self.size) if n not in self._workers]
        for number in numbers[: max(0, len(self._queue) - starting)]:
            self._workers[number] = self._start(number)

    def _start(self, number: int) -> _Worker:
        ours, theirs = Pipe()
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
            "OMP_NUM_THREADS": str(self.threads),
            "MKL_NUM_THREADS": str(self.threads),
            "TOKENIZERS_PARALLELISM": "false",
            **pinned(number, self.devices),
        }
        # -P: modules are looked for where this process finds them, not in the working directory
        command = [sys.executable, "-P", "-m", "harness.sweep.worker", str(theirs.fileno())]
        arguments = [
            str(os.getpid()),
            str(self.home),
            self.runner,
            str(self.learned is not None),
        ]
        self.logs.mkdir(parents=True, exist_ok=True)
        with theirs, (self.logs / f"worker-{number}.log").open("ab") as log:
            process = subprocess.Popen(
                command + arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C reaches the parent alone
            )
        return _Worker(number, process, ours)

    def _read(self, worker: _Worker) -> list[News]:
        news: list[News] = []
        try:
            while worker.pipe.poll():
                news += self._handle(worker, worker.pipe.recv())
        except (EOFError, OSError):
            news += self._remove_dead(worker)
        return news

    def _handle(self, worker: _Worker, message: object) -> Iterable[News]:
        run = worker.run
        match message:
            case Ready():
                worker.ready = True
                self._deaths.started()
            case Broken(reason):
                raise EvaluationError(
                    f"a worker cannot start: {reason}", f"see {self._log_of(worker)}"
                )
            case ScorerCall():
                self._scoring.submit(self._answer, worker, message)
            case Happened(event) if run is not None:
                if isinstance(event, StageEvent) and event.state == "done":
                    self._deaths.progress(run.key, event.stage)
                yield News(run, worker.number, message)
            case Done() | Failed() if run is not None:
                worker.run = None
                yield News(run, worker.number, message)

    def _answer(self, worker: _Worker, ask: ScorerCall) -> None:
        try:
            answer = ScorerAnswer(getattr(self.learned, ask.method)(*ask.arguments))
        except HarnessError as error:
            answer = ScorerAnswer(error=error)
        except Exception as error:
            logger.exception("the learned scorer failed")
            answer = ScorerAnswer(error=EvaluationError(f"{type(error).__name__}: {error}"))
        worker.send(answer)

    def _remove_dead(self, worker: _Worker) -> list[News]:
        worker.kill()  # what it started, and itself where only its pipe is gone
        code = worker.process.wait()
        worker.pipe.close()
        del self._workers[worker.number]
        cause = self._deaths.cause(code)
        if not worker.ready and self._deaths.at_start() >= cause.limit:
            raise EvaluationError(
                f"workers die before they are ready: {cause.text}", f"see {self._log_of(worker)}"
            )
        run = worker.run
        if run is not None and (deaths := self._deaths.in_run(run.key)) >= cause.limit:
            text = f"its worker died {deaths} times in the same stage, at last: {cause.text}"
            return [News(run, worker.number, Failed(f"{text} (see {self._log_of(worker)})"))]
        if run is not None:
            self._queue.appendleft(run)
        return [News(run, worker.number, Lost(cause.text))]

    def _log_of(self, worker: _Worker) -> Path:
        return self.logs / f"worker-{worker.number}.log"
