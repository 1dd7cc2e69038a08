"""How the next token is picked: the likeliest, or drawn from a stream of the row's own.

Shapes: B rows, V vocabulary, N tokens an answer may have.
"""

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from harness.models.generation.copies import content_of
from harness.records import Decoding, TokenIds
from harness.seeds import stream_seed


def draws(prompts: Sequence[TokenIds], copies: Sequence[int], decoding: Decoding) -> Tensor:
    """Numbers in [0, 1) to pick each answer's tokens with, [B, N]; no columns when greedy.

    They come from the seed, the prompt and the number of its copy alone, so an answer depends on
    no other prompt, nor on the order of prompts; the same prompt with the same seed gets the same
    answers, one for each copy of it.
    """
    if decoding.temperature == 0:
        return torch.empty(len(prompts), 0)
    rows = [_row(prompt, copy, decoding) for prompt, copy in zip(prompts, copies, strict=True)]
    return torch.tensor(rows)


def _row(prompt: TokenIds, copy: int, decoding: Decoding) -> list[float]:
    content = content_of(prompt)
    name = f"sample/{content}/{copy}" if copy else f"sample/{content}"
    rng = random.Random(stream_seed(decoding.seed, name))
    return [rng.random() for _ in range(decoding.max_new_tokens)]


def pick(logits_BV: Tensor, temperature: float, draws_B1: Tensor) -> Tensor:
    """The next token of each row, [B]: the likeliest at temperature 0, else by the row's draw.

    A draw u picks the first token at which the cumulative distribution exceeds u.
    """
    if temperature == 0:
        return logits_BV.argmax(-1)
    reached_BV = (logits_BV.float() / temperature).softmax(-1).cumsum(-1)
    found_B = (reached_BV <= draws_B1 * reached_BV[:, -1:]).sum(-1)
    return found_B.clamp(max=logits_BV.shape[-1] - 1)
