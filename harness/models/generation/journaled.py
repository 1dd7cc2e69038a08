"""A generator whose answers stay: killed, the run goes on behind the last of them.

It ends with the very texts of a run nobody disturbed: lists are answered in chunks that are always
the same (see ``harness.models.generation.chunks``), a chunk is kept once it is complete, and one
that is not is answered anew. Generators whose answers do not depend on each other keep every single
one.
"""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import TypeAdapter

from harness.errors import EvaluationError
from harness.models.generation.chunks import ChunkRule, batch_size_of, choice_batches, chunks
from harness.models.generation.copies import copies_of
from harness.protocols import ChoiceScorer, Generator, Independent, OnEvent, OnProgress
from harness.records import JSON, Decoding, Generation, StageEvent, TokenIds
from harness.settings.spec import digest
from harness.storage.journal import Journal
from harness.storage.store import library_versions

_CHOICE_BATCHES = 16
"""Batches of choices that are kept together."""

GENERATION = TypeAdapter(Generation)
"""Writes and reads an answer; what is as by default is left out."""

NO_CHOICES = "this model cannot score choices (multiple_choice benchmarks)"


@runtime_checkable
class Reporting(Protocol):
    """A generator that tells the share of a list that is answered."""

    on_progress: OnProgress | None


class JournaledGenerator:
    """A Generator that puts its answers into a journal and asks for none that is there.

    Args:
        generator: Who answers.
        folder: Of the journal, which is for this generator's answers alone.
        of: What the answers are of; those of something else are not used. Answers of a list must
            come from the same libraries, whose rounding differs; not so those of a server, which
            are not computed here and cost money.
        stage: For whom it answers, in what it tells.
        on_event: Is told when answers were there.
        rule: How long a chunk is.
    """

    def __init__(
        self,
        generator: Generator,
        folder: Path,
        of: Mapping[str, JSON],
        stage: str,
        on_event: OnEvent | None = None,
        rule: ChunkRule | None = None,
    ) -> None:
        versions = {} if isinstance(generator, Independent) else {"with": dict(library_versions())}
        self._generator, self._journal = generator, Journal(folder, {**of, **versions})
        self.identity, self.tokenizer = generator.identity, generator.tokenizer
        self._stage, self._on_event = stage, on_event
        self._rule = rule or ChunkRule()

    @property
    def on_progress(self) -> OnProgress | None:
        """Whom the generator tells how far it is."""
        generator = self._generator
        return generator.on_progress if isinstance(generator, Reporting) else None

    @on_progress.setter
    def on_progress(self, tell: OnProgress | None) -> None:
        if isinstance(self._generator, Reporting):
            self._generator.on_progress = tell

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        """One continuation per prompt, in their order; those in the journal are not made again."""
        prompts = [tuple(prompt) for prompt in prompts]
        keys = _answer_keys(prompts, decoding)
        self._tell_of(keys, "answers")
        if isinstance(self._generator, Independent):
            self._answer_each(self._generator, prompts, decoding, keys)
        else:
            number = self._rule.number(len(prompts), decoding, self.identity)
            for chunk, begin, end in self._missing(chunks(prompts, number), keys):
                with narrowed(self._generator, begin, end):
                    answers = self._generator.generate([prompts[i] for i in chunk], decoding)
                self._keep(keys, zip(chunk, map(_plain, answers), strict=True))
        return [_answer(self._journal[key]) for key in keys]

    def loglikelihoods(self, rows: Sequence[tuple[TokenIds, TokenIds]]) -> list[tuple[float, bool]]:
        """Scores (context, continuation) rows, in their order.

        Raises:
            EvaluationError: The generator cannot.
        """
        if not isinstance(self._generator, ChoiceScorer):
            raise EvaluationError(NO_CHOICES)
        keys = [digest(["choice", *map(list, row)]) for row in rows]
        self._tell_of(keys, "choices")
        batches = choice_batches(rows, batch_size_of(self.identity) or len(rows) or 1)
        cut = [
            list(itertools.chain(*batches[first : first + _CHOICE_BATCHES]))
            for first in range(0, len(batches), _CHOICE_BATCHES)
        ]
        for chunk, _, end in self._missing(cut, keys):
            scores = self._generator.loglikelihoods([rows[i] for i in chunk])
            self._keep(keys, zip(chunk, map(list, scores), strict=True))
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
            if any(keys[i] not in self._journal for i in chunk):
                yield chunk, begin / len(keys), done / len(keys)

    def _answer_each(
        self,
        generator: Independent,
        prompts: Sequence[TokenIds],
        decoding: Decoding,
        keys: Sequence[str],
    ) -> None:
        first = {key: index for index, key in reversed(list(enumerate(keys)))}
        missing = [index for key, index in first.items() if key not in self._journal]
        left = len(missing)

        def keep(index: int, answer: Generation) -> None:
            nonlocal left
            self._keep(keys, [(index, _plain(answer))])
            left -= 1
            if self.on_progress is not None:
                self.on_progress(1 - left / len(first))

        if missing:
            generator.answer_each(prompts, decoding, sorted(missing), keep)

    def _keep(self, keys: Sequence[str], values: Iterable[tuple[int, object]]) -> None:
        self._journal.put({keys[index]: value for index, value in values})

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
    copies = copies_of(prompts) if sampled else [0] * len(prompts)
    return [
        digest(["answer", settings, copy, list(prompt)])
        for prompt, copy in zip(prompts, copies, strict=True)
    ]


def _plain(answer: Generation) -> object:
    return GENERATION.dump_python(answer, exclude_defaults=True)


def _answer(plain: object) -> Generation:
    """What ``_plain`` made; a list is how 0.1.0 kept answers half done."""
    if isinstance(plain, list):
        token_ids, *others = plain
        return Generation(tuple(token_ids), *others)
    return GENERATION.validate_python(plain)
