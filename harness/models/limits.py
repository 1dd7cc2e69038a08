"""What a model can read at all: rows of its embeddings, positions of its context. Torch-free.

A token beyond the rows is an error of the library in some step, on a GPU one that ends the process.
Positions that are learned or tabled end as hard; rotary ones go on unseen in training, and what is
said there is worth little.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import DataError
from harness.records import TokenIds

logger = logging.getLogger(__name__)

_POSITIONS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "max_sequence_length",
    "n_ctx",
)
_FIXED = frozenset(
    [
        "gpt2",
        "gpt_neo",
        "gpt_bigcode",
        "gptj",
        "codegen",
        "opt",
        "biogpt",
        "openai-gpt",
        "ctrl",
        "mpt",
    ]
)
"""Types of models with as many positions as their configuration says, and none beyond."""
_UNLIMITED = frozenset(["bloom", "mamba", "mamba2", "rwkv"])


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model can read.

    Attributes:
        rows: Of its embeddings: tokens are below it. None where it is not known.
        positions: The most tokens it was made for; None of no limit.
        is_fixed: Whether more than these cannot be read at all.
    """

    rows: int | None
    positions: int | None
    is_fixed: bool

    def check_ids(self, ids: Sequence[int], what: str) -> None:
        """Refuses tokens the model has no row for.

        Raises:
            DataError: With the token, and what it is in.
        """
        if self.rows is not None and ids and max(ids) >= self.rows:
            raise DataError(
                f"{what}: found token {max(ids)}, allowed 0 to {self.rows - 1}: the model has "
                f"{self.rows} rows of embeddings",
                "tokenizer and weights are of two models, or tokens were added to one of them",
            )

    def check_prompts(self, prompts: Sequence[TokenIds], num_new: int) -> None:
        """Refuses prompts that cannot be read, and answered with as many new tokens.

        Raises:
            DataError: The first such prompt, by its number.
        """
        longest = 0
        for number, prompt in enumerate(prompts, start=1):
            self.check_ids(prompt, f"prompt {number} of {len(prompts)}")
            longest = max(longest, len(prompt))
        if (fault := self.fault_of(longest, num_new)) is None:
            return
        if self.is_fixed:
            raise DataError(f"the longest of {len(prompts)} prompts: {fault}", SHORTER)
        logger.warning("the longest of %d prompts: %s", len(prompts), fault)

    def fault_of(self, num_tokens: int, num_new: int) -> str | None:
        """Why a prompt and its answer do not fit the context; None where they do.

        >>> Limits(None, 64, True).fault_of(60, 16)
        '60 tokens and up to 16 of an answer, for a context of 64'
        """
        # the last token of an answer is never read
        if self.positions is None or num_tokens + num_new - 1 <= self.positions:
            return None
        answered = f"{num_tokens} tokens and up to {num_new} of an answer"
        return f"{answered}, for a context of {self.positions}"


SHORTER = "shorten the prompts, or lower generation_kwargs.max_gen_toks of their benchmark"


def limits_in(config: Mapping[str, Any], rows: int | None = None) -> Limits:
    """The limits that a configuration tells, as ``config.json`` has it.

    >>> limits_in({"model_type": "gpt2", "n_positions": 64})
    Limits(rows=None, positions=64, is_fixed=True)
    """
    text = config.get("text_config")
    inner: Mapping[str, Any] = {**config, **(text if isinstance(text, Mapping) else {})}
    kind = str(inner.get("model_type"))
    named = (inner.get(name) for name in _POSITIONS)
    positions = next((value for value in named if isinstance(value, int) and value > 0), None)
    uses_alibi = inner.get("alibi") is True or kind in _UNLIMITED
    return Limits(rows, None if uses_alibi else positions, kind in _FIXED)
