"""A worker process: runs one configuration after the other, and speaks to its parent only.

Started as a program of its own (``python -m harness.sweep.worker``), not by multiprocessing: a
user's script needs no ``__main__`` guard, and nothing of the parent is imported again. It ends at
once when the parent does, whatever it is doing; stages are published whole or not at all.
"""

import contextlib
import ctypes
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from harness.errors import HarnessError
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

_PR_SET_PDEATHSIG = 1
_ORPHANED = 1


class _Parent:
    """The other end of the pipe: a thread reads it, so that its closing is noticed at any time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self.runs: SimpleQueue[Run] = SimpleQueue()
        self.answers: SimpleQueue[ScorerAnswer] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: Any) -> None:
        """Sends a message; a parent that is gone ends this process."""
        try:
            with self._sending:
                self._connection.send(message)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(_ORPHANED)

    def _read(self) -> None:
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                os._exit(_ORPHANED)
            except (
                Exception
            ):  # what arrived cannot be understood: the main thread would wait for ever
                logging.exception("a message of the parent is unreadable")
                os._exit(_ORPHANED)
            if isinstance(message, Run):
                self.runs.put(message)
            else:
                self.answers.put(message)


class ParentScorer:
    """The parent's learned scorer: one copy in memory whatever the number of workers."""

    def __init__(self, parent: _Parent) -> None:
        self._parent = parent

    def version(self) -> str:
        return str(self._ask("version"))

    def score(
        self, model: Path | str, rows: Sequence[Mapping[str, str]], precision: str
    ) -> list[float]:
        scores: list[float] = self._ask("score", model, [dict(row) for row in rows], precision)
        return scores

    def num_cut(self, model: Path | str, rows: Sequence[Mapping[str, str]]) -> int:
        return int(self._ask("num_cut", model, [dict(row) for row in rows]))

    def _ask(self, method: str, *arguments: Any) -> Any:
        self._parent.send(ScorerCall(method, arguments))
        answer = self._parent.answers.get()
        if answer.error is not None:
            raise answer.error
        return answer.value


def _die_with_parent(parent_pid: int) -> None:
    """Linux: the kernel ends this process with its parent, even in the midst of a long call."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(_ORPHANED)


def _load(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    runner: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return runner


def main(arguments: Sequence[str]) -> None:
    """Serves until the parent closes the pipe.

    Args:
        arguments: File descriptor of the pipe, the parent's process id, home folder, import path
            of the function that runs a configuration, whether there is a learned scorer.
    """
    descriptor, parent_pid, home, runner_path, has_learned = arguments
    _die_with_parent(int(parent_pid))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    parent = _Parent(Connection(int(descriptor)))
    try:
        make = _load(runner_path)
    except Exception as error:
        logging.exception("cannot start")
        parent.send(Broken(f"{type(error).__name__}: {error}"))
        sys.exit(1)
    parent.send(Ready())
    learned = ParentScorer(parent) if has_learned == "True" else None
    while True:
        run = parent.runs.get()
        logging.info("%s begins", run.key)
        try:
            result = make(
                run.config,
                home=Path(home),
                on_event=lambda event: parent.send(Happened(event)),
                learned=learned,
            )
        except HarnessError as error:
            logging.exception("%s failed", run.key)
            parent.send(Failed(error.message))
        except Exception as error:  # a bug in a plug-in fails its trial, not the sweep
            logging.exception("%s failed", run.key)
            parent.send(Failed(f"{type(error).__name__}: {error}"))
        else:
            parent.send(Done(result))


if __name__ == "__main__":
    main(sys.argv[1:])
