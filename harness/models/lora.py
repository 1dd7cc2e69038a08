"""The door to PEFT: low-rank adapters put on a chat model, saved, loaded, taken off again."""

import contextlib
import json
import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftModel,
    get_peft_model,
    get_peft_model_state_dict,
    load_peft_weights,
    set_peft_model_state_dict,
)
from peft.tuners.lora import ParamWrapper
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import safe_open

from harness.errors import ConfigError
from harness.models.chat_model import ChatModel, forked_streams
from harness.models.folder import adapter_folder
from harness.models.spec import LoraSpec
from harness.models.speed import quantised
from harness.models.targets import target_modules
from harness.models.vocabulary import read_tokens, remove_tokens, write_tokens
from harness.seeds import stream_seed

logger = logging.getLogger(__name__)

_DEFAULT = "default"
"""PEFT's name for an adapter that is given none."""


def attach(chat_model: ChatModel, spec: LoraSpec, seed: int) -> ChatModel:
    """The model with a fresh adapter to train; its A is drawn from ``seed``, its B is zero.

    The base model's weights are shared, not copied, and frozen. An adapter that is on the model
    already is merged first, in float32: training continues from the two together.

    Raises:
        ConfigError: The model has no layer of a name in ``target_modules``, or PEFT has no adapter
            for its layers.
    """
    base = _without_adapter(chat_model.model)
    config = LoraConfig(
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=target_modules(base, spec),
        use_rslora=spec.rslora,
        use_dora=spec.dora,
        trainable_token_indices=_trained_rows(chat_model, base, spec),
        task_type="CAUSAL_LM",
    )
    with forked_streams(chat_model), _as_peft_is():
        torch.manual_seed(stream_seed(seed, "lora"))
        try:
            model = get_peft_model(base, config)
        except (ValueError, NotImplementedError) as error:
            raise _not_adaptable(chat_model, error) from error
        _check_answers(chat_model, model)
    logger.info("adapter on %s", ", ".join(adapted_layers(model)))
    return replace(chat_model, model=model)


def _check_answers(chat_model: ChatModel, model: PeftModel) -> None:
    """One token goes through: a linear layer that gives more than a tensor (a router) has no dW."""
    was_training = model.training
    try:
        with torch.no_grad():
            model.eval()(input_ids=torch.zeros(1, 1, dtype=torch.long, device=chat_model.device))
    except (AttributeError, TypeError) as error:
        model.unload()
        raise _not_adaptable(chat_model, error) from error
    model.train(was_training)


def _not_adaptable(chat_model: ChatModel, error: Exception) -> ConfigError:
    return ConfigError(
        f"lora: PEFT cannot put an adapter on {chat_model.spec.path}: {error}",
        "name the layers it is to have: lora.target_modules: [q_proj, v_proj]; experts "
        "whose weights are parameters have neither lora.dropout nor lora.dora",
    )


def adapted_layers(model: Any) -> list[str]:
    """The kinds of layers that have an adapter, each with how many: ``q_proj x 4``.

    Experts whose weights are parameters are told by these, ``experts.gate_up_proj x 4``.
    """
    kinds: Counter[str] = Counter()
    for name, part in model.named_modules():
        if _has_adapter(part):
            kind = name.replace(".base_layer", "").rpartition(".")[2]
            parameter = part.parameter_name if isinstance(part, ParamWrapper) else None
            kinds[kind if parameter in (None, "weight") else f"{kind}.{parameter}"] += 1
    return [f"{kind} x {count}" for kind, count in kinds.items()]


def detach(chat_model: ChatModel) -> ChatModel:
    """The base model again, its weights bit for bit what they were before ``attach``.

    Tokens that were added to it are taken off as well.
    """
    model = chat_model.model
    if not isinstance(model, PeftModel):
        return chat_model
    base = model.unload()
    for leftover in ("peft_config", "active_adapter"):
        base.__dict__.pop(leftover, None)
    return remove_tokens(replace(chat_model, model=base))


def merged(model: PeftModel) -> Any:
    """The base model with the adapter added to its weights, computed in float32."""
    dtype = model.dtype
    return model.float().merge_and_unload(safe_merge=True).to(dtype)


def save_adapter(chat_model: ChatModel, folder: Path, name: str | None = None) -> None:
    """Writes one adapter alone, as PEFT reads it anywhere; same adapter, same bytes.

    Args:
        chat_model: With the adapter on it.
        folder: Gets it.
        name: Which one, where there are several.
    """
    chosen = name or chat_model.model.active_adapter
    chat_model.model.save_pretrained(
        folder,
        safe_serialization=True,
        selected_adapters=[chosen],
        save_embedding_layers=False,  # the rows that were trained are in the adapter anyway
    )
    write_tokens(chat_model, folder)
    if chosen != _DEFAULT:  # PEFT puts any other name into a folder of its own
        for file in (folder / chosen).iterdir():
            file.replace(folder / file.name)
        (folder / chosen).rmdir()
    (folder / "README.md").unlink(missing_ok=True)  # a model card of empty headings
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    if isinstance(config["target_modules"], list):  # written from a set: in any order
        config["target_modules"].sort()
    file.write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")


def load_adapter(chat_model: ChatModel, folder: Path, name: str = _DEFAULT) -> ChatModel:
    """The model with a saved adapter on it, ready to generate.

    An adapter that is on the model already is merged first, as it was when this one was trained.

    Raises:
        ConfigError: No adapter in the folder, or one of another model.
    """
    whole = adapter_folder(str(folder))
    with _fitting(chat_model, folder):
        base = replace(chat_model, model=_without_adapter(chat_model.model))
        grown = read_tokens(base, whole)
        model = PeftModel.from_pretrained(grown.model, whole, adapter_name=name)
        _check_all_loaded(model, whole, name)
    return replace(grown, model=model.eval())


def load_another(chat_model: ChatModel, folder: Path, name: str) -> None:
    """Puts one more saved adapter on a model that has one; the first stays the active one.

    Raises:
        ConfigError: No adapter in the folder, or one of another model.
    """
    whole = adapter_folder(str(folder))
    with _fitting(chat_model, folder):
        chat_model.model.load_adapter(whole, adapter_name=name)
        _check_all_loaded(chat_model.model, whole, name)


def _without_adapter(model: Any) -> Any:
    if isinstance(model, PeftModel) and quantised(model):
        raise ConfigError(
            "model.quantise: an adapter cannot be merged into quantised weights, and training goes "
            "on from the two merged",
            "merge them first: harness export ADAPTER --model MODEL --output DIR",
        )
    base = merged(model) if isinstance(model, PeftModel) else model
    taken = next((name for name, part in base.named_modules() if _has_adapter(part)), None)
    if taken is not None:
        raise ConfigError(
            f"the model has an adapter in its layers, {taken} among them: another would take its "
            "place, and what was untuned would not be",
            "name the bare model as model.path, and the adapter as model.adapter",
        )
    return base


def _has_adapter(part: Any) -> bool:
    return isinstance(part, BaseTunerLayer)


def _check_all_loaded(model: PeftModel, folder: Path, name: str) -> None:
    # PEFT leaves weights that have no place here out, and says nothing.
    with safe_open(folder / "adapter_model.safetensors", framework="pt") as file:
        saved = {key for key in file.keys() if "lora_" in key}  # noqa: SIM118  # no mapping
    own = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    odd = sorted(saved ^ {key for key in own if "lora_" in key})
    if odd:
        raise ValueError(f"{len(odd)} weights are on one side only, {odd[0]} among them")


@contextlib.contextmanager
def _fitting(chat_model: ChatModel, folder: Path) -> Iterator[None]:
    try:
        with _as_peft_is():
            yield
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"{folder}: the adapter does not fit {chat_model.spec.path}: {reason}",
            "is it an adapter of another model?",
        ) from error


def load_weights(chat_model: ChatModel, folder: Path) -> None:
    """Gives the adapter on a model the weights of a saved one of the same shape: training goes on.

    Raises:
        ConfigError: The saved adapter has another shape.
    """
    weights = load_peft_weights(str(adapter_folder(str(folder))), device=str(chat_model.device))
    own = get_peft_model_state_dict(chat_model.model, save_embedding_layers=False)
    if {name: value.shape for name, value in weights.items()} != {
        name: value.shape for name, value in own.items()
    }:
        raise ConfigError(
            f"{folder}: the adapter has other layers or another rank than the one to go on with",
            "every training of a chain has the same lora settings",
        )
    set_peft_model_state_dict(chat_model.model, weights)


def _trained_rows(chat_model: ChatModel, model: Any, spec: LoraSpec) -> dict[str, list[int]] | None:
    """Rows of the embeddings and of the head to train: all, or those of tokens that were added."""
    extension = chat_model.extension
    num_rows = model.get_input_embeddings().weight.shape[0]
    first = 0 if spec.embeddings else num_rows if extension is None else extension.first
    rows = list(range(first, num_rows))
    if not rows:
        return None
    names = {module: name for name, module in model.named_modules()}
    both = (model.get_input_embeddings(), model.get_output_embeddings())
    return {names[layer]: rows for layer in both}


def adapter_facts(chat_model: ChatModel) -> Mapping[str, float]:
    """How large the adapter is: trainable parameters, and their share of the base's."""
    parameters = list(chat_model.model.named_parameters())
    own = ("lora_", "trainable_tokens_delta")
    adapter = sum(value.numel() for name, value in parameters if any(one in name for one in own))
    whole = sum(value.numel() for _, value in parameters)
    return {"adapter_parameters": adapter, "adapter_share": adapter / (whole - adapter)}


@contextlib.contextmanager
def _as_peft_is() -> Iterator[None]:
    # peft 0.21 reads an attribute that transformers 5.23 has renamed; nothing for a user to mend.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        # GPT-2's layers are stored the other way round, which PEFT sees and heeds by itself.
        warnings.filterwarnings("ignore", "fan_in_fan_out is set to False", UserWarning)
        # Ranks PEFT gives to experts' parameters by itself, and looks for among modules as well.
        warnings.filterwarnings("ignore", "The following (rank|alpha)_pattern keys", RuntimeWarning)
        # We raise instead.
        warnings.filterwarnings("ignore", "Found missing adapter keys", UserWarning)
        yield
