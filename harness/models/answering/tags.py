"""Answers by a chain of tagged texts, forcing a tag that is missing.

TransLLM (Geng et al., arXiv 2405.13923): a question in a language to be learnt is answered by
``<EN> question in English <RESPONSE> answer in English <DE> answer``, a question in English (the
pivot) by ``<RESPONSE> answer``. Where a tag is missing when the model stops, or is stopped, the tag
is appended to what it said and it goes on from there, as in the paper's code. What is scored
follows the last tag; the whole stays in the output.

- Translation benchmarks are answered plainly, and choices are compared as everywhere.
- The chain is taken up behind the last of its tags that is there: behind a `<RESPONSE>` without
  `<EN>` only the tag of the answer's language is missing. The paper's code does not ask for the
  first tag; here it is forced like the others.
- A benchmark's limit of new tokens holds for the answer that is scored, which is cut to it (at the
  last character that fits); `chain_tokens` come on top for what goes before, for each time the
  model is asked.
- In a chat of several turns, an earlier turn that was answered by the chain is remembered as the
  question and the answer in the pivot, without tags.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import Field, field_validator

from harness.languages.tags import LanguageTag
from harness.protocols import Generator
from harness.records import Answer, Asked, Decoding, Generation, Message, TokenIds
from harness.settings.spec import Spec


@dataclass(frozen=True, slots=True)
class Wording:
    """How the tags read; ``{language}`` of ``language_tag`` becomes ``EN``."""

    language_tag: str
    response: str

    def of(self, language: str) -> str:
        """The tag of a language.

        >>> Wording("<{language}>", "<RESPONSE>").of("de")
        '<DE>'
        """
        return self.language_tag.format(language=language.upper())


def check_language_tag(value: str) -> str:
    """The wording of a language's tag, if it is one.

    Raises:
        ValueError: It does not name the language.
    """
    if value.count("{language}") != 1 or set("{}") & set(value.replace("{language}", "")):
        raise ValueError(f"found {value!r}, allowed text with {{language}} in it, once")
    return value


class Tags(Spec):
    """Settings of answering by a chain."""

    pivot: LanguageTag
    """The language the model knows; its questions want an answer behind the response tag alone."""

    language: LanguageTag | None = None
    """The language to be learnt, whose questions want the whole chain; None: all but the pivot."""

    language_tag: str = "<{language}>"
    """Wording of a language's tag."""

    response_tag: str = Field("<RESPONSE>", pattern=r"\S")
    """Wording of the tag before the answer in the pivot."""

    chain_tokens: int = Field(128, ge=0)
    """New tokens for what goes before the answer, on top of the benchmark's."""

    _names_language = field_validator("language_tag")(check_language_tag)

    @property
    def wording(self) -> Wording:
        return Wording(self.language_tag, self.response_tag)

    def expected(self, asked: Asked) -> tuple[str, ...]:
        """The tags an answer has, in order; () where it is plain."""
        if asked.translation:
            return ()
        if asked.language == self.pivot:
            return (self.response_tag,)
        if self.language not in (None, asked.language):
            return ()
        return (self.wording.of(self.pivot), self.response_tag, self.wording.of(asked.language))

    def answer(
        self, generator: Generator, asked: Sequence[Asked], decoding: Decoding
    ) -> list[Answer]:
        """One call for plain answers; for the others one, and one more for each tag forced."""
        rows = [_Row(generator, one, self.expected(one)) for one in asked]
        _go_on([row for row in rows if not row.tags], generator, decoding)
        longer = replace(decoding, max_new_tokens=decoding.max_new_tokens + self.chain_tokens)
        open_ones = [row for row in rows if row.tags]
        while open_ones:
            _go_on(open_ones, generator, longer)
            open_ones = [row for row in open_ones if row.force()]
        return [row.answer(decoding.max_new_tokens) for row in rows]

    def remembered(self, asked: Asked, answer: Answer) -> tuple[Message, Message]:
        """Question and answer in the pivot, where the whole chain is there, else as they are."""
        tags = self.expected(asked)
        output = answer.generation.text
        places = [output.find(tag) for tag in tags]
        if len(tags) < 3 or -1 in places or places != sorted(places):
            return asked.messages[-1], Message("assistant", answer.text)
        question, response = (
            output[start + len(tag) : end].strip()
            for start, tag, end in zip(places[:2], tags[:2], places[1:], strict=True)
        )
        return Message("user", question), Message("assistant", response)


class _Row:
    """One item being answered: what was said so far, by the model or for it."""

    def __init__(self, generator: Generator, asked: Asked, tags: tuple[str, ...]) -> None:
        self._generator = generator
        self._prompt = generator.tokenizer.encode_chat(asked.messages)
        self.tags = tags
        self._ids: TokenIds = ()
        self._text = ""
        self._finished = False
        self._forced = 0

    @property
    def so_far(self) -> TokenIds:
        """The prompt of the next generation."""
        return self._prompt + self._ids

    def extend(self, generation: Generation) -> None:
        self._ids += generation.token_ids
        self._text += generation.text
        self._finished = generation.finished

    def force(self) -> bool:
        """Appends the tag that is missing; False when none is."""
        there = [place for place, tag in enumerate(self.tags) if tag in self._text]
        following = there[-1] + 1 if there else 0
        if following == len(self.tags):
            return False
        tag = f" {self.tags[following]}" if self._text else self.tags[following]
        end = len(self._ids) - 1 if self._finished else len(self._ids)
        self._ids = self._ids[:end] + self._generator.tokenizer.encode(tag)
        self._text += tag
        self._forced += 1
        return True

    def answer(self, max_tokens: int) -> Answer:
        """What is scored, of at most ``max_tokens`` tokens where tags go before it."""
        generation = Generation(self._ids, self._text, self._finished)
        if not self.tags:
            return Answer(generation, self._text)
        whole = self._text.partition(self.tags[-1])[2].strip()
        text = _cut(whole, max_tokens, self._generator)
        finished = self._finished and text == whole
        return Answer(replace(generation, finished=finished), text, {"forced_tags": self._forced})


def _go_on(rows: Sequence[_Row], generator: Generator, decoding: Decoding) -> None:
    if rows:
        answers = generator.generate([row.so_far for row in rows], decoding)
        for row, generation in zip(rows, answers, strict=True):
            row.extend(generation)


def _cut(text: str, max_tokens: int, generator: Generator) -> str:
    """The longest beginning of a text that has at most so many tokens."""
    if len(generator.tokenizer.encode(text)) <= max_tokens:
        return text
    fits = bisect_right(
        range(1, len(text) + 1),
        max_tokens,
        key=lambda length: len(generator.tokenizer.encode(text[:length])),
    )
    return text[:fits]


ANSWERING = Tags
