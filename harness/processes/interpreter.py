"""Libraries that need an interpreter of their own: which it is, what it has, a process of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

from harness.errors import EvaluationError, MissingExtra
from harness.processes.line_process import LineProcess

WORKERS = Path(__file__).parent
_ISOLATED = "-I"
"""Neither PYTHONPATH nor the worker's folder, whose modules are no business of the library's."""


@dataclass(frozen=True)
class Library:
    """A library the harness's environment does not have, and how to get an interpreter with it.

    Attributes:
        name: What it is called in errors.
        package: Its distribution.
        worker: File of this folder that asks it; see ``line_worker``.
        setting: Where a configuration names the interpreter.
        environment: Folder of the virtual environment that is taken where nothing is named.
        hint: How to get an interpreter that has it.
        asked_by: The setting that asks for it, in errors.
        below: Other packages by the major version it does not run with.
    """

    name: str
    package: str
    worker: str
    setting: str
    environment: Path
    hint: str
    asked_by: str
    below: Mapping[str, int] = field(default_factory=dict, hash=False)

    def python(self, setting: str | None = None) -> Path:
        """The interpreter it runs in.

        The setting if there is one; else this interpreter if it can run it; else that of the
        environment beside the project.

        Raises:
            MissingExtra: There is none.
        """
        if setting is not None:
            program = shutil.which(Path(setting).expanduser())
            if program is None:
                raise MissingExtra(f"{self.setting}: {setting}: no such program", self.hint)
            return Path(program)
        if self._runs_here():
            return Path(sys.executable)
        beside = self.environment / "bin" / "python"
        if os.access(beside, os.X_OK):
            return beside
        raise MissingExtra(
            f"{self.asked_by} needs an interpreter with {self.package}, and there is none",
            self.hint,
        )

    def _runs_here(self) -> bool:
        try:
            metadata.version(self.package)
            return all(
                int(metadata.version(name).partition(".")[0]) < major
                for name, major in self.below.items()
            )
        except metadata.PackageNotFoundError:
            return False

    @cache  # noqa: B019 (there are two libraries)
    def version(self, python: Path) -> str:
        """Its version in an interpreter, without importing it.

        Raises:
            MissingExtra: The interpreter does not run, or has none.
        """
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        command = [str(python), _ISOLATED, "-c", code]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MissingExtra(
                f"{self.setting}: {python} does not run: {error}", self.hint
            ) from None
        if done.returncode != 0:
            raise MissingExtra(f"{self.setting}: {python} has no {self.package}", self.hint)
        return done.stdout.strip()

    def start(
        self,
        python: Path,
        arguments: list[str],
        variables: Mapping[str, str],
        *,
        timeout_s: float | None = None,
        own_session: bool = False,
    ) -> tuple[LineProcess, str]:
        """Its worker, ready to be asked, and the version it runs.

        Args:
            python: The interpreter.
            arguments: Of the worker.
            variables: Of the environment, all of them.
            timeout_s: How long its imports may take; None for as long as they do.
            own_session: See ``LineProcess``.

        Raises:
            MissingExtra: The interpreter does not run, or the library does not import there.
            EvaluationError: It was not ready in time, or died.
        """
        programs = [str(WORKERS / "line_worker.py"), str(WORKERS / self.worker)]
        command = [str(python), _ISOLATED, *programs, *arguments]
        try:
            process = LineProcess(self.name, command, variables, own_session=own_session)
        except OSError as error:
            raise MissingExtra(f"{python} does not run: {error.strerror}", self.hint) from None
        try:
            if timeout_s is not None and not process.answers_within(timeout_s):
                raise EvaluationError(
                    f"{self.name} in {python} was not ready after {timeout_s:g} s",
                    process.last_lines(),
                )
            ready = process.receive("starting")
            if "missing" in ready:
                raise MissingExtra(
                    f"{python} cannot run {self.name}: {ready['missing']}", self.hint
                )
        except BaseException:
            process.kill()
            raise
        return process, str(ready["ready"])


_PROJECT = WORKERS.parents[1]

COMET = Library(
    name="COMET",
    package="unbabel-comet",
    worker="comet_worker.py",
    setting="eval.comet_python",
    environment=_PROJECT / ".venv-comet",
    hint="`make setup` makes .venv-comet; or name an interpreter that has unbabel-comet 2.2 "
    "in the configuration (eval.comet_python)",
    asked_by="COMET",
    below={"transformers": 5},
)
VLLM = Library(
    name="vLLM",
    package="vllm",
    worker="vllm_worker.py",
    setting="vllm.python",
    environment=_PROJECT / ".venv-vllm",
    hint="make one: `python3 -m venv .venv-vllm && .venv-vllm/bin/pip install vllm` in the "
    "project's folder, or name an interpreter that has vllm: vllm.python (see docs/engines.md)",
    asked_by="engine: vllm",
)


def offline(**variables: str) -> dict[str, str]:
    """Environment variables of a process that reports nothing, downloads nothing, and further."""
    return {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **variables,
    }


def comet_variables(threads: int) -> dict[str, str]:
    """Environment variables of a process of COMET's interpreter."""
    return offline(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
