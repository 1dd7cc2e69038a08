"""Answers behind examples, which are shown as earlier turns of the chat; nothing else is changed.

Few-shot prompting (Brown et al. 2020, 2005.14165). Each example is a turn of the user and one of
the assistant. They stand behind an item's system turn, where it has one, and before all turns of
its own, so that a conversation of several turns stays whole.

- A translation whose two languages are known is asked behind examples in its own direction. Tags
  are one language where they have one English name (`de`, `de-AT`); a direction without examples is
  an error.
- One whose languages are not both known is asked behind `others`.
- What asks for no translation has nothing before it, or with `prompts: all` the `others`. Choices
  that are compared by their likelihood are among these. Tasks of lm-eval's never say that they are
  translations, so they count here.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from pydantic import Field

from harness.errors import DataError
from harness.languages.tags import LanguageTag, english_name
from harness.models.answering.plain import Plain
from harness.models.turns import framed
from harness.protocols import Generator
from harness.records import Answer, Asked, Decoding, Message
from harness.settings.spec import Spec

Turns: TypeAlias = tuple[tuple[str, str], ...]
"""Of each example what the user asks and what the assistant answers."""


class ShownDirection(Spec):
    """The examples of one direction."""

    source_lang: LanguageTag
    target_lang: LanguageTag
    turns: Turns = Field(min_length=1)
    """Of each example what is asked and what is answered."""

    @property
    def names(self) -> tuple[str, str]:
        """Its languages, by what prompts call them."""
        return _names(self.source_lang, self.target_lang)


class Shown(Plain):
    """Settings of answering behind examples."""

    prompts: Literal["translation", "all"] = "translation"
    """Before which prompts they are shown."""

    directions: tuple[ShownDirection, ...] = ()
    """For translations from one language to another."""

    others: Turns = ()
    """For translations whose languages are not known, and with `all` what asks for none."""

    def turns(self, asked: Asked) -> tuple[Message, ...]:
        """What is shown to an item.

        Raises:
            DataError: It wants a direction without examples.
        """
        return tuple(
            message
            for request, answer in self._examples(asked)
            for message in (Message("user", request), Message("assistant", answer))
        )

    def _examples(self, asked: Asked) -> Turns:
        if not asked.translation:
            return self.others if self.prompts == "all" else ()
        if asked.source_lang is None:
            return self.others
        names = _names(asked.source_lang, asked.language)
        turns = next((one.turns for one in self.directions if one.names == names), None)
        if turns is None:
            there = ", ".join(f"{one.source_lang}-{one.target_lang}" for one in self.directions)
            raise DataError(
                f"asks for translations {asked.source_lang}-{asked.language}, and examples to show "
                f"are of: {there or 'no direction'}",
                "examples of a direction take as many training pairs of its languages as are "
                "shown, at least one of them in that direction",
            )
        return turns

    def answer(
        self, generator: Generator, asked: Sequence[Asked], decoding: Decoding
    ) -> list[Answer]:
        """All in one call."""
        chats = [framed(one, self.turns(one)) for one in asked]
        prompts = [generator.tokenizer.encode_chat(chat) for chat in chats]
        return [Answer(one, one.text) for one in generator.generate(prompts, decoding)]


def _names(source_lang: str, target_lang: str) -> tuple[str, str]:
    return english_name(source_lang) or source_lang, english_name(target_lang) or target_lang


ANSWERING = Shown
