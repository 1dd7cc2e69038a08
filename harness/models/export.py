"""A base model and an adapter as one model folder, which needs neither PEFT nor the harness to run.

The sum is made in float32 and compared with the adapted model, logit by logit, before anything is
written: merged models that are not what was scored are a common complaint. What was written is
read back and compared as well, and only then gets its name.

Shapes: T tokens of a prompt, V vocabulary.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from harness.errors import ConfigError, EvaluationError
from harness.models.adapter_base import base_of, warn_of_another_base
from harness.models.answering_file import copy_answering
from harness.models.chat_model import ChatModel
from harness.models.folder import adapter_folder, model_folder, read_json
from harness.models.identity import folder_hash
from harness.models.load import load_chat_model
from harness.models.lora import load_adapter, merged
from harness.models.spec import ModelSpec
from harness.models.tokenizer import TOKENIZER_FILE
from harness.records import JSON, Message, TokenIds
from harness.storage.files import publish_folder

Dtype: TypeAlias = Literal["float32", "bfloat16", "float16"]

TOLERANCE = 1e-3
"""Largest difference of a logit that is taken for rounding: two orders above what float32 does to
small models, one above what it does to those of 7B."""

PROMPTS = (
    "What is the capital of France, and how large is it?",
    "Translate from English to German: The old sailor has painted the green boat in the harbour.",
    "Write a short poem about the sea.\n\nDo not rhyme.",
    "Grüß Gott! Was heißt 日本語 auf Deutsch?",
)

_RECIPE = "RECIPE.json"
_COPIED = {".json", ".model", ".txt", ".jinja", ".py"}
_OF_THE_WEIGHTS = {"config.json", "model.safetensors.index.json", _RECIPE}
_LEGAL = ("LICENSE", "LICENCE", "NOTICE")


@dataclass(frozen=True)
class Exported:
    """What was written, and how sure it is.

    Attributes:
        folder: The model's.
        dtype: Of its weights.
        num_parameters: It has.
        num_positions: At which logits were compared.
        difference: Largest, between a logit of the merged and of the adapted model, in float32.
        rounding: The same after the weights were rounded to ``dtype``.
        tolerance: What ``difference`` was held against.
    """

    folder: Path
    dtype: Dtype
    num_parameters: int
    num_positions: int
    difference: float
    rounding: float
    tolerance: float


def export(
    model: ModelSpec,
    adapter: Path,
    folder: Path,
    *,
    dtype: Dtype | None = None,
    tolerance: float = TOLERANCE,
    recipe: Mapping[str, JSON] | None = None,
) -> Exported:
    """Writes the model with the adapter in its weights, its tokenizer and its chat template.

    Args:
        model: The base; an adapter it names is merged as well, first. Its dtype is not looked at.
        adapter: A folder PEFT saved.
        folder: Gets the model; must not be there, or be empty.
        dtype: Of the weights; None for that of the base model's files.
        tolerance: Largest difference of a logit to accept.
        recipe: Further facts for the folder's ``RECIPE.json``.

    Raises:
        ConfigError: Something is missing or does not fit, or ``folder`` has files.
        EvaluationError: The merged model says something else than the adapted one; nothing is
            written.
    """
    check_free(folder)
    source = model_folder(model)
    whole = adapter_folder(str(adapter))
    warn_of_another_base(whole, model)
    dtype = dtype or _dtype_of(source)
    tuned = load_adapter(load_chat_model(model.replace(dtype="float32", quantise=None)), whole)
    prompts = _encoded(tuned)
    expected = _logits(tuned.model, prompts)
    try:
        plain = merged(tuned.model)
    except ValueError as error:
        raise EvaluationError(f"the adapter cannot be merged: {error}") from error
    difference = _difference(_logits(plain, prompts), expected)
    if not difference <= tolerance:
        raise EvaluationError(
            f"{adapter}: merged into {model.path}, logits differ from the adapter's by up to "
            f"{difference:.3g}, allowed {tolerance:g}; nothing was written",
            "An adapter on a head tied to the embeddings cannot be merged faithfully; "
            "--tolerance accepts more.",
        )
    _cast(plain, dtype)
    num_parameters = sum(parameter.numel() for parameter in plain.parameters())
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        plain.save_pretrained(draft)
        _copy_the_rest(model, source, whole, draft)
        _cast(plain, "float32")
        rounded = _logits(plain, prompts)
        del plain, tuned  # room for what was written
        _check_written(draft, model, prompts, rounded, tolerance)
        exported = Exported(
            folder=folder,
            dtype=dtype,
            num_parameters=num_parameters,
            num_positions=sum(map(len, prompts)),
            difference=difference,
            rounding=_difference(rounded, expected),
            tolerance=tolerance,
        )
        facts = _recipe(model, source, whole, exported) | dict(recipe or {})
        (draft / _RECIPE).write_text(json.dumps(facts, indent=2), encoding="utf-8")
        publish_folder(draft, folder)  # takes the place of an empty folder too
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return exported


def check_free(folder: Path) -> None:
    """Sees to it that nothing is overwritten.

    Raises:
        ConfigError: The folder has files.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ConfigError(
            f"{folder}: is there already, allowed a folder that is not there or is empty"
        )


def _dtype_of(source: Path) -> Dtype:
    config = read_json(source / "config.json")
    named = config.get("dtype") or config.get("torch_dtype")
    return named if named in ("bfloat16", "float16") else "float32"


def _encoded(tuned: ChatModel) -> list[TokenIds]:
    return [tuned.tokenizer.encode_chat((Message("user", prompt),)) for prompt in PROMPTS]


def _logits(model: Any, prompts: Sequence[TokenIds]) -> list[Tensor]:
    """What a model says at every position of each prompt, [T, V], float32, on the CPU."""
    model.eval()
    with torch.inference_mode():
        return [
            model(input_ids=torch.tensor([prompt], device=model.device), use_cache=False)
            .logits[0]
            .float()
            .cpu()
            for prompt in prompts
        ]


def _difference(logits: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    pairs = zip(logits, expected, strict=True)
    differences = [(logits_TV - expected_TV).abs().max() for logits_TV, expected_TV in pairs]
    return float(torch.stack(differences).max())  # NaN stays NaN


def _cast(model: Any, dtype: Dtype) -> None:
    # Parameters alone: rounded frequencies of rotary embeddings would be another model.
    for parameter in model.parameters():
        parameter.data = parameter.data.to(getattr(torch, dtype))


def _copy_the_rest(model: ModelSpec, source: Path, adapter: Path, draft: Path) -> None:
    """Tokenizer, chat template, generation settings and licence, byte for byte.

    The tokenizer of an adapter that brought tokens of its own takes the place of the base's.
    """
    for file in source.iterdir():
        is_named = file.suffix in _COPIED and file.name not in _OF_THE_WEIGHTS
        if file.is_file() and (is_named or file.name.upper().startswith(_LEGAL)):
            shutil.copyfile(file, draft / file.name)
    if (adapter / TOKENIZER_FILE).is_file():
        for name in (TOKENIZER_FILE, "tokenizer_config.json"):
            shutil.copyfile(adapter / name, draft / name)
    if model.chat_template is not None:
        shutil.copyfile(model.chat_template, draft / "chat_template.jinja")
    copy_answering(adapter, draft)


def _check_written(
    draft: Path,
    model: ModelSpec,
    prompts: Sequence[TokenIds],
    expected: Sequence[Tensor],
    tolerance: float,
) -> None:
    written = load_chat_model(
        ModelSpec(
            path=str(draft),
            device=model.device,
            trust_remote_code=model.trust_remote_code,
            threads=model.threads,
        )
    )
    if _encoded(written) != list(prompts):
        raise EvaluationError("the chats are tokenised otherwise by what was written")
    difference = _difference(_logits(written.model, prompts), expected)
    if not difference <= tolerance:
        raise EvaluationError(
            f"the model read back differs from the one written by up to {difference:.3g} in a logit"
        )


def _recipe(model: ModelSpec, source: Path, adapter: Path, exported: Exported) -> dict[str, JSON]:
    return {
        "made_by": "harness export",
        "base": {"path": model.path, "adapter": model.adapter, "content": folder_hash(source)},
        "adapter": {
            "path": str(adapter),
            "content": folder_hash(adapter),
            "base": base_of(adapter, model).verdict,
        },
        "dtype": exported.dtype,
        "largest_difference": exported.difference,
        "largest_difference_rounded": exported.rounding,
    }
