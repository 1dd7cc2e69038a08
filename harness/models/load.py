"""The door to transformers: a chat model, loaded from safetensors with its tokenizer."""

import logging
from dataclasses import replace
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from harness.errors import ConfigError
from harness.models.chat_model import ChatModel
from harness.models.folder import model_folder
from harness.models.identity import device_kind, model_identity
from harness.models.lora import load_adapter
from harness.models.spec import ModelSpec
from harness.models.tokenizer import tokenizer_in

logger = logging.getLogger(__name__)
transformers_logging.disable_progress_bar()


def load_chat_model(spec: ModelSpec) -> ChatModel:
    """Loads a chat model, and sets this process to the CPU threads it asks for.

    Raises:
        ConfigError: The folder is missing, incomplete or broken, or the device is not there.
    """
    folder = model_folder(spec)
    identity = model_identity(spec)
    device = _device(spec)
    torch.set_num_threads(spec.threads)
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, spec.dtype),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=spec.trust_remote_code,
            output_loading_info=True,
        )
    except Exception as error:  # config and weights are read by many libraries, each with its own
        raise ConfigError(f"model.path: {spec.path}: the model cannot be read: {error}") from error
    if report["missing_keys"] or report["mismatched_keys"]:
        # transformers would go on with random numbers in their place.
        names = [*report["missing_keys"], *(str(one) for one in report["mismatched_keys"])]
        raise ConfigError(
            f"model.path: {spec.path}: {len(names)} weights are missing or misshapen, "
            f"{sorted(names)[0]} among them"
        )
    model.to(device)
    model.eval().requires_grad_(False)
    logger.info("loaded %s (%s, %s)", spec.path, spec.dtype, device)
    chat_model = ChatModel(model, tokenizer_in(folder, spec.trust_remote_code), spec, identity)
    if spec.adapter is None:
        return chat_model
    # The model is the two together, tokens that the adapter brought among it.
    return replace(load_adapter(chat_model, Path(spec.adapter)), extension=None)


def _device(spec: ModelSpec) -> torch.device:
    kind = device_kind(spec)
    if kind == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            f"model.device: found {spec.device!r}, but torch sees no usable accelerator here",
            "set model.device: cpu",
        )
    return torch.device(kind)
