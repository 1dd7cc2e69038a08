"""A program that answers a line of JSON with a line of JSON: so COMET and vLLM are spoken to.

Each has an interpreter, and libraries, of its own. What it says on stderr goes to an unnamed file,
of which the last lines are told when it dies.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import EvaluationError
from harness.records import JSON

_LAST_LINES = 8


class LineProcess:
    """The program with its pipes, one request at a time.

    Args:
        name: What it is called in errors.
        command: The program and its arguments.
        environment: All of its environment variables.
        own_session: Whether what it starts is to end with it.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        own_session: bool = False,
    ) -> None:
        self._name, self._own_session = name, own_session
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        try:
            self.process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env=dict(environment),
                start_new_session=own_session,
            )
        except OSError:
            self._said.close()
            raise
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests, self._answers = self.process.stdin, self.process.stdout

    def ask(self, request: Mapping[str, JSON], doing: str) -> Mapping[str, Any]:
        """Sends a request and waits for its answer.

        Args:
            request: What it is to do.
            doing: The same for people, behind "while".

        Raises:
            EvaluationError: It died, with what it said last.
        """
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        except BrokenPipeError:
            raise self._death(doing) from None
        return self.receive(doing)

    def receive(self, doing: str) -> Mapping[str, Any]:
        """Waits for an answer.

        Raises:
            EvaluationError: It died, with what it said last.
        """
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise self._death(doing)
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    def answers_within(self, timeout_s: float) -> bool:
        """Whether there is an answer, or the end of all answers, within so many seconds."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            return bool(selector.select(timeout_s))

    def last_lines(self) -> str | None:
        """What it said last, for people."""
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return "\n".join(["It said last:", *lines[-_LAST_LINES:]]) if lines else None

    def close(self, timeout_s: float) -> None:
        """Lets it end, as it does at the end of its stdin, and kills it where it does not."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=timeout_s)
        self.kill()

    def kill(self) -> None:
        """Ends it at once, with what it started where it has a session; leaves no zombie."""
        if self._own_session:
            with contextlib.suppress(ProcessLookupError):  # nothing of it is left
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for pipe in (self._requests, self._answers, self._said):
            with contextlib.suppress(BrokenPipeError):  # a request it will never read
                pipe.close()

    def _death(self, doing: str) -> EvaluationError:
        code = self.process.wait()
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        memory = " (out of memory?)" if code == -signal.SIGKILL else ""
        return EvaluationError(
            f"{self._name} ended ({how}{memory}) while {doing}", self.last_lines()
        )
