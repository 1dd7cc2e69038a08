"""Which rows make an optimiser step, and how a step goes through the model.

B rows, T tokens, N target tokens that carry loss.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.errors import DataError
from harness.records import Role, TokenRow
from harness.streams import stream
from harness.training.spec import TrainSpec

ROLES = tuple(Role)
_BUCKET = 8
"""Steps whose rows are sorted by length together: enough to halve the padding, few enough that
the order stays close to a shuffle."""


@dataclass(frozen=True)
class Batch:
    """A micro-batch, padded on the right.

    Attributes:
        ids_BT: Token ids, [B, T], int64.
        mask_BT: 1 where there is a token, [B, T], int64.
        loss_BT: True at a position whose *next* token carries loss, [B, T], bool.
        targets_N: Those next tokens in row order, [N], int64.
        roles_N: Their roles as indices into ``ROLES``, [N], int64.
    """

    ids_BT: Tensor
    mask_BT: Tensor
    loss_BT: Tensor
    targets_N: Tensor
    roles_N: Tensor


def number_of_steps(num_rows: int, spec: TrainSpec) -> int:
    """Optimiser steps of a training run."""
    if spec.steps is not None:
        return spec.steps
    return max(1, math.ceil((spec.epochs or 1) * math.ceil(num_rows / spec.batch_size)))


def steps(rows: Sequence[TokenRow], batch_size: int, seed: int) -> Iterator[list[TokenRow]]:
    """The rows of each optimiser step, without end: epoch after epoch, each in its own order.

    Rows of similar length meet in a step. The length that counts is the prompt's, which every
    variant shares: so two variants with the same seed see the same pairs in the same steps.
    """
    lengths = [sum(role is Role.PROMPT for role in row.roles) for row in rows]
    epoch = 0
    while True:
        random = stream(seed, f"order/{epoch}")
        order = list(range(len(rows)))
        random.shuffle(order)
        batches = []
        for start in range(0, len(order), _BUCKET * batch_size):
            bucket = sorted(order[start : start + _BUCKET * batch_size], key=lengths.__getitem__)
            batches += [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
        random.shuffle(batches)
        for batch in batches:
            yield [rows[index] for index in batch]
        epoch += 1


def trim(rows: Sequence[TokenRow], weights: Mapping[Role, float]) -> list[TokenRow]:
    """Rows without the tokens behind the last one that carries loss: they cannot change it.

    Raises:
        DataError: A row has no token that carries loss.
    """
    trimmed, barren = [], []
    for row in rows:
        end = len(row.roles)
        while end and not (
            row.roles[end - 1] is not Role.PROMPT and weights.get(row.roles[end - 1])
        ):
            end -= 1
        if end < 2:
            barren.append(row.example_id)
        trimmed.append(TokenRow(row.example_id, row.ids[:end], row.roles[:end]))
    if barren:
        shown = ", ".join(barren[:3]) + (", ..." if len(barren) > 3 else "")
        raise DataError(
            f"{len(barren)} of {len(rows)} examples have no token that carries loss ({shown})",
            "Every example needs a non-empty answer in a role whose weight is not 0.",
        )
    return trimmed


def micro_batches(
    rows: Sequence[TokenRow], weights: Mapping[Role, float], max_tokens: int, pad_id: int
) -> list[Batch]:
    """A step's rows, longest together, each batch of at most ``max_tokens`` padded tokens.

    A single row longer than that is a batch of its own.
    """
    ordered = sorted(rows, key=lambda row: -len(row.ids))
    groups: list[list[TokenRow]] = []
    for row in ordered:
        if groups and (len(groups[-1]) + 1) * len(groups[-1][0].ids) <= max_tokens:
            groups[-1].append(row)
        else:
            groups.append([row])
    return [collate(group, weights, pad_id) for group in groups]


def collate(rows: Sequence[TokenRow], weights: Mapping[Role, float], pad_id: int) -> Batch:
    """Rows as one padded batch; loss where the next token's role has a weight."""
    length = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), length), pad_id)
    mask = torch.zeros((len(rows), length), dtype=torch.int64)
    loss = torch.zeros((len(rows), length), dtype=torch.bool)
    targets: list[int] = []
    roles: list[int] = []
    index = {role: ROLES.index(role) for role in ROLES}
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        mask[number, : len(row.ids)] = 1
        for position in range(1, len(row.ids)):
            role = row.roles[position]
            if role is not Role.PROMPT and weights.get(role, 0.0) > 0:
                loss[number, position - 1] = True
                targets.append(row.ids[position])
                roles.append(index[role])
    return Batch(ids, mask, loss, torch.tensor(targets), torch.tensor(roles))
