"""COMET's process and its pipes, one request at a time."""

import json
import selectors
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.errors import EvaluationError, MissingExtra
from harness.evaluation.comet_interpreter import HINT, comet_environment
from harness.records import JSON

WORKER = Path(__file__).with_name("comet_worker.py")
_LAST_LINES = 8


class Worker:
    """The process with its pipes; what it says on stderr goes to an unnamed file."""

    def __init__(self, python: Path, threads: int, timeout_s: float) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the worker)
        try:
            self.process = subprocess.Popen(
                [str(python), "-I", str(WORKER), str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env=comet_environment(threads),
            )
        except OSError as error:
            self._said.close()
            raise MissingExtra(f"{python} does not run: {error.strerror}", HINT) from None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests, self._answers = self.process.stdin, self.process.stdout
        try:
            self._wait_until_ready(python, timeout_s)
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self, python: Path, timeout_s: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                raise EvaluationError(
                    f"the COMET worker of {python} was not ready after {timeout_s:g} s",
                    self._last_lines(),
                )
        answer = self._receive("starting")
        if "missing" in answer:
            raise MissingExtra(f"{python} cannot run COMET: {answer['missing']}", HINT)

    def ask(self, request: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Sends a request and waits for its answer."""
        doing = f"scoring {sum(map(len, request['sets']))} rows with {request['checkpoint']}"
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        except BrokenPipeError:
            raise self._death(doing) from None
        return self._receive(doing)

    def _receive(self, doing: str) -> Mapping[str, JSON]:
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise self._death(doing)
        answer: Mapping[str, JSON] = json.loads(line)
        return answer

    def _death(self, doing: str) -> EvaluationError:
        code = self.process.wait()
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        memory = " (out of memory?)" if code == -9 else ""
        return EvaluationError(
            f"the COMET worker ended ({how}{memory}) while {doing}", self._last_lines()
        )

    def _last_lines(self) -> str | None:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return "\n".join(["It said last:", *lines[-_LAST_LINES:]]) if lines else None

    def close(self) -> None:
        """The end of its stdin is the end of it."""
        self._requests.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.kill()

    def kill(self) -> None:
        """At once, leaving no zombie."""
        self.process.kill()
        self.process.wait()
        for pipe in (self._requests, self._answers, self._said):
            try:
                pipe.close()
            except BrokenPipeError:
                continue  # a request it will never read was still in the buffer
