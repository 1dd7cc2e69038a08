"""Rows made ready for training: trimmed, as tensors, with their loss mask; checked before step one.

Shapes: T tokens of a row, N of them that carry loss.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.errors import DataError, TrainingError
from harness.records import Role, TokenRow

ROLES = tuple(Role)
_INDEX = {role: index for index, role in enumerate(ROLES)}


@dataclass(frozen=True, eq=False)
class Prepared:
    """One row, without the tokens behind the last one that carries loss: they cannot change it.

    Attributes:
        example_id: Where it came from.
        ids_T: Token ids, int64.
        loss_T: True at a position whose *next* token carries loss, bool.
        targets_N: Those next tokens, int64.
        roles_N: Their roles as indices into ``ROLES``, int64.
        prompt_length: Tokens before the first one of another role.
        counts: Tokens that carry loss, per role.
        task: Whether it is an example of the task, which batches count, or goes along with it.
        teacher: The same answer behind the prompt a teacher reads; None where no teacher does.
    """

    example_id: str
    ids_T: Tensor
    loss_T: Tensor
    targets_N: Tensor
    roles_N: Tensor
    prompt_length: int
    counts: Mapping[Role, int]
    task: bool = True
    teacher: "Prepared | None" = None

    def __len__(self) -> int:
        return len(self.ids_T)


def to_learn(rows: Sequence[TokenRow], weights: Mapping[Role, float]) -> list[TokenRow]:
    """The rows without those that go along with the task in roles of weight 0."""
    carrying = _carrying(weights)
    return [row for row in rows if row.task or carrying.intersection(row.roles)]


def _carrying(weights: Mapping[Role, float]) -> set[Role]:
    return {role for role, weight in weights.items() if weight > 0} - {Role.PROMPT}


def prepare(rows: Sequence[TokenRow], weights: Mapping[Role, float]) -> list[Prepared]:
    """Rows ready for training; loss on the tokens whose role has a weight, never on prompts.

    Raises:
        DataError: A row has no token that carries loss.
    """
    carrying = _carrying(weights)
    prepared = [_prepare(row, carrying) for row in rows]
    barren = [row.example_id for row in prepared if not row.counts]
    if barren:
        shown = ", ".join(barren[:3]) + (", ..." if len(barren) > 3 else "")
        raise DataError(
            f"{len(barren)} of {len(rows)} examples have no token that carries loss ({shown})",
            "Every example needs a non-empty answer in a role whose weight is not 0.",
        )
    return prepared


def _prepare(row: TokenRow, carrying: set[Role]) -> Prepared:
    # The first token of a row is predicted from nothing, so it never carries loss.
    learnt = [i for i, role in enumerate(row.roles) if i > 0 and role in carrying]
    end = learnt[-1] + 1 if learnt else 0
    loss_T = torch.zeros(end, dtype=torch.bool)
    loss_T[[i - 1 for i in learnt]] = True
    teacher = None if row.teacher_prompt is None else _prepare(_as_the_teacher_reads(row), carrying)
    return Prepared(
        row.example_id,
        torch.tensor(row.ids[:end], dtype=torch.int64),
        loss_T,
        torch.tensor([row.ids[i] for i in learnt], dtype=torch.int64),
        torch.tensor([_INDEX[row.roles[i]] for i in learnt], dtype=torch.int64),
        next((i for i, role in enumerate(row.roles) if role is not Role.PROMPT), end),
        Counter(row.roles[i] for i in learnt),
        row.task,
        teacher,
    )


def _as_the_teacher_reads(row: TokenRow) -> TokenRow:
    assert row.teacher_prompt is not None
    begin = next(i for i, role in enumerate(row.roles) if role is not Role.PROMPT)
    return TokenRow(
        row.example_id,
        row.teacher_prompt + row.ids[begin:],
        (Role.PROMPT,) * len(row.teacher_prompt) + row.roles[begin:],
        row.task,
    )


def count_roles(rows: Iterable[Prepared]) -> dict[Role, int]:
    """Tokens that carry loss, per role, over all rows of an optimiser step."""
    counts: Counter[Role] = Counter()
    for row in rows:
        counts.update(row.counts)
    return dict(counts)


def self_test(rows: Sequence[TokenRow], prepared: Sequence[Prepared]) -> None:
    """Checks, before the first step, what training silently gone wrong would look like.

    Raises:
        TrainingError: A prompt token carries loss, a target is not the row's next token, or a row
            is masked throughout.
    """
    for row, ready in zip(rows, prepared, strict=True):
        places = (ready.loss_T.nonzero()[:, 0] + 1).tolist()
        on_prompt = any(row.roles[place] is Role.PROMPT for place in places)
        shifted = [row.ids[place] for place in places] != ready.targets_N.tolist()
        if on_prompt or shifted or not places:
            raise TrainingError(
                f"self-test: the loss of example {row.example_id!r} does not lie on its answer"
            )
