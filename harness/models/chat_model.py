"""A chat model in memory, with its tokenizer and what it is."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from harness.models.limits import Limits, limits_in
from harness.models.spec import ModelSpec
from harness.models.tokenizer import ChatTokenizer
from harness.records import JSON


@dataclass(frozen=True, eq=False)
class Extension:
    """What a model was before tokens were added to it.

    Attributes:
        first: Row of the first new token.
        layers: Embeddings and head, each with the weight and the bias it had.
        tokenizer: The tokenizer it had.
        vocab_size: What its configuration said.
    """

    first: int
    layers: tuple[tuple[Any, Any, Any], ...]
    tokenizer: ChatTokenizer
    vocab_size: int


@dataclass(frozen=True)
class ChatModel:
    """A model in memory with everything needed to talk to it.

    Attributes:
        model: A Hugging Face causal language model, or PEFT's wrapper of one.
        tokenizer: Its tokenizer and chat template.
        spec: What it was loaded by.
        identity: What it is: see ``harness.models.identity``.
        extension: Where tokens were added to it, what it was before; see
            ``harness.models.vocabulary``.
    """

    model: Any
    tokenizer: ChatTokenizer
    spec: ModelSpec
    identity: Mapping[str, JSON]
    extension: Extension | None = None

    @property
    def device(self) -> torch.device:
        device: torch.device = self.model.device
        return device

    @property
    def limits(self) -> Limits:
        """What it can read, tokens that were added to it among it."""
        rows = len(self.model.get_input_embeddings().weight)
        return limits_in(self.model.config.to_dict(), rows)

    @property
    def pad_id(self) -> int:
        """What short rows are filled with, masked everywhere: a token that surely has a row."""
        pad = self.tokenizer.pad_id
        return pad if self.limits.rows is None or pad < self.limits.rows else self.tokenizer.end_id


def forked_streams(model: Any) -> AbstractContextManager[None]:
    """Torch's random streams, of the CPU and the model's accelerator, are put back afterwards."""
    devices = [model.device] if model.device.type == "cuda" else []
    return torch.random.fork_rng(devices=devices)
