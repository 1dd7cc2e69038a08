"""Rows one behind the other, without padding, where attention keeps them apart.

Each row counts its positions from 0. From that transformers sees where one begins: kernels for rows
of any length (flash attention) then work on no padding at all, the others get a mask.

Shapes: B rows of a batch, here 1; T tokens; N target tokens that carry loss.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from harness.errors import ConfigError
from harness.training.batches import Batch, shares
from harness.training.passes import Pass, token_losses
from harness.training.prepare import Prepared

_LEAK = 1e-4
"""What other tokens in the row before may change in the loss of a token: they cannot be seen, and
the same kernels work on the same shapes, so this is far above rounding."""
_ROUNDING = {torch.float32: 1e-3, torch.float64: 1e-6}
_HALF_ROUNDING = 0.1
"""How far the mean loss of a token may be from that of its row alone, where kernels differ."""


def packed_batches(rows: Sequence[Prepared], max_tokens: int) -> list[Batch]:
    """A step's rows in as few batches of at most ``max_tokens`` as can be, of about equal size.

    A single row that is longer is a batch of its own.
    """
    fewest = min(len(rows), math.ceil(sum(map(len, rows)) / max_tokens))
    splits = (shares(rows, count) for count in range(fewest, len(rows) + 1))
    fitting = next(parts for parts in splits if all(_fits(part, max_tokens) for part in parts))
    return [pack(part) for part in fitting]


def _fits(rows: Sequence[Prepared], max_tokens: int) -> bool:
    return len(rows) == 1 or sum(map(len, rows)) <= max_tokens


def pack(rows: Sequence[Prepared]) -> Batch:
    """Rows as one batch without padding; a teacher reads all of them or none."""
    shown = [row.teacher for row in rows if row.teacher is not None]
    return Batch(
        torch.cat([row.ids_T for row in rows])[None],
        torch.cat([row.loss_T for row in rows])[None],
        torch.cat([row.targets_N for row in rows]),
        torch.cat([row.roles_N for row in rows]),
        pack(shown) if len(shown) == len(rows) else None,
        torch.cat([torch.arange(len(row)) for row in rows])[None],
    )


def check_packing(model: Any, rows: Sequence[Prepared]) -> None:
    """Packs two rows and looks whether the second one is read as it is alone.

    Raises:
        ConfigError: It sees the first one, or is not read from position 0.
    """
    if len(rows) < 2:
        return
    first, second = sorted(rows, key=len)[:2]
    number = len(second.targets_N)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        behind = _losses(model, pack([first, second]))[-number:]
        others = _losses(model, _other_words(pack([first, second]), len(first)))[-number:]
        alone = _losses(model, pack([second]))
    model.train(was_training)
    leak = float((behind - others).abs().max())
    shift = abs(float((behind - alone).mean()))
    if leak > _LEAK or shift > _ROUNDING.get(model.dtype, _HALF_ROUNDING):
        kind = getattr(model.config, "_attn_implementation", None)
        raise ConfigError(
            f"train.packing: this model's attention ({kind}) does not keep packed rows apart: "
            f"other words in one row change the loss of the next by {leak:.2g}, and packed it is "
            f"{shift:.2g} from what it is alone",
            "Set train.packing: false, or another model.attention.",
        )


def _losses(model: Any, batch: Batch) -> Tensor:
    return token_losses(Pass(model, batch))


def _other_words(batch: Batch, length: int) -> Batch:
    ids_BT = batch.ids_BT.clone()
    ids_BT[0, :length] = ids_BT[0, :length].flip(0).roll(1)
    return Batch(ids_BT, batch.loss_BT, batch.targets_N, batch.roles_N, None, batch.positions_BT)
