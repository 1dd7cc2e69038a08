"""The decode loop: rows sorted by length, finished rows replaced by waiting ones.

Batches of answers of mixed length waste most of their work on rows that ended long ago; here a
batch is kept full instead. Rows are padded on the left, with position ids to match.

Shapes: B rows in the batch, T columns, V vocabulary, N tokens an answer may have.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import Cache

from harness.models.cache import new_cache, rebatch
from harness.models.sampling import draws, pick
from harness.records import Decoding, TokenIds

_REPLACE_SHARE = 8
"""Rows are replaced when one in so many has finished; the cache is copied each time."""


@dataclass(frozen=True)
class _Rows:
    """What is known of each row of a batch; every tensor has B rows.

    Attributes:
        prompts: Which prompt each row answers.
        tokens_B: Its last token, not yet in the cache.
        positions_B: Where in the row that token stands.
        made_B: How many tokens its answer has.
        done_B: Whether the answer is complete.
        draws_BN: Numbers to sample with; no columns when greedy.
    """

    prompts: list[int]
    tokens_B: Tensor
    positions_B: Tensor
    made_B: Tensor
    done_B: Tensor
    draws_BN: Tensor

    @property
    def num_alive(self) -> int:
        """Rows that go on."""
        return len(self.prompts) - int(self.done_B.sum())


@dataclass(frozen=True)
class _Batch:
    """Rows with their past: the cache, and which of its columns are theirs.

    Attributes:
        mask_BT: 1 where a column of the cache holds a token of the row.
    """

    rows: _Rows
    cache: Cache
    mask_BT: Tensor


class Decoder:
    """Answers prompts with one model.

    Args:
        model: A Hugging Face causal language model in eval mode, attention layers only.
        end_ids: Tokens that end an answer; they are kept in it.
        pad_id: Any token; padding is masked.
        decoding: How tokens are picked, and how many at most.
        batch_size: Rows at once.
        on_answer: Called whenever an answer is complete.
    """

    def __init__(
        self,
        model: Any,
        end_ids: Sequence[int],
        pad_id: int,
        decoding: Decoding,
        batch_size: int,
        on_answer: Callable[[], None] | None = None,
    ) -> None:
        self._model = model
        self._device = model.device
        self._end_ids = frozenset(end_ids)
        self._ends = torch.tensor(sorted(end_ids), device=self._device)
        self._pad_id = pad_id
        self._decoding = decoding
        self._batch_size = batch_size
        self._on_answer = on_answer

    @torch.inference_mode()
    def run(self, prompts: Sequence[TokenIds]) -> list[TokenIds]:
        """The answers, in the order of the prompts; what is answered does not depend on it."""
        answers: list[list[int]] = [[] for _ in prompts]
        waiting = sorted(range(len(prompts)), key=lambda row: (len(prompts[row]), prompts[row]))
        waiting.reverse()  # taken from the end: short prompts first
        batch: _Batch | None = None
        while waiting or batch is not None:
            room = self._batch_size - (0 if batch is None else batch.rows.num_alive)
            taken = [waiting.pop() for _ in range(min(room, len(waiting)))]
            fresh = self._start(prompts, taken, answers) if taken else None
            batch = _regroup(batch, fresh)
            batch = self._extend(batch, answers)
            batch = batch if batch.rows.num_alive else None
        return [tuple(answer) for answer in answers]

    def _start(
        self, prompts: Sequence[TokenIds], taken: list[int], answers: list[list[int]]
    ) -> _Batch:
        """Reads prompts and picks the first token of each answer."""
        lengths = [len(prompts[row]) for row in taken]
        width = max(lengths)
        ids_BT = torch.tensor(
            [[self._pad_id] * (width - len(prompts[row])) + [*prompts[row]] for row in taken],
            device=self._device,
        )
        lengths_B = torch.tensor(lengths, device=self._device)
        columns_T = torch.arange(width, device=self._device)
        mask_BT = (columns_T >= width - lengths_B[:, None]).long()
        positions_BT = (columns_T - width + lengths_B[:, None]).clamp(min=0)
        cache = new_cache()
        logits_BV = self._forward(ids_BT, mask_BT, positions_BT, cache)
        draws_BN = draws([prompts[row] for row in taken], self._decoding).to(self._device)
        tokens_B = pick(logits_BV, self._decoding.temperature, draws_BN[:, :1])
        for row, token in zip(taken, tokens_B.tolist(), strict=True):
            answers[row].append(token)
        made_B = torch.ones_like(lengths_B)
        rows = _Rows(taken, tokens_B, lengths_B, made_B, self._finished(tokens_B, made_B), draws_BN)
        return _Batch(rows, cache, mask_BT)

    def _extend(self, batch: _Batch, answers: list[list[int]]) -> _Batch:
        """Adds tokens until enough rows have finished to put the batch together anew."""
        rows = batch.rows
        enough = max(1, len(rows.prompts) // _REPLACE_SHARE)
        tokens_B, positions_B, made_B, done_B = (
            rows.tokens_B,
            rows.positions_B,
            rows.made_B,
            rows.done_B,
        )
        length = batch.mask_BT.shape[1]
        mask_BT = pad(batch.mask_BT, (0, self._decoding.max_new_tokens), value=1)
        history: list[Tensor] = []
        while int(done_B.sum()) < enough:
            length += 1
            logits_BV = self._forward(
                tokens_B[:, None], mask_BT[:, :length], positions_B[:, None], batch.cache
            )
            column_B1 = made_B[:, None].clamp(max=max(rows.draws_BN.shape[1] - 1, 0))
            draws_B1 = rows.draws_BN.gather(1, column_B1) if rows.draws_BN.shape[1] else column_B1
            tokens_B = pick(logits_BV, self._decoding.temperature, draws_B1)
            history.append(tokens_B)
            positions_B = positions_B + 1
            made_B = made_B + 1
            done_B = done_B | self._finished(tokens_B, made_B)
        made = torch.stack(history, 1).tolist() if history else [[]] * len(rows.prompts)
        for prompt, new, is_done in zip(rows.prompts, made, done_B.tolist(), strict=True):
            answers[prompt] += new
            if is_done:
                answers[prompt] = self._cut(answers[prompt])
                if self._on_answer is not None:
                    self._on_answer()
        rows = _Rows(rows.prompts, tokens_B, positions_B, made_B, done_B, rows.draws_BN)
        return _Batch(rows, batch.cache, mask_BT[:, :length])

    def _cut(self, tokens: list[int]) -> list[int]:
        """Without what was made behind the answer's end while its row waited to leave."""
        for index, token in enumerate(tokens):
            if token in self._end_ids:
                return tokens[: min(index + 1, self._decoding.max_new_tokens)]
        return tokens[: self._decoding.max_new_tokens]

    def _finished(self, tokens_B: Tensor, made_B: Tensor) -> Tensor:
        return torch.isin(tokens_B, self._ends) | (made_B >= self._decoding.max_new_tokens)

    def _forward(
        self, ids_BT: Tensor, mask_BT: Tensor, positions_BT: Tensor, cache: Cache
    ) -> Tensor:
        """Logits behind the last column, [B, V]."""
        output = self._model(
            input_ids=ids_BT,
            attention_mask=mask_BT,
            position_ids=positions_BT,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits_BV: Tensor = output.logits[:, -1]
        return logits_BV


def _regroup(batch: _Batch | None, fresh: _Batch | None) -> _Batch:
    """The rows that go on with new ones below them, aligned on the right."""
    if batch is None:
        assert fresh is not None
        return fresh
    alive = (~batch.rows.done_B).nonzero()[:, 0]
    mask_BT = batch.mask_BT[alive]
    start = int(mask_BT.argmax(-1).min())  # columns on the left that no row uses any more
    cache = rebatch(batch.cache, alive, start, None if fresh is None else fresh.cache)
    kept = _select(batch.rows, alive)
    mask_BT = mask_BT[:, start:]
    if fresh is None:
        return _Batch(kept, cache, mask_BT)
    width = max(mask_BT.shape[1], fresh.mask_BT.shape[1])
    masks = [pad(mask, (width - mask.shape[1], 0)) for mask in (mask_BT, fresh.mask_BT)]
    return _Batch(_stack(kept, fresh.rows), cache, torch.cat(masks))


def _select(rows: _Rows, chosen: Tensor) -> _Rows:
    return _Rows(
        [rows.prompts[index] for index in chosen.tolist()],
        rows.tokens_B[chosen],
        rows.positions_B[chosen],
        rows.made_B[chosen],
        rows.done_B[chosen],
        rows.draws_BN[chosen],
    )


def _stack(above: _Rows, below: _Rows) -> _Rows:
    return _Rows(
        above.prompts + below.prompts,
        torch.cat([above.tokens_B, below.tokens_B]),
        torch.cat([above.positions_B, below.positions_B]),
        torch.cat([above.made_B, below.made_B]),
        torch.cat([above.done_B, below.done_B]),
        torch.cat([above.draws_BN, below.draws_BN]),
    )
