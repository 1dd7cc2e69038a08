"""COMET's process, one request at a time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypedDict

from harness.errors import EvaluationError, MissingExtra
from harness.processes.comet_interpreter import HINT, comet_environment
from harness.processes.line_process import LineProcess
from harness.records import JSON

WORKER = Path(__file__).with_name("comet_worker.py")
_NAME = "the COMET worker"
_ENDS_WITHIN_S = 5.0


Rows: TypeAlias = Sequence[Mapping[str, str]]


class Answer(TypedDict, total=False):
    """What the worker says of a set of rows: its scores, or why there are none."""

    scores: list[float]
    error: str


class Worker:
    """The process, ready to be asked.

    Raises:
        MissingExtra: The interpreter does not run, or has no COMET.
        EvaluationError: It was not ready in time.
    """

    def __init__(self, python: Path, threads: int, timeout_s: float) -> None:
        command = [str(python), "-I", str(WORKER), str(threads)]
        try:
            self._process = LineProcess(_NAME, command, comet_environment(threads))
        except OSError as error:
            raise MissingExtra(f"{python} does not run: {error.strerror}", HINT) from None
        self.process = self._process.process
        try:
            self._wait_until_ready(python, timeout_s)
        except BaseException:
            self.kill()
            raise

    def _wait_until_ready(self, python: Path, timeout_s: float) -> None:
        if not self._process.answers_within(timeout_s):
            raise EvaluationError(
                f"{_NAME} of {python} was not ready after {timeout_s:g} s",
                self._process.last_lines(),
            )
        answer = self._process.receive("starting")
        if "missing" in answer:
            raise MissingExtra(f"{python} cannot run COMET: {answer['missing']}", HINT)

    def ask(self, checkpoint: str, precision: str, sets: Sequence[Rows]) -> Sequence[Answer]:
        """Has sets of rows scored, and waits; the answers in the order of the sets.

        Raises:
            EvaluationError: It died.
        """
        request: dict[str, JSON] = {"checkpoint": checkpoint, "precision": precision, "sets": sets}
        doing = f"scoring {sum(map(len, sets))} rows with {checkpoint}"
        answers: Sequence[Answer] = self._process.ask(request, doing)["sets"]
        return answers

    def close(self) -> None:
        """The end of its stdin is the end of it."""
        self._process.close(_ENDS_WITHIN_S)

    def kill(self) -> None:
        """At once, leaving no zombie."""
        self._process.kill()
