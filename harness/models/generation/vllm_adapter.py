"""How an adapter comes to vLLM: as it is where vLLM takes it so, else in the model's weights.

What vLLM takes stands in its documentation of LoRA and its configuration: plain LoRA on layers of
the model's body, in half precision, up to a rank. Everything else is merged in float32 by
``harness.models.export``, which compares logits before it is believed.
"""

from dataclasses import dataclass
from pathlib import Path

from harness.models.export import export
from harness.models.folder import ADAPTER_CONFIG, adapter_folder, model_folder, read_json
from harness.models.generation.vllm_process import check_vllm_model
from harness.models.spec import ModelSpec

_RANKS = (8, 16, 32, 64, 128, 256, 512)
"""Those that every version of vLLM since 0.8 has room for."""
_HEAD_AND_EMBEDDINGS = {"lm_head", "embed_tokens", "wte", "embed_in", "embed_out"}
_OTHER = ("use_dora", "modules_to_save", "trainable_token_indices", "rank_pattern", "alpha_pattern")


@dataclass(frozen=True)
class Served:
    """What vLLM loads.

    Attributes:
        folder: The model.
        adapter: On it, apart; None for none.
        rank: Room to leave for the adapter's rank; 0 without one.
    """

    folder: Path
    adapter: Path | None = None
    rank: int = 0


def stays_apart(spec: ModelSpec, adapter: Path | None) -> bool:
    """Whether vLLM puts the adapter on the model itself."""
    if adapter is None or spec.adapter is not None or spec.dtype == "float32":
        return False  # its kernels of LoRA compute in half precision only
    config = read_json(adapter_folder(str(adapter)) / ADAPTER_CONFIG)
    modules = config.get("target_modules")
    return (
        config.get("peft_type") == "LORA"
        and config.get("bias", "none") == "none"
        and not any(config.get(name) for name in _OTHER)
        and isinstance(modules, list)
        and not any(name.rpartition(".")[2] in _HEAD_AND_EMBEDDINGS for name in modules)
        and int(config["r"]) <= _RANKS[-1]
    )


def served(spec: ModelSpec, adapter: Path | None, room: Path) -> Served:
    """What vLLM is to load.

    Args:
        spec: The model; an adapter it names goes into its weights where there is another.
        adapter: On it, or None.
        room: An empty folder to write a merged model into.

    Raises:
        ConfigError: Something is missing, or vLLM cannot be told of it.
        EvaluationError: The adapter cannot be merged faithfully.
    """
    check_vllm_model(spec)
    if adapter is None and spec.adapter is not None:
        return served(spec.replace(adapter=None), Path(spec.adapter), room)
    if adapter is None:
        return Served(model_folder(spec))
    if stays_apart(spec, adapter):
        rank = int(read_json(adapter / ADAPTER_CONFIG)["r"])
        return Served(model_folder(spec), adapter, next(one for one in _RANKS if one >= rank))
    # not on the GPU, whose memory this process would keep for the next that asks it
    exported = export(spec.replace(device="cpu"), adapter, room / "model", dtype=spec.dtype)
    return Served(exported.folder)
