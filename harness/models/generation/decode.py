"""The decode loop: rows sorted by length, finished rows replaced by waiting ones.

Batches of answers of mixed length waste most of their work on rows that ended long ago; here a
finished row's slot goes to the next prompt, and the batch stays full until none is waiting. Rows
are padded on the left, with position ids to match. A token is the likeliest, or drawn from a stream
of the row's own.

Shapes: B slots of the batch, T columns, V vocabulary, N tokens an answer may have, K new rows.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor

from harness.models.generation.cache import SlotCache
from harness.models.generation.copies import content_of, copies_of
from harness.records import Decoding, TokenIds
from harness.seeds import stream_seed

_REPLACED = 8
"""Slots are filled anew when one in so many is free: reading a prompt costs a pass of its own."""

_SHRUNK = 4
"""With no prompt waiting, the batch shrinks when one slot in so many is free: that copies it."""


@dataclass
class _Batch:
    """Rows being answered, a slot each.

    Attributes:
        prompts: Which prompt the row answers.
        tokens_B: The row's last token, not yet in the cache.
        made_B: How many tokens its answer has.
        lengths_B: Tokens of that prompt.
        done_B: Whether the answer is complete: the slot is free.
        draws_BN: Numbers to sample with; no columns when greedy.
        cache: Keys and values of all tokens but the last.
    """

    prompts: list[int]
    tokens_B: Tensor
    made_B: Tensor
    lengths_B: Tensor
    done_B: Tensor
    draws_BN: Tensor
    cache: SlotCache = field(default_factory=SlotCache)

    def __len__(self) -> int:
        return len(self.prompts)

    def free(self) -> list[int]:
        """Slots whose answer is complete."""
        slots: list[int] = self.done_B.nonzero()[:, 0].tolist()
        return slots

    def widths_B(self) -> Tensor:
        """Columns of the cache each row uses."""
        return self.lengths_B + self.made_B - 1

    def put(self, slots: Sequence[int], other: "_Batch") -> None:
        """The rows of another batch take these slots."""
        where = torch.tensor(slots, device=self.done_B.device)
        self.cache.put(where, other.cache)
        for slot, prompt in zip(slots, other.prompts, strict=True):
            self.prompts[slot] = prompt
        for name in _tensors(self):
            getattr(self, name)[where] = getattr(other, name)

    def shrink(self) -> None:
        """Gives up free slots, and columns that no other row uses."""
        alive = (~self.done_B).nonzero()[:, 0]
        self.prompts = [self.prompts[slot] for slot in alive.tolist()]
        self.cache.keep(alive)
        for name in _tensors(self):
            setattr(self, name, getattr(self, name)[alive])

    def trim(self) -> None:
        """Forgets columns that no row uses any more."""
        widths_B = torch.where(self.done_B, 0, self.widths_B())
        self.cache.forget(len(self.cache) - int(widths_B.max()))


def _tensors(batch: _Batch) -> list[str]:
    return [one.name for one in fields(batch) if one.name[-2:] in ("_B", "BN")]


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
        self._copies: list[int] = []

    @torch.inference_mode()
    def run(self, prompts: Sequence[TokenIds]) -> list[TokenIds]:
        """The answers, in the order of the prompts; what is answered does not depend on it."""
        answers: list[list[int]] = [[] for _ in prompts]
        self._copies = copies_of(prompts)
        # Taken from the end: the longest first, so a new row fits into the columns there are.
        waiting = sorted(range(len(prompts)), key=lambda row: (len(prompts[row]), prompts[row]))
        batch = self._start(prompts, waiting, self._batch_size, answers)
        while len(batch):
            # How many slots must be free before the batch is put together anew.
            enough = len(batch) // _REPLACED if waiting else -(-len(batch) // _SHRUNK)
            self._extend(batch, answers, max(1, enough))
            free = batch.free()
            if waiting:
                fresh = self._start(prompts, waiting, len(free), answers)
                batch.put(free[: len(fresh)], fresh)
            elif len(free) * _SHRUNK >= len(batch):
                batch.shrink()
            if len(batch):
                batch.trim()
        return [tuple(answer) for answer in answers]

    def _start(
        self,
        prompts: Sequence[TokenIds],
        waiting: list[int],
        room: int,
        answers: list[list[int]],
    ) -> _Batch:
        """Takes prompts off the waiting list, reads them, picks the first token of each answer."""
        taken = [waiting.pop() for _ in range(min(room, len(waiting)))]
        lengths = [len(prompts[row]) for row in taken]
        lengths_B = torch.tensor(lengths, dtype=torch.int64, device=self._device)
        copies = [self._copies[row] for row in taken]
        draws_BN = draws([prompts[row] for row in taken], copies, self._decoding)
        draws_BN = draws_BN.to(self._device)
        nothing_B = torch.zeros_like(lengths_B)
        batch = _Batch(taken, nothing_B, nothing_B + 1, lengths_B, nothing_B > 0, draws_BN)
        if not taken:
            return batch
        width = max(lengths)
        ids_BT = torch.tensor(
            [[self._pad_id] * (width - len(prompts[row])) + [*prompts[row]] for row in taken],
            device=self._device,
        )
        positions_BT = torch.arange(width, device=self._device) - width + lengths_B[:, None]
        logits_BV = self._forward(ids_BT, positions_BT >= 0, positions_BT.clamp(min=0), batch.cache)
        batch.tokens_B = pick(logits_BV, self._decoding.temperature, draws_BN[:, :1])
        batch.done_B = self._finished(batch)
        for row, token in zip(taken, batch.tokens_B.tolist(), strict=True):
            answers[row].append(token)
        self._tell(int(batch.done_B.sum()))
        return batch

    def _extend(self, batch: _Batch, answers: list[list[int]], enough: int) -> None:
        """Adds tokens to all rows until enough slots are free."""
        history: list[Tensor] = []
        was_done = batch.done_B.tolist()
        num_done = sum(was_done)
        greedy = self._decoding.temperature == 0
        columns_T = torch.arange(
            len(batch.cache) + self._decoding.max_new_tokens + 1, device=self._device
        )
        first_B1 = (len(batch.cache) - batch.widths_B())[:, None]
        while num_done < enough:
            length = len(batch.cache) + 1
            logits_BV = self._forward(
                batch.tokens_B[:, None],
                columns_T[:length] >= first_B1,
                batch.widths_B()[:, None],
                batch.cache,
            )
            draws_B1 = batch.draws_BN if greedy else self._draw(batch)
            batch.tokens_B = pick(logits_BV, self._decoding.temperature, draws_B1)
            batch.made_B = batch.made_B + ~batch.done_B
            batch.done_B = batch.done_B | self._finished(batch)
            history.append(batch.tokens_B)
            done = int(batch.done_B.sum())
            self._tell(done - num_done)
            num_done = done
        added = torch.stack(history, 1).tolist() if history else []
        for prompt, before, new in zip(batch.prompts, was_done, added, strict=False):
            if not before:
                answers[prompt] = self._cut(answers[prompt] + new)

    def _cut(self, tokens: list[int]) -> list[int]:
        """Without what was made behind the answer's end before its slot was filled anew."""
        for index, token in enumerate(tokens):
            if token in self._end_ids:
                return tokens[: min(index + 1, self._decoding.max_new_tokens)]
        return tokens[: self._decoding.max_new_tokens]

    def _draw(self, batch: _Batch) -> Tensor:
        """The number each row's next token is picked with, [B, 1]."""
        last = batch.draws_BN.shape[1] - 1  # where the made tokens of a complete answer point
        return batch.draws_BN.gather(1, batch.made_B[:, None].clamp(max=last))

    def _finished(self, batch: _Batch) -> Tensor:
        ended_B = torch.isin(batch.tokens_B, self._ends)
        return ended_B | (batch.made_B >= self._decoding.max_new_tokens)

    def _tell(self, answers: int) -> None:
        if self._on_answer is not None:
            for _ in range(answers):
                self._on_answer()

    def _forward(
        self, ids_BT: Tensor, mask_BT: Tensor, positions_BT: Tensor, cache: SlotCache
    ) -> Tensor:
        """Logits behind the last column, [B, V]."""
        output = self._model(
            input_ids=ids_BT,
            attention_mask=mask_BT,
            position_ids=positions_BT,
            past_key_values=cache.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits_BV: Tensor = output.logits[:, -1]
        return logits_BV


def draws(prompts: Sequence[TokenIds], copies: Sequence[int], decoding: Decoding) -> Tensor:
    """Numbers in [0, 1) to pick each answer's tokens with, [B, N]; no columns when greedy.

    They come from the seed, the prompt and the number of its copy alone, so an answer depends on
    no other prompt, nor on the order of prompts; the same prompt with the same seed gets the same
    answers, one for each copy of it.
    """
    if decoding.temperature == 0:
        return torch.empty(len(prompts), 0)
    rows = [_draws(prompt, copy, decoding) for prompt, copy in zip(prompts, copies, strict=True)]
    return torch.tensor(rows)


def _draws(prompt: TokenIds, copy: int, decoding: Decoding) -> list[float]:
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
    picked_B = (reached_BV <= draws_B1 * reached_BV[:, -1:]).sum(-1)
    return picked_B.clamp(max=logits_BV.shape[-1] - 1)
