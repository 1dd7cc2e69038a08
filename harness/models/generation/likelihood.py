"""How likely a model finds given continuations: for multiple choice and perplexity.

The choices of a question share the pass over it: its keys and values are computed once and kept for
all of them. What stands alone goes through the model as a whole.

Shapes: B rows, T tokens, V vocabulary, G contexts, C tokens of the longest continuation.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from harness.models.generation.cache import SlotCache
from harness.models.generation.chunks import choice_batches
from harness.records import TokenIds

Row = tuple[TokenIds, TokenIds]


@torch.inference_mode()
def loglikelihoods(
    model: Any, rows: Sequence[Row], pad_id: int, batch_size: int
) -> list[tuple[float, bool]]:
    """Log-probability of each continuation, and whether greedy decoding would give it.

    Args:
        model: A causal language model in eval mode.
        rows: Context and continuation as token ids; the context has at least one token.
        pad_id: Any token; padding is never looked at.
        batch_size: Rows at once.
    """
    results: list[tuple[float, bool]] = [(0.0, True)] * len(rows)
    for chosen in choice_batches(rows, batch_size):
        batch = [rows[row] for row in chosen]
        contexts = {tuple(context) for context, _ in batch}
        score = _batch if len(contexts) == len(batch) else _shared
        for row, result in zip(chosen, score(model, batch, pad_id), strict=True):
            results[row] = result
    return results


def _shared(model: Any, rows: Sequence[Row], pad_id: int) -> list[tuple[float, bool]]:
    """Rows of which several have one context: each context is read once."""
    contexts = list(dict.fromkeys(tuple(context) for context, _ in rows))
    width = max(map(len, contexts))
    lengths_G1 = torch.tensor([[len(context)] for context in contexts])
    positions_GT = torch.arange(width) - width + lengths_G1
    ids_GT = torch.tensor([[pad_id] * (width - len(one)) + [*one] for one in contexts])
    cache = SlotCache()
    first_GV = _forward(model, ids_GT, positions_GT >= 0, positions_GT.clamp(min=0), cache, 1)[:, 0]
    of_B = torch.tensor([contexts.index(tuple(context)) for context, _ in rows])
    said = [continuation[:-1] for _, continuation in rows]  # the last token is predicted alone
    columns = max(map(len, said))
    logits_BTV = first_GV[of_B.to(first_GV.device), None]
    if columns:
        cache.keep(of_B.to(model.device))
        ids_BC = torch.tensor([[*one, *[pad_id] * (columns - len(one))] for one in said])
        mask_BT = torch.cat([positions_GT[of_B] >= 0, torch.ones_like(ids_BC, dtype=torch.bool)], 1)
        positions_BC = lengths_G1[of_B] + torch.arange(columns)
        rest_BCV = _forward(model, ids_BC, mask_BT, positions_BC, cache, columns)
        logits_BTV = torch.cat([logits_BTV, rest_BCV], 1)
    return [
        _row(logits_TV, continuation)
        for logits_TV, (_, continuation) in zip(logits_BTV, rows, strict=True)
    ]


def _forward(
    model: Any,
    ids_BT: Tensor,
    mask_BT: Tensor,
    positions_BT: Tensor,
    cache: SlotCache,
    columns: int,
) -> Tensor:
    """Logits behind the last columns; keys and values are added to the cache."""
    output = model(
        input_ids=ids_BT.to(model.device),
        attention_mask=mask_BT.to(model.device),
        position_ids=positions_BT.to(model.device),
        past_key_values=cache.cache,
        use_cache=True,
        logits_to_keep=columns,
    )
    logits_BTV: Tensor = output.logits[:, -columns:]
    return logits_BTV


def _batch(model: Any, rows: Sequence[Row], pad_id: int) -> list[tuple[float, bool]]:
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
