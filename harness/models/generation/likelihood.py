"""How likely a model finds given continuations: for multiple choice and perplexity.

Shapes: B rows, T tokens, V vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from harness.records import TokenIds


@torch.inference_mode()
def loglikelihoods(
    model: Any, rows: Sequence[tuple[TokenIds, TokenIds]], pad_id: int, batch_size: int
) -> list[tuple[float, bool]]:
    """Log-probability of each continuation, and whether greedy decoding would give it.

    Args:
        model: A causal language model in eval mode.
        rows: Context and continuation as token ids; the context has at least one token.
        pad_id: Any token; padding comes last and is never looked at.
        batch_size: Rows at once.
    """
    results: list[tuple[float, bool]] = [(0.0, True)] * len(rows)
    order = sorted(range(len(rows)), key=lambda row: (-sum(map(len, rows[row])), rows[row]))
    for first in range(0, len(order), batch_size):
        chosen = order[first : first + batch_size]
        scores = _batch(model, [rows[row] for row in chosen], pad_id)
        for row, result in zip(chosen, scores, strict=True):
            results[row] = result
    return results


def _batch(
    model: Any, rows: Sequence[tuple[TokenIds, TokenIds]], pad_id: int
) -> list[tuple[float, bool]]:
    # The last token is predicted, never read.
    inputs = [(*context, *continuation)[:-1] for context, continuation in rows]
    width = max(map(len, inputs))
    ids_BT = torch.tensor([[*row, *[pad_id] * (width - len(row))] for row in inputs])
    mask_BT = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in inputs])
    longest = max(width - len(context) + 1 for context, _ in rows)
    logits_BTV = model(
        input_ids=ids_BT.to(model.device),
        attention_mask=mask_BT.to(model.device),
        use_cache=False,
        logits_to_keep=longest,
    ).logits
    offset = width - longest
    return [
        _row(logits_BTV[index, len(context) - 1 - offset :], continuation)
        for index, (context, continuation) in enumerate(rows)
    ]


def _row(logits_TV: Tensor, continuation: TokenIds) -> tuple[float, bool]:
    if not continuation:
        return 0.0, True
    wanted_T = torch.tensor(continuation, device=logits_TV.device)
    logits_TV = logits_TV[: len(continuation)].float()
    chosen_T = logits_TV.log_softmax(-1).gather(1, wanted_T[:, None])[:, 0]
    return float(chosen_T.sum()), bool((logits_TV.argmax(-1) == wanted_T).all())
