"""A chat model in memory, with its tokenizer and what it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from harness.models.spec import ModelSpec
from harness.models.tokenizer import ChatTokenizer
from harness.records import JSON


@dataclass(frozen=True)
class ChatModel:
    """A model in memory with everything needed to talk to it.

    Attributes:
        model: A Hugging Face causal language model, or PEFT's wrapper of one.
        tokenizer: Its tokenizer and chat template.
        spec: What it was loaded by.
        identity: What it is: see ``harness.models.identity``.
    """

    model: Any
    tokenizer: ChatTokenizer
    spec: ModelSpec
    identity: Mapping[str, JSON]

    @property
    def device(self) -> torch.device:
        """Where its weights lie."""
        device: torch.device = self.model.device
        return device
