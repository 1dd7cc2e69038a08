"""COMET in a process of its own: unbabel-comet pins libraries the main environment has outgrown.

One client owns one worker, started at the first score: one copy of the model in memory whatever the
number of askers (about 0.5 GB for the pocket's model, 3 GB for wmt22-comet-da).
"""

import importlib.util
import json
import logging
import math
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import EvaluationError, MissingExtra
from harness.evaluation.spec import EvalSpec
from harness.records import JSON

logger = logging.getLogger(__name__)

WORKER = Path(__file__).with_name("comet_worker.py")
BESIDE_THE_PROJECT = Path(__file__).parents[2] / ".venv-comet" / "bin" / "python"
_HINT = (
    "`make setup` makes .venv-comet; or name an interpreter that has unbabel-comet 2.2 "
    "in the configuration (eval.comet_python)"
)
_LAST_LINES = 8


def comet_python(setting: str | None = None) -> Path:
    """The interpreter COMET runs in.

    The setting if there is one; else this interpreter if it can run COMET; else ``.venv-comet``
    beside the project.

    Raises:
        MissingExtra: There is none.
    """
    if setting is not None:
        found = shutil.which(setting)
        if found is None:
            raise MissingExtra(f"eval.comet_python: {setting}: no such program", _HINT)
        return Path(found)
    if _runs_comet_here():
        return Path(sys.executable)
    if os.access(BESIDE_THE_PROJECT, os.X_OK):
        return BESIDE_THE_PROJECT
    raise MissingExtra("COMET needs an interpreter with unbabel-comet, and there is none", _HINT)


def _runs_comet_here() -> bool:
    if importlib.util.find_spec("comet") is None:
        return False
    try:
        metadata.version("unbabel-comet")
        return int(metadata.version("transformers").partition(".")[0]) < 5
    except metadata.PackageNotFoundError:
        return False


def comet_environment(threads: int) -> dict[str, str]:
    """Environment variables for a process of that interpreter: offline, a fixed thread count."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


@cache
def comet_version(python: Path) -> str:
    """Version of unbabel-comet an interpreter has, without importing it.

    Raises:
        MissingExtra: It does not run, or has none.
    """
    code = "from importlib.metadata import version; print(version('unbabel-comet'))"
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", code], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingExtra(f"{python} does not run: {error}", _HINT) from None
    if done.returncode != 0:
        raise MissingExtra(f"{python} has no unbabel-comet", _HINT)
    return done.stdout.strip()


def comet_client(spec: EvalSpec) -> "CometClient":
    """The client a trial's settings ask for."""
    return CometClient(spec.comet_python, release=spec.comet_release)


class CometClient:
    """Scores with COMET; a ``LearnedScorer``. Threads may share it, their requests take turns.

    Args:
        python: See ``comet_python``.
        threads: CPU threads of the worker.
        start_timeout_s: How long the worker's imports may take.
        release: End the worker after each request, so that its memory is free in between.
    """

    def __init__(
        self,
        python: str | None = None,
        *,
        threads: int = 1,
        start_timeout_s: float = 180.0,
        release: bool = False,
    ) -> None:
        self._setting = python
        self._threads = threads
        self._start_timeout_s = start_timeout_s
        self._release = release
        self._turn = threading.Lock()
        self._worker: _Worker | None = None

    def version(self) -> str:
        """Package and version, without starting the worker."""
        return f"unbabel-comet {comet_version(comet_python(self._setting))}"

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
        request = {
            "checkpoint": str(Path(model).absolute()),
            "precision": precision,
            "rows": [{key: row[key] for key in ("src", "mt", "ref") if key in row} for row in rows],
        }
        with self._turn:
            answer = self._ask(request)
            if self._release:
                self._end()
        if "deviation" in answer:
            _tell_deviation(answer["deviation"], model)
        if "error" in answer:
            raise EvaluationError(f"COMET could not score with {model}: {answer['error']}")
        scores: list[float] = answer["scores"]
        if len(scores) != len(rows) or not all(map(math.isfinite, scores)):
            raise EvaluationError(
                f"COMET gave {sum(map(math.isfinite, scores))} numbers for {len(rows)} rows with "
                f"{model}: the checkpoint is damaged"
            )
        return scores

    def _ask(self, request: Mapping[str, JSON]) -> Mapping[str, JSON]:
        if self._worker is None:
            self._worker = _Worker(
                comet_python(self._setting), self._threads, self._start_timeout_s
            )
        try:
            return self._worker.ask(request)
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
        """Ends the worker; a later score starts another."""
        with self._turn:
            self._end()

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def __enter__(self) -> Self:
        """The client itself; the worker starts at the first score."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the worker."""
        self.close()


def _tell_deviation(found: Mapping[str, JSON], model: Path | str) -> None:
    logger.warning(
        "COMET in bf16 differs from fp32 by %.2g on average and %.2g at most (first %d rows, %s)",
        found["mean"],
        found["most"],
        found["rows"],
        model,
    )


class _Worker:
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
            raise MissingExtra(f"{python} does not run: {error.strerror}", _HINT) from None
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
            raise MissingExtra(f"{python} cannot run COMET: {answer['missing']}", _HINT)

    def ask(self, request: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Sends a request and waits for its answer."""
        doing = f"scoring {len(request['rows'])} rows with {request['checkpoint']}"
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
