"""The door to transformers: a chat model, loaded from safetensors with its tokenizer.

Safetensors unless ``allow_pickle`` is asked for, then tensors alone; the model's own code only when
it is trusted; never the network: files were fetched before.
"""

import inspect
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.utils import logging as transformers_logging

from harness.errors import ConfigError
from harness.models.adapter_base import warn_of_another_base
from harness.models.chat_model import ChatModel
from harness.models.devices import device_kind
from harness.models.folder import layer_faults, model_folder, pickled_files
from harness.models.identity import model_identity
from harness.models.lora import load_adapter
from harness.models.quantise import quantise_arguments
from harness.models.spec import ModelSpec
from harness.models.tokenizer import ChatTokenizer, tokenizer_of
from harness.records import Message

logger = logging.getLogger(__name__)
transformers_logging.disable_progress_bar()


def load_chat_model(spec: ModelSpec) -> ChatModel:
    """Loads a chat model, and sets this process to the CPU threads it asks for.

    Raises:
        ConfigError: The folder is missing, incomplete or broken, or the device is not there.
        MissingExtra: It is to be quantised, and the library is not there.
    """
    folder = model_folder(spec)
    identity = model_identity(spec)
    device = _device(spec)
    torch.set_num_threads(spec.threads)
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, spec.dtype),
            use_safetensors=not (spec.allow_pickle and pickled_files(folder)),
            weights_only=True,
            local_files_only=True,
            trust_remote_code=spec.trust_remote_code,
            output_loading_info=True,
            **_chosen(spec, device),
        )
    except Exception as error:  # config and weights are read by many libraries, each with its own
        raise ConfigError(
            f"model.path: {spec.path}: the model cannot be read: {error}", _hint(spec, error)
        ) from error
    if report["missing_keys"] or report["mismatched_keys"]:
        # transformers would go on with random numbers in their place.
        names = [*report["missing_keys"], *(str(one) for one in report["mismatched_keys"])]
        raise ConfigError(
            f"model.path: {spec.path}: {len(names)} weights are missing or misshapen, "
            f"{sorted(names)[0]} among them"
        )
    _check_past(spec, model)
    if unexpected := sorted(report["unexpected_keys"]):
        # transformers would leave them out: biases or layers of a model made otherwise.
        raise ConfigError(
            f"model.path: {spec.path}: {len(unexpected)} weights have no place in the model that "
            f"its config.json describes, {unexpected[0]} among them",
            _of_an_encoder(unexpected) or "config.json and weights are of two models",
        )
    if spec.device_map is None and spec.quantise is None:
        model.to(device)
    model.eval().requires_grad_(False)
    tokenizer = tokenizer_of(folder, spec)
    _check_rows(spec, model, tokenizer)
    logger.info("loaded %s (%s, %s)", spec.path, spec.dtype, device)
    if "chat_date" in identity:
        logger.info("chats take place on %s (model.chat_date)", identity["chat_date"])
    elif spec.chat_date is not None:
        logger.warning("model.chat_date: the chat template writes no date, so this changes nothing")
    if spec.trust_remote_code:
        logger.warning("%s: code of the model's own may run (model.trust_remote_code)", spec.path)
    chat_model = ChatModel(model, tokenizer, spec, identity)
    if spec.adapter is None:
        return chat_model
    warn_of_another_base(Path(spec.adapter), spec.replace(adapter=None))
    # The model is the two together, tokens that the adapter brought among it.
    return replace(load_adapter(chat_model, Path(spec.adapter)), extension=None)


def _chosen(spec: ModelSpec, device: torch.device) -> dict[str, Any]:
    """What is left to transformers where nothing is chosen."""
    quantised = quantise_arguments(spec)
    chosen: dict[str, Any] = {}
    if spec.attention is not None:
        chosen["attn_implementation"] = spec.attention
    if spec.device_map is not None or quantised is not None:
        # Quantised weights are made where they stay.
        chosen["device_map"] = spec.device_map or {"": device}
    if quantised is not None:
        chosen["quantization_config"] = BitsAndBytesConfig(**quantised)
    return chosen


def take_device(spec: ModelSpec, number: int) -> None:
    """Lets this process use another accelerator than the first, for all that it loads.

    Raises:
        ConfigError: There is none of that number.
    """
    if _device(spec).type != "cuda":
        return
    count = torch.cuda.device_count()
    if number >= count:
        raise ConfigError(
            f"train.processes: process {number + 1} has no accelerator: torch sees {count}"
        )
    torch.cuda.set_device(number)


def _check_past(spec: ModelSpec, model: Any) -> None:
    """Answers are written with rows in a batch of their own lengths, of keys and values alone."""
    config = model.config.get_text_config(decoder=True)
    faults = layer_faults(getattr(config, "layer_types", None) or ())
    if "past_key_values" not in inspect.signature(model.forward).parameters:
        faults.append(f"{type(model).__name__} keeps no keys and values, allowed a model that does")
    if faults:
        raise ConfigError(f"model.path: {spec.path}: {faults[0]}")


def _of_an_encoder(names: list[str]) -> str | None:
    if not any("encoder." in name.replace("decoder.", "") for name in names):
        return None
    return "it has an encoder: a model that reads a text and writes another is no chat model"


def _hint(spec: ModelSpec, error: Exception) -> str | None:
    if "trust_remote_code" in str(error):
        return "Where you trust its maker, set model.trust_remote_code: true"
    if "bitsandbytes model in a new `dtype`" in str(error):
        return "its weights are quantised: name the model it was made of, which has them whole"
    if spec.attention is not None and spec.attention.partition("_")[0] in str(error).lower():
        return f"model.attention: found {spec.attention!r}; sdpa and eager work everywhere"
    return None


def _check_rows(spec: ModelSpec, model: Any, tokenizer: ChatTokenizer) -> None:
    """Embeddings may have more rows than there are tokens, not fewer than a chat needs."""
    rows = len(model.get_input_embeddings().weight)
    highest = max((*tokenizer.encode_chat((Message("user", "x"),)), *tokenizer.end_ids))
    if highest >= rows:
        raise ConfigError(
            f"model.path: {spec.path}: the tokenizer writes token {highest} into every chat, the "
            f"model has {rows} rows of embeddings: tokenizer and weights are of two models"
        )


def _device(spec: ModelSpec) -> torch.device:
    kind = device_kind(spec)
    if kind == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            f"model.device: found {spec.device!r}, but torch sees no usable accelerator here",
            "set model.device: cpu",
        )
    return torch.device(kind)
