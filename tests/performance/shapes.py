"""Models of published sizes with random weights, and the work that tuning them takes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM


@dataclass(frozen=True)
class Shape:
    """Sizes of a decoder; ``keys`` are the heads of keys and values."""

    kind: str
    hidden: int
    inner: int
    layers: int
    heads: int
    keys: int
    vocabulary: int

    def small(self) -> "Shape":
        """A toy of the same architecture."""
        return replace(self, hidden=64, inner=128, layers=2, heads=4, keys=2, vocabulary=512)


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "llama-2-7b": Shape("llama", 4096, 11008, 32, 32, 32, 32000),
        "llama-3-8b": Shape("llama", 4096, 14336, 32, 32, 8, 128256),
        "mistral-7b": Shape("mistral", 4096, 14336, 32, 32, 8, 32768),
        "qwen2.5-7b": Shape("qwen2", 3584, 18944, 28, 28, 4, 152064),
    }
)
"""By name; as in the configurations published with the models."""

PEAKS: Mapping[str, float] = MappingProxyType(
    {"H200": 989e12, "H100 PCIe": 756e12, "H100": 989e12, "A100": 312e12}
)
"""FLOP per second of dense bf16 matrix products, by a part of the device's name, from NVIDIA's data
sheets; the first that fits counts."""


def random_model(shape: Shape, device: str) -> Any:
    """A causal language model of that shape in bf16; its weights are drawn where they stay."""
    config = AutoConfig.for_model(
        shape.kind,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.keys,
        vocab_size=shape.vocabulary,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
        use_cache=False,
    )
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    return model.requires_grad_(False)


@dataclass(frozen=True)
class Work:
    """What a step has to compute.

    Attributes:
        body: Parameters of the blocks.
        head: Parameters of the head.
        embeddings: Parameters of the embeddings, which are looked up.
    """

    body: int
    head: int
    embeddings: int

    def flop(self, tokens: int, tokens_with_loss: int) -> float:
        """FLOP of training an adapter on frozen weights: 4 a parameter and token.

        Two of them are forwards, two are backwards through the activations. The head has to read
        only where there is loss.

        >>> Work(body=10, head=3, embeddings=99).flop(tokens=5, tokens_with_loss=2)
        224.0
        """
        return 4.0 * (self.body * tokens + self.head * tokens_with_loss)


def work_of(model: Any) -> Work:
    """The parameters of a model by what they do."""
    embeddings = model.get_input_embeddings().weight.numel()
    head = model.get_output_embeddings().weight.numel()
    return Work(sum(p.numel() for p in model.parameters()) - embeddings - head, head, embeddings)


def peak_of(device_name: str) -> float | None:
    """FLOP per second a device could do; None where that is not known."""
    return next((peak for part, peak in PEAKS.items() if part in device_name), None)
