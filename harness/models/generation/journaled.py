"""A generator whose answers stay: killed, the run goes on behind the last of them.

It ends with the very texts of a run nobody disturbed: lists are answered in chunks that are always
the same (see ``harness.models.generation.chunks``), a chunk is kept once it is complete, and one
that is not is answered anew. Generators whose answers do not depend on each other keep every single
one.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from harness.models.generation.chunks import ChunkRule, chunks
from harness.protocols import Generator, Independent, OnEvent, Tokenizer
from harness.records import JSON, Decoding, Generation, StageEvent, TokenIds
from harness.settings.spec import digest
from harness.storage.journal import Journal

_CHOICE_BATCHES = 16
"""Batches of choices that are kept together."""

Scored = tuple[TokenIds, TokenIds]
Scorer = Callable[[Sequence[Scored]], Sequence[tuple[float, bool]]]


@runtime_checkable
class Reporting(Protocol):
    """A generator that tells the share of a list that is answered."""

    on_progress: Callable[[float], None] | None


class JournaledGenerator:
    """A Generator that puts its answers into a journal and asks for none that is there.

    Args:
        generator: Who answers.
        journal: Of this generator's answers alone.
        stage: For whom it answers, in what it tells.
        on_event: Is told when answers were there.
        rule: How long a chunk is.
    """

    def __init__(
        self,
        generator: Generator,
        journal: Journal,
        stage: str,
        on_event: OnEvent | None = None,
        rule: ChunkRule | None = None,
    ) -> None:
        self._generator, self._journal = generator, journal
        self._stage, self._on_event = stage, on_event
        self._rule = rule or ChunkRule()

    @property
    def identity(self) -> Mapping[str, JSON]:
        return self._generator.identity

    @property
    def tokenizer(self) -> Tokenizer:
        return self._generator.tokenizer

    @property
    def on_progress(self) -> Callable[[float], None] | None:
        """Whom the generator tells how far it is."""
        generator = self._generator
        return generator.on_progress if isinstance(generator, Reporting) else None

    @on_progress.setter
    def on_progress(self, tell: Callable[[float], None] | None) -> None:
        if isinstance(self._generator, Reporting):
            self._generator.on_progress = tell

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        """One continuation per prompt, in their order; those in the journal are not made again."""
        asked = [tuple(prompt) for prompt in prompts]
        keys = _answer_keys(asked, decoding)
        self._tell_of(keys, "answers")
        if isinstance(self._generator, Independent):
            self._answer_each(self._generator, asked, decoding, keys)
        else:
            number = self._rule.number(len(asked), decoding, self.identity)
            for chunk, begin, end in self._missing(chunks(asked, number), keys):
                with narrowed(self._generator, begin, end):
                    found = self._generator.generate([asked[place] for place in chunk], decoding)
                self._keep(keys, zip(chunk, map(_plain, found), strict=True))
        return [_generation(self._journal[key]) for key in keys]

    @property
    def loglikelihoods(self) -> Scorer | None:
        """Scores (context, continuation) rows, in their order; None where the generator cannot."""
        scorer: Scorer | None = getattr(self._generator, "loglikelihoods", None)
        return None if scorer is None else lambda rows: self._scored(rows, scorer)

    def _scored(self, rows: Sequence[Scored], scorer: Scorer) -> list[tuple[float, bool]]:
        keys = [digest(["choice", *map(list, row)]) for row in rows]
        self._tell_of(keys, "choices")
        # In the order of likelihood.py and by full batches: the very batches of the whole list.
        order = sorted(range(len(rows)), key=lambda row: (-sum(map(len, rows[row])), rows[row]))
        size = _CHOICE_BATCHES * self.identity.get("batch_size", len(rows)) or 1
        cut = [order[first : first + size] for first in range(0, len(order), size)]
        for chunk, _, end in self._missing(cut, keys):
            found = scorer([rows[place] for place in chunk])
            self._keep(keys, zip(chunk, map(list, found), strict=True))
            if self.on_progress is not None:
                self.on_progress(end)
        return [(total, greedy) for total, greedy in (self._journal[key] for key in keys)]

    def _missing(
        self, cut: Sequence[list[int]], keys: Sequence[str]
    ) -> Iterator[tuple[list[int], float, float]]:
        """The chunks that are not all there, each with the share of the list it begins and ends."""
        done = 0
        for chunk in cut:
            begin, done = done, done + len(chunk)
            if any(keys[place] not in self._journal for place in chunk):
                yield chunk, begin / len(keys), done / len(keys)

    def _answer_each(
        self,
        generator: Independent,
        asked: Sequence[TokenIds],
        decoding: Decoding,
        keys: Sequence[str],
    ) -> None:
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        places = [place for key, place in first.items() if key not in self._journal]
        left = len(places)

        def keep(place: int, one: Generation) -> None:
            nonlocal left
            self._keep(keys, [(place, _plain(one))])
            left -= 1
            if self.on_progress is not None:
                self.on_progress(1 - left / len(first))

        if places:
            generator.answer_each(asked, decoding, sorted(places), keep)

    def _keep(self, keys: Sequence[str], values: Iterable[tuple[int, JSON]]) -> None:
        self._journal.put({keys[place]: value for place, value in values})

    def _tell_of(self, keys: Sequence[str], what: str) -> None:
        there = sum(key in self._journal for key in keys)
        if there and self._on_event is not None:
            note = f"going on: {there:,} of {len(keys):,} {what} were there"
            self._on_event(StageEvent(self._stage, "progress", there / len(keys), note=note))


@contextlib.contextmanager
def narrowed(generator: object, begin: float, end: float) -> Iterator[None]:
    """What the generator tells of its progress is told as from one share of a whole to another."""
    tell = generator.on_progress if isinstance(generator, Reporting) else None
    if not isinstance(generator, Reporting) or tell is None:
        yield
        return
    generator.on_progress = lambda share: tell(begin + share * (end - begin))
    try:
        yield
    finally:
        generator.on_progress = tell


def _answer_keys(prompts: Sequence[TokenIds], decoding: Decoding) -> list[str]:
    """A key per prompt, the same for greedy copies and one for each where they are sampled."""
    sampled = decoding.temperature > 0
    settings = [decoding.max_new_tokens, decoding.temperature, decoding.seed if sampled else 0]
    copies: dict[TokenIds, int] = {}
    keys = []
    for prompt in prompts:
        copy = copies[prompt] = copies.get(prompt, -1) + 1
        keys.append(digest(["answer", settings, copy if sampled else 0, list(prompt)]))
    return keys


def _plain(one: Generation) -> JSON:
    return [list(one.token_ids), one.text, one.finished, one.thoughts, one.counted]


def _generation(plain: JSON) -> Generation:
    token_ids, *others = plain
    return Generation(tuple(token_ids), *others)
