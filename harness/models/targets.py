"""Which layers of a model get an adapter: by name, by pattern, or every linear one but the head."""

import re
from fnmatch import fnmatchcase
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from harness.errors import ConfigError
from harness.models.spec import REGEX, LoraSpec, is_pattern


def target_modules(model: Any, spec: LoraSpec) -> str | list[str]:
    """The layers as PEFT is told them: names as they are given, patterns as the layers they fit.

    Raises:
        ConfigError: A name or pattern fits no linear layer of the model.
    """
    if isinstance(spec.target_modules, str):
        return _of_the_text(model) or spec.target_modules
    head = model.get_output_embeddings()
    layers = {
        name: module is head
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
    }
    # A pattern means the body of the model; the head is trained only where it is named.
    body = [name for name, is_head in layers.items() if not is_head]
    named = {wanted: _fitting(wanted, body, list(layers)) for wanted in spec.target_modules}
    unknown = [wanted for wanted, fitting in named.items() if not fitting]
    if unknown:
        names = sorted({name.rpartition(".")[2] for name in layers})
        raise ConfigError(
            f"lora.target_modules: found {', '.join(unknown)}, allowed all-linear or layers of "
            f"this model: {', '.join(names)}; or patterns of their whole names, such as {body[0]}"
        )
    if not any(map(is_pattern, spec.target_modules)):
        return list(spec.target_modules)
    return sorted({name for fitting in named.values() for name in fitting})


def _of_the_text(model: Any) -> list[str]:
    """The linear layers of the part that reads text, where a model has others; else none.

    A tower for pictures is never trained here, and would be adapted.
    """
    if model.config.get_text_config(decoder=True) is model.config:
        return []
    text = model.get_decoder()
    inside = {id(part) for part in text.modules()}
    return [
        name
        for name, part in model.named_modules()
        if id(part) in inside and isinstance(part, torch.nn.Linear | Conv1D)
    ]


def _fitting(named: str, body: list[str], layers: list[str]) -> list[str]:
    if named.startswith(REGEX):
        pattern = re.compile(named.removeprefix(REGEX))
        return [name for name in body if pattern.fullmatch(name)]
    if is_pattern(named):
        return [
            name
            for name in body
            if fnmatchcase(name, named) or fnmatchcase(name.rpartition(".")[2], named)
        ]
    return [name for name in layers if name == named or name.endswith(f".{named}")]
