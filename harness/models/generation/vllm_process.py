"""vLLM's process: what can be given to it, and what its errors mean for a user."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, EvaluationError, MissingExtra
from harness.models.generation.spec import VllmSpec
from harness.models.spec import ModelSpec
from harness.processes.interpreter import VLLM, offline
from harness.processes.line_process import LineProcess
from harness.records import JSON

_FULL = (
    "out of memory",
    "outofmemory",
    "free memory on device",
    "memory for the cache",
    "kv cache",
)
_NO_GPU = ("no cuda", "device type", "nvidia driver", "cuda driver", "no gpu")
_TOO_LONG = ("maximum model length", "max_model_len", "max model len")


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
        VLLM.version(VLLM.python(vllm.python))
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


def start_vllm(python: Path, gpus: int) -> tuple[LineProcess, str]:
    """The worker, ready to be asked, and the version it runs.

    Raises:
        MissingExtra: The interpreter does not run, or vllm does not import there.
    """
    # in one process the order of work, and with it rounding, is the same each time
    order = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"} if gpus == 1 else {}
    variables = offline(VLLM_NO_USAGE_STATS="1", **order)
    # several GPUs mean processes of its own, which are to end with it
    return VLLM.start(python, [], variables, own_session=True)


def ask_vllm(process: LineProcess, request: Mapping[str, JSON], doing: str) -> Mapping[str, Any]:
    """Sends a request and waits for its answer; ``doing`` says for people what it is.

    Raises:
        EvaluationError: vLLM could not do it, or died.
    """
    answer = process.ask(request, doing)
    if "error" in answer:
        reason = str(answer["error"])
        raise EvaluationError(f"vLLM failed while {doing}: {reason}", _mend(reason))
    return answer


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
