"""vLLM's process: which interpreter it runs in, and what its errors mean for a user."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, EvaluationError, MissingExtra
from harness.models.generation.spec import VllmSpec
from harness.models.spec import ModelSpec
from harness.processes.line_process import LineProcess
from harness.records import JSON

WORKER = Path(__file__).parents[2] / "processes" / "vllm_worker.py"
BESIDE_THE_PROJECT = Path(__file__).parents[3] / ".venv-vllm" / "bin" / "python"
HINT = (
    "make one: `python3 -m venv .venv-vllm && .venv-vllm/bin/pip install vllm` in the project's "
    "folder, or name an interpreter that has vllm: vllm.python (see docs/engines.md)"
)
_ISOLATED = "-I"
"""Neither PYTHONPATH nor the worker's folder, whose modules are no business of vllm's."""
_FULL = (
    "out of memory",
    "outofmemory",
    "free memory on device",
    "memory for the cache",
    "kv cache",
)
_NO_GPU = ("no cuda", "device type", "nvidia driver", "cuda driver", "no gpu")
_TOO_LONG = ("maximum model length", "max_model_len", "max model len")


def vllm_python(setting: str | None = None) -> Path:
    """The interpreter vLLM runs in.

    The setting if there is one; else this interpreter if it has vllm; else ``.venv-vllm`` beside
    the project.

    Raises:
        MissingExtra: There is none.
    """
    if setting is not None:
        found = shutil.which(Path(setting).expanduser())
        if found is None:
            raise MissingExtra(f"vllm.python: {setting}: no such program", HINT)
        return Path(found)
    if importlib.util.find_spec("vllm") is not None:
        return Path(sys.executable)
    if os.access(BESIDE_THE_PROJECT, os.X_OK):
        return BESIDE_THE_PROJECT
    raise MissingExtra("engine: vllm needs an interpreter with vllm, and there is none", HINT)


@cache
def vllm_version(python: Path) -> str:
    """Version of vllm an interpreter has, without importing it.

    Raises:
        MissingExtra: It does not run, or has none.
    """
    code = "from importlib.metadata import version; print(version('vllm'))"
    try:
        done = subprocess.run(
            [str(python), _ISOLATED, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingExtra(f"vllm.python: {python} does not run: {error}", HINT) from None
    if done.returncode != 0:
        raise MissingExtra(f"vllm.python: {python} has no vllm", HINT)
    return done.stdout.strip()


def check_vllm(model: ModelSpec, vllm: VllmSpec, section: str = "eval") -> None:
    """Sees to it that the model can be given to vLLM, and that there is one; starts nothing.

    Args:
        model: The model.
        vllm: How vLLM is to run.
        section: Where that stands in the configuration.

    Raises:
        ConfigError: The model is to be loaded in a way vLLM is not told of.
        MissingExtra: There is no interpreter with vllm.
    """
    check_vllm_model(model, section=section)
    try:
        vllm_version(vllm_python(vllm.python))
    except MissingExtra as error:
        raise MissingExtra(f"{section}.{error.message}", error.hint) from None


def check_vllm_model(spec: ModelSpec, setting: str = "model", section: str = "eval") -> None:
    """The half of ``check_vllm`` that is about the model.

    Args:
        spec: The model.
        setting: Where it stands in the configuration.
        section: Where its engine does.

    Raises:
        ConfigError: It is to be loaded in a way vLLM is not told of.
    """
    if spec.quantise is not None:
        raise ConfigError(
            f"{setting}.quantise: found {spec.quantise!r}, and {section}.engine: vllm takes whole "
            "weights",
            f"leave {setting}.quantise out, or set {section}.engine: hugging_face",
        )
    if spec.device_map is not None:
        raise ConfigError(
            f"{setting}.device_map: found {spec.device_map!r}, and {section}.engine: vllm knows "
            "none",
            f"set {section}.vllm.gpus to split the model, and leave {setting}.device_map out",
        )


class VllmProcess:
    """The worker, ready to be asked.

    Raises:
        MissingExtra: The interpreter does not run, or vllm does not import there.
    """

    def __init__(self, python: Path, gpus: int) -> None:
        command = [str(python), _ISOLATED, str(WORKER)]
        try:
            # several GPUs mean processes of its own, which are to end with it
            self._process = LineProcess("vLLM", command, _environment(gpus), own_session=True)
        except OSError as error:
            raise MissingExtra(f"{python} does not run: {error.strerror}", HINT) from None
        try:
            ready = self._process.receive("starting")
        except BaseException:
            self.close()
            raise
        if "missing" in ready:
            self.close()
            raise MissingExtra(f"{python} cannot run vLLM: {ready['missing']}", HINT)
        self.version = str(ready["ready"])

    @property
    def pid(self) -> int:
        return self._process.process.pid

    def ask(self, request: Mapping[str, JSON], doing: str) -> Mapping[str, Any]:
        """Sends a request and waits for its answer; ``doing`` says for people what it is.

        Raises:
            EvaluationError: vLLM could not do it, or died.
        """
        answer = self._process.ask(request, doing)
        if "error" in answer:
            reason = str(answer["error"])
            raise EvaluationError(f"vLLM failed while {doing}: {reason}", _mend(reason))
        return answer

    def close(self) -> None:
        """Ends it and whatever it started, at once; its memory is free afterwards."""
        self._process.kill()


def _environment(gpus: int) -> dict[str, str]:
    """Environment variables of the worker: offline, nothing reported, the same each time."""
    given = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    # in one process the order of work, and with it rounding, is the same each time
    return given | ({"VLLM_ENABLE_V1_MULTIPROCESSING": "0"} if gpus == 1 else {})


def _mend(reason: str) -> str | None:
    said = reason.lower()
    if any(words in said for words in _FULL):
        return (
            "lower vllm.max_length or vllm.rows, or change vllm.gpu_share: it has "
            "to fit beside what else is on the GPU (nvidia-smi), a second worker of a sweep, say"
        )
    if any(words in said for words in _TOO_LONG):
        return "raise vllm.max_length, or leave it out to take what the model can"
    if any(words in said for words in _NO_GPU):
        return "vLLM runs on a GPU; without one, engine: hugging_face"
    return None
