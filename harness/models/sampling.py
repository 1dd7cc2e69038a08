"""How the next token is picked: the likeliest, or drawn from a stream of the row's own.

Shapes: B rows, V vocabulary, N tokens an answer may have.
"""

import hashlib
import random
from collections.abc import Sequence

import torch
from torch import Tensor

from harness.records import Decoding, TokenIds
from harness.streams import stream_seed


def draws(prompts: Sequence[TokenIds], decoding: Decoding) -> Tensor:
    """Numbers in [0, 1) to pick each answer's tokens with, [B, N]; no columns when greedy.

    They come from the seed and the prompt alone, so an answer depends on no other prompt, nor on
    the order of prompts; the same prompt with the same seed gets the same answer.
    """
    if decoding.temperature == 0:
        return torch.empty(len(prompts), 0)
    return torch.tensor([_row(prompt, decoding) for prompt in prompts])


def _row(prompt: TokenIds, decoding: Decoding) -> list[float]:
    content = hashlib.sha256(",".join(map(str, prompt)).encode()).hexdigest()
    rng = random.Random(stream_seed(decoding.seed, f"sample/{content}"))
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
