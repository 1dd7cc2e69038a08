"""COMET in a process of its own: unbabel-comet pins libraries the main environment has outgrown.

One client owns one worker, started at the first score: one copy of the model in memory whatever the
number of askers (about 0.5 GB for the pocket's model, 3 GB for wmt22-comet-da).
"""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from harness.errors import EvaluationError
from harness.processes.interpreter import COMET, comet_variables
from harness.processes.line_process import LineProcess

_IDLE_S = 2.0
_THREADS = 1
_ENDS_WITHIN_S = 5.0


class CometClient:
    """Scores with COMET; a ``LearnedScorer``. Threads may share it.

    Requests that come while the worker is busy wait, and those of the same checkpoint and precision
    then go to it in one call: several trials are scored in the time of one start, and what their
    rows share is embedded once. Every score is the one its request would have got alone, bit by
    bit.

    Args:
        python: Interpreter with unbabel-comet; by default the one ``COMET.python`` finds.
        start_timeout_s: How long the worker's imports may take.
        release: End the worker when nobody asked it for ``idle_s``: its memory is free in between,
            and the benchmarks that a trial scores one after the other still share one start.
        idle_s: See ``release``.
    """

    def __init__(
        self,
        python: str | None = None,
        *,
        start_timeout_s: float = 180.0,
        release: bool = False,
        idle_s: float = _IDLE_S,
    ) -> None:
        self._setting = python
        self._start_timeout_s = start_timeout_s
        self._idle_s = idle_s if release else None
        self._turn = threading.Lock()
        self._arriving = threading.Lock()
        self._waiting: list[_Request] = []
        self._worker: LineProcess | None = None
        self._last_answer = 0.0
        self._timer: threading.Timer | None = None

    def version(self) -> str:
        """Package and version, without starting the worker."""
        return f"unbabel-comet {COMET.version(COMET.python(self._setting))}"

    def score(
        self, model: Path | str, rows: Sequence[Mapping[str, str]], precision: str = "fp32"
    ) -> list[float]:
        """Segment scores, in order.

        Args:
            model: A ``model.ckpt`` as unbabel-comet lays it out (see ``comet_checkpoint``).
            rows: Each with ``src`` and ``mt``, and ``ref`` where the model is to see a reference.
            precision: ``fp32`` or ``bf16``.

        Raises:
            MissingExtra: There is no interpreter with unbabel-comet.
            EvaluationError: The worker did not start, died, or could not use the checkpoint.
        """
        if not rows:
            return []
        request = _Request(str(Path(model).absolute()), precision, rows)
        with self._arriving:
            self._waiting.append(request)
        with self._turn:
            if request.answer is None:
                self._serve(request)
        return request.scores()

    def num_cut(self, model: Path | str, rows: Sequence[Mapping[str, str]]) -> int:
        """How many rows have more tokens than the model reads, by its own tokenizer.

        Args:
            model: As for ``score``.
            rows: As for ``score``.

        Raises:
            MissingExtra: There is no interpreter with unbabel-comet.
            EvaluationError: The worker did not start, died, or could not use the checkpoint.
        """
        if not rows:
            return 0
        request = _Request(str(Path(model).absolute()), "", rows)
        checkpoint, _ = request.model
        with self._turn:
            answer = self._ask(
                {"checkpoint": checkpoint, "measure": request.rows},
                f"measuring {len(rows)} rows with {checkpoint}",
            )
            self._last_answer = time.monotonic()
            self._end_when_idle()
        return int(answer["cut"])

    def _serve(self, first: "_Request") -> None:
        """Asks for what one request wants, and for all that waits and wants the same model."""
        together = [first]
        with self._arriving:
            if first in self._waiting:  # else it was asked along with one that failed
                together = [other for other in self._waiting if other.model == first.model]
                self._waiting = [other for other in self._waiting if other.model != first.model]
        try:
            self._answer(together)
        except EvaluationError:
            self._answer([first])  # the worker may have died of another's rows, or been killed
        self._last_answer = time.monotonic()
        self._end_when_idle()

    def _answer(self, together: Sequence["_Request"]) -> None:
        checkpoint, precision = together[0].model
        sets = [request.rows for request in together]
        answers = self._ask(
            {"checkpoint": checkpoint, "precision": precision, "sets": sets},
            f"scoring {sum(map(len, sets))} rows with {checkpoint}",
        )["sets"]
        for request, answer in zip(together, answers, strict=True):
            request.answer = answer

    def _ask(self, request: Mapping[str, Any], doing: str) -> Mapping[str, Any]:
        """The worker's answer; it is started if need be."""
        if self._worker is None:
            self._worker, _ = COMET.start(
                COMET.python(self._setting),
                [str(_THREADS)],
                comet_variables(_THREADS),
                timeout_s=self._start_timeout_s,
            )
        try:
            return self._worker.ask(request, doing)
        except BaseException:
            # Dead, or (interrupted) about to give an answer nobody waits for: the next starts anew.
            self._worker.kill()
            self._worker = None
            raise

    @property
    def pid(self) -> int | None:
        """Of the worker, None before the first score."""
        return None if self._worker is None else self._worker.process.pid

    def close(self) -> None:
        """Ends the worker, and who waits for it is told; a later score starts another."""
        with self._arriving:
            for request in self._waiting:
                request.answer = {"error": "it was closed"}
            self._waiting = []
        with self._turn:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._end()

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close(_ENDS_WITHIN_S)  # at the end of its stdin
            self._worker = None

    def _end_when_idle(self) -> None:
        if self._idle_s is not None and self._timer is None:
            self._timer = threading.Timer(self._idle_s, self._look_whether_idle)
            self._timer.daemon = True
            self._timer.start()

    def _look_whether_idle(self) -> None:
        with self._turn:
            self._timer = None
            if time.monotonic() - self._last_answer >= (self._idle_s or 0.0):
                self._end()
            elif self._worker is not None:
                self._end_when_idle()

    def __enter__(self) -> Self:
        """The client itself; the worker starts at the first score."""
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class _Request:
    """Rows to score, and in time the worker's answer."""

    def __init__(self, checkpoint: str, precision: str, rows: Sequence[Mapping[str, str]]) -> None:
        self.model = checkpoint, precision
        self.rows = [{key: row[key] for key in ("src", "mt", "ref") if key in row} for row in rows]
        self.answer: Mapping[str, Any] | None = None
        """``scores``, or the ``error`` for which there are none."""

    def scores(self) -> list[float]:
        """The scores in the answer.

        Raises:
            EvaluationError: There are none.
        """
        assert self.answer is not None
        checkpoint, _ = self.model
        if "error" in self.answer:
            raise EvaluationError(
                f"COMET could not score with {checkpoint}: {self.answer['error']}"
            )
        scores: list[float] = self.answer["scores"]
        if len(scores) != len(self.rows) or not all(map(math.isfinite, scores)):
            raise EvaluationError(
                f"COMET gave {sum(map(math.isfinite, scores))} numbers for {len(self.rows)} rows "
                f"with {checkpoint}: the checkpoint is damaged"
            )
        return scores
