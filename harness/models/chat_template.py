"""A chat template at work: turns in, text out, and nothing that was said left out.

Templates differ in what they take for the content of a turn (a text, or a list of parts), in
whether they have a system turn, and in what they write around an answer. Each is found out by a
chat of marks; what a template makes of the words themselves is looked at in every chat.
"""

import itertools
import logging
import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from harness.errors import ConfigError
from harness.models.folder import chat_template, special_tokens
from harness.models.template_source import with_clock
from harness.models.thoughts import closed, split_thoughts, thinking_switch
from harness.records import Message

MARK = "XQXQ"
"""Stands for what is said when a template is asked what it writes around it."""

_Speaker: TypeAlias = Literal["system", "user", "assistant"]
_ROLES: tuple[_Speaker, ...] = ("system", "user", "assistant")
_SHAPES = tuple(
    frozenset(roles) for number in (0, 3, 2, 1) for roles in itertools.combinations(_ROLES, number)
)
"""Roles whose words are given as a list of parts; the plainest first."""
_QUOTE = r"""(?:["']|&#?\w+;)"""
_PART_SHOWN = re.compile(rf"text{_QUOTE}: {_QUOTE}{MARK}", re.IGNORECASE)
"""A list of parts that was written as it is, not read."""
_LONG = " ".join(map(str, range(1000)))
"""Words of which none is a part of the others that a cut would leave."""
_SHOWN = 60
"""Characters of a text that a message quotes."""

logger = logging.getLogger(__name__)


class ChatTemplate:
    """What a chat template writes.

    Args:
        source: The template, in Jinja.
        write: Renders turns by a template with variables, as ``apply_chat_template`` does.
        chat_date: On which chats take place; None for the template's own date, or a constant.

    Raises:
        ConfigError: The template draws at random.
    """

    def __init__(
        self, source: str, write: Callable[..., str], chat_date: date | None = None
    ) -> None:
        self._write_turns = write
        self._template, variables = with_clock(source, chat_date)
        switch = thinking_switch(source)
        self._variables = variables if switch is None else {**variables, switch: False}
        self._missing = lru_cache(self._missing_marks)
        self.joins_system = False
        """Whether a system turn had to join the user's, as the template has none."""

    def render(self, messages: tuple[Message, ...], answer_next: bool) -> str:
        """The chat; where there is no system turn its text begins the first turn of the user.

        Raises:
            ConfigError: The template refuses these turns, or leaves out what was said.
        """
        text, fault = self._tried(messages, answer_next)
        lost = [] if text is None else self._lost(messages, answer_next, text)
        joined = _system_joined(messages)
        if joined is not None and (text is None or 0 in lost):
            text, other = self._tried(joined, answer_next)
            fault = fault or other
            if text is not None:
                messages, lost = joined, self._lost(joined, answer_next, text)
                self._note_joined()
        if text is None:
            roles = ", ".join(message.role for message in messages)
            raise ConfigError(f"the chat template refuses the turns {roles}: {fault}") from fault
        if lost:
            said = messages[lost[0]]
            raise ConfigError(
                f"the chat template leaves out what the {said.role} says: found "
                f"{said.content[:_SHOWN]!r}, it writes {text[-2 * _SHOWN :]!r}",
                "model.chat_template: FILE gives the model another template",
            )
        return text

    @cached_property
    def parts(self) -> frozenset[str]:
        """Roles whose content it reads as a list of parts, as those of models that see do."""
        whole = tuple(Message(role, f"{MARK}{role}{MARK}") for role in _ROLES)
        for chat in (whole, whole[1:]):
            for roles in _SHAPES:
                text, _ = self._tried(chat, False, roles)
                if text is None or _unsaid(chat, text):
                    continue
                if not roles or not _PART_SHOWN.search(text):
                    return roles
        return frozenset()

    @cached_property
    def around(self) -> tuple[str, str]:
        """What it writes between a prompt and an answer: for the prompt, for the answer.

        White space is left to the answer, as tokenizers join it to the first word. Anything else
        (a mark that the answer comes now) ends the prompt: nothing the model has to say. Where the
        template writes the same before the user's words it marks no answer.
        """
        question = Message("user", "x")
        prompt = self.render((question,), True)
        shown, _ = self.split((question, Message("assistant", MARK)))
        if not shown.startswith(prompt):
            if closed(prompt) == prompt:
                _warn_of_another_beginning(prompt[-_SHOWN:], shown[-_SHOWN:])
            return "", ""
        between = shown[len(prompt) :]
        if not between.strip():
            return "", between
        to_user = self.render((Message("user", MARK),), True).partition(MARK)[0]
        return ("", "") if to_user.endswith(between) else (between, "")

    @cached_property
    def behind(self) -> tuple[str, str]:
        """What it writes behind the last answer of a chat, and behind one that the user answers."""
        chat = (Message("user", "x"), Message("assistant", MARK))
        _, last = self.split(chat)
        asked_on = (*chat, Message("user", f"{MARK}2"))
        try:
            more = self.render(asked_on, False)
        except ConfigError:
            return last, ""
        return last, more.partition(MARK)[2].partition(f"{MARK}2")[0]

    def check(self) -> None:
        """Renders a long question, and one with an answer.

        Raises:
            ConfigError: The template refuses them, or leaves out what was said.
        """
        question = Message("user", _LONG)
        self.render((question,), True)
        self.split((question, Message("assistant", MARK)))

    def split(self, messages: tuple[Message, ...]) -> tuple[str, str]:
        """What stands before and behind ``MARK``, which the last turn says.

        Raises:
            ConfigError: The template changes the mark, or refuses these turns.
        """
        before, mark, behind = self.render(messages, False).rpartition(MARK)
        if not mark:
            raise ConfigError(
                f"the chat template changes what the {messages[-1].role} says: found {MARK!r}, it "
                f"writes {behind!r}",
                "model.chat_template: FILE gives the model another template",
            )
        return before, behind

    def _tried(
        self, messages: tuple[Message, ...], answer_next: bool, parts: frozenset[str] | None = None
    ) -> tuple[str | None, Exception | None]:
        """The chat as the template renders it, or what it raised."""
        in_parts = self.parts if parts is None else parts
        try:
            text = self._write_turns(
                [_turn(message, message.role in in_parts) for message in messages],
                chat_template=self._template,
                add_generation_prompt=answer_next,
                **self._variables,
            )
        except Exception as error:  # templates raise what they like, through jinja
            return None, error
        return str(text), None

    def _lost(self, messages: tuple[Message, ...], answer_next: bool, text: str) -> list[int]:
        """Which turns are not in the text: such as the template never writes, or not in full."""
        roles = tuple(message.role for message in messages)
        return sorted({*self._missing(roles, answer_next), *_unsaid(messages, text)})

    def _missing_marks(self, roles: tuple[_Speaker, ...], answer_next: bool) -> list[int]:
        """Which turns of such roles it leaves out whatever they say."""
        chat = tuple(Message(role, f"{MARK}{number}{MARK}") for number, role in enumerate(roles))
        text, _ = self._tried(chat, answer_next)
        return [] if text is None else _unsaid(chat, text)

    def _note_joined(self) -> None:
        if not self.joins_system:
            self.joins_system = True
            logger.warning(
                "the chat template has no system turn: its text begins the user's first turn"
            )


@cache
def _warn_of_another_beginning(asked: str, shown: str) -> None:
    """Once a process, however many tokenizers of a model are loaded."""
    blank = "".join(shown.split()) == "".join(asked.split())
    logger.warning(
        "the chat template asks for an answer behind %r and shows one behind %r%s: the model is "
        "trained and asked by the former",
        asked,
        shown,
        " (they differ in white space alone)" if blank else "",
    )


def template_in(folder: Path, given: str | None, chat_date: date | None) -> ChatTemplate:
    """The template of a model's folder, or the file given, without a tokenizer.

    Raises:
        ConfigError: A file cannot be read, or the template draws at random.
    """
    # Not above: whatever reads what a model is would load the library.
    from transformers.utils.chat_template_utils import render_jinja_template

    special = special_tokens(folder)

    def write(turns: list[dict[str, Any]], **variables: Any) -> str:
        (text,), _ = render_jinja_template([turns], **special, **variables)
        return str(text)

    return ChatTemplate(chat_template(folder, given) or "", write, chat_date)


def _turn(message: Message, in_parts: bool) -> dict[str, Any]:
    said = [{"type": "text", "text": message.content}] if in_parts else message.content
    return {"role": message.role, "content": said}


def _unsaid(messages: Sequence[Message], text: str) -> list[int]:
    """Places of the turns that a text has not all words of.

    Templates may trim and break lines otherwise, escape marks, change the case, and leave out what
    was thought aloud before an answer.
    """
    flat, folded = "".join(text.split()), text.casefold()
    return [
        number
        for number, message in enumerate(messages)
        if "".join(message.content.split()) not in flat
        and not all(word in folded for word in re.findall(r"\w+", _answer(message).casefold()))
    ]


def _answer(message: Message) -> str:
    return split_thoughts(message.content)[1] if message.role == "assistant" else message.content


def _system_joined(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    """The chat with its system turn put before the user's first words; None where it has none."""
    if len(messages) < 2 or (messages[0].role, messages[1].role) != ("system", "user"):
        return None
    system, user, *others = messages
    return Message("user", f"{system.content}\n\n{user.content}"), *others
