"""Which rows make an optimiser step, and in which micro-batches they go through the model.

Shapes: B rows, T tokens, N target tokens that carry loss.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from harness.records import Role
from harness.seeds import stream
from harness.training.prepare import Prepared
from harness.training.spec import TrainSpec

_BUCKET = 8
"""Steps whose rows are sorted by length together: enough to halve the padding, few enough that
the order stays close to a shuffle."""

_START = 100
"""What one more micro-batch costs, in tokens: a pass of the pocket model takes 15 ms plus .14 ms a
token on one thread, and large models do not start faster relative to their tokens."""


@dataclass(frozen=True, eq=False)
class Batch:
    """A micro-batch, padded on the right, or of rows one behind the other.

    No attention mask goes with it: attention is causal, so padding behind a row reaches none of its
    tokens, and without a mask the attention kernels skip half of the work.

    Attributes:
        ids_BT: Token ids, int64.
        loss_BT: True at a position whose *next* token carries loss, bool.
        targets_N: Those next tokens in row order, int64.
        roles_N: Their roles as indices into ``ROLES``, int64.
        teacher: The same answers behind the prompts a teacher reads; None where none does.
        positions_BT: Of each token in its row where rows are one behind the other (B is 1 then),
            int64; None where each row is one of the batch's.
    """

    ids_BT: Tensor
    loss_BT: Tensor
    targets_N: Tensor
    roles_N: Tensor
    teacher: "Batch | None" = None
    positions_BT: Tensor | None = None

    @property
    def num_rows(self) -> int:
        if self.positions_BT is None:
            return len(self.ids_BT)
        return int((self.positions_BT == 0).sum())


def number_of_steps(rows: Sequence[Prepared], spec: TrainSpec) -> int:
    """Optimiser steps of a training run; an epoch is over when every task example was seen."""
    if spec.steps is not None:
        return spec.steps
    num_rows = len(_task_rows(rows))
    return max(1, math.ceil((spec.epochs or 1) * math.ceil(num_rows / spec.batch_size)))


def steps(
    rows: Sequence[Prepared],
    batch_size: int,
    seed: int,
    starts: Mapping[Role, int] | None = None,
    *,
    ordered: bool = False,
) -> Iterator[list[Prepared]]:
    """The rows of each optimiser step, without end.

    A step has ``batch_size`` task examples. What goes along with the task joins in proportion to
    its number, so that all of it is seen once while the task examples are; two variants with the
    same seed thus see the same pairs in the same steps, whatever one adds. Where nothing belongs to
    the task, all of it does.

    Args:
        rows: All there is to train on.
        batch_size: Task examples of a step.
        seed: Of every order.
        starts: Per role the first step at which what goes along in this role does so; else 0.
        ordered: Whether the task examples stand in the order of the steps already; only when all
            were taken are they shuffled.
    """
    task = _task_rows(rows)
    others: dict[int, list[Prepared]] = {}
    for row in rows:
        if not row.task and task is not rows:
            start = max((starts or {}).get(role, 0) for role in row.counts)
            others.setdefault(start, []).append(row)
    joining = [
        _joining(group, Fraction(batch_size, len(task)), seed, start)
        for start, group in others.items()
    ]
    places = range(0, len(task), batch_size) if ordered else ()
    first = (list(task[place : place + batch_size]) for place in places)
    for batch in itertools.chain(first, _epochs(task, batch_size, seed)):
        yield batch + [row for source in joining for row in next(source)]


def _task_rows(rows: Sequence[Prepared]) -> Sequence[Prepared]:
    return [row for row in rows if row.task] or rows


def _joining(
    rows: Sequence[Prepared], share: Fraction, seed: int, start: int
) -> Iterator[list[Prepared]]:
    """Per step the rows that join it: ``share`` of them all, from the step ``start`` on."""
    endless = _shuffled(rows, seed, start)
    for step in itertools.count():
        due = (math.floor(max(0, done - start) * share * len(rows)) for done in (step, step + 1))
        before, after = due
        yield list(itertools.islice(endless, after - before))


def _shuffled(rows: Sequence[Prepared], seed: int, start: int) -> Iterator[Prepared]:
    for epoch in itertools.count():
        order = list(rows)
        stream(seed, f"order/joining/{start}/{epoch}").shuffle(order)
        yield from order


def _epochs(rows: Sequence[Prepared], batch_size: int, seed: int) -> Iterator[list[Prepared]]:
    """Epoch after epoch, each in its own order; rows of similar length meet in a step.

    The length that counts is the prompt's, which every variant shares.
    """
    for epoch in itertools.count():
        random = stream(seed, f"order/{epoch}")
        order = list(range(len(rows)))
        random.shuffle(order)
        batches = []
        for start in range(0, len(order), _BUCKET * batch_size):
            bucket = order[start : start + _BUCKET * batch_size]
            bucket.sort(key=lambda index: rows[index].prompt_length)
            batches += [bucket[i : i + batch_size] for i in range(0, len(bucket), batch_size)]
        random.shuffle(batches)
        for batch in batches:
            yield [rows[index] for index in batch]


def micro_batches(rows: Sequence[Prepared], max_tokens: int, pad_id: int) -> list[Batch]:
    """A step's rows, longest first, cut into batches so that padding and starts cost least."""
    ordered = sorted(rows, key=len, reverse=True)
    ends = cuts([len(row) for row in ordered], max_tokens)
    return [
        collate(ordered[start:end], pad_id) for start, end in zip([0, *ends], ends, strict=False)
    ]


def cuts(lengths: Sequence[int], max_tokens: int) -> list[int]:
    """Where to cut rows of falling length into groups: the end of each group.

    A group costs its rows times its longest row, and ``_START``. Groups hold at most
    ``max_tokens`` with padding; a single row longer than that is a group of its own.

    >>> cuts([90, 88, 12, 12, 10], max_tokens=4096)
    [2, 5]
    >>> cuts([90, 88, 86, 80], max_tokens=200)
    [2, 4]
    """
    best = [0.0] + [math.inf] * len(lengths)
    start_of = [0] * (len(lengths) + 1)
    for start, longest in enumerate(lengths):
        for end in range(start + 1, len(lengths) + 1):
            tokens = (end - start) * longest
            if tokens > max_tokens and end > start + 1:
                break
            if best[start] + _START + tokens < best[end]:
                best[end], start_of[end] = best[start] + _START + tokens, start
    ends = []
    end = len(lengths)
    while end:
        ends.append(end)
        end = start_of[end]
    return ends[::-1]


def shares(rows: Sequence[Prepared], size: int) -> list[list[Prepared]]:
    """The rows dealt out so that every part has about as many tokens, each in the order given.

    The longest first, each to the part that has the fewest tokens so far.

    Args:
        rows: Of one step.
        size: Number of parts; with fewer rows than that some are empty.
    """
    parts: list[list[int]] = [[] for _ in range(size)]
    tokens = [0] * size
    for index in sorted(range(len(rows)), key=lambda index: -len(rows[index])):
        least = min(range(size), key=lambda part: (tokens[part], len(parts[part])))
        parts[least].append(index)
        tokens[least] += len(rows[index])
    return [[rows[index] for index in sorted(part)] for part in parts]


def collate(rows: Sequence[Prepared], pad_id: int) -> Batch:
    """Rows as one padded batch; a teacher reads all of them or none."""
    shown = [row.teacher for row in rows if row.teacher is not None]
    return Batch(
        pad_sequence([row.ids_T for row in rows], batch_first=True, padding_value=pad_id),
        pad_sequence([row.loss_T for row in rows], batch_first=True, padding_value=False),
        torch.cat([row.targets_N for row in rows]),
        torch.cat([row.roles_N for row in rows]),
        collate(shown, pad_id) if len(shown) == len(rows) else None,
    )
