"""A model's tokenizer as the harness uses it: chats in, token ids out, and where a turn ends.

A prompt is always tokenised alone, as the model will read it when it answers. An answer is
tokenised as what comes behind it, never together with it: tokens that would merge over the boundary
do not, and every token has the role of one side.
"""

import logging
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from harness.errors import ConfigError
from harness.models.folder import chat_template, model_folder, read_json
from harness.models.spec import ModelSpec
from harness.models.thoughts import closed, split_thoughts, thinking, thinking_switch
from harness.records import Generation, Message, Role, TokenIds
from harness.settings.spec import digest

TOKENIZER_FILE = "tokenizer.json"
"""Beside an adapter that brought tokens of its own, as in a model's folder."""

_MARK = "XQXQ"
"""Stands for an answer when the chat template is asked what it writes around one."""
_SAY_THE_END = ("generation_config.json", "config.json")
"""Files that may list the tokens that end generation; what the first says goes."""
_ANCHORS = ("\n", ".", "x")
"""Texts to put before one that goes on, where a tokenizer begins every text with a blank."""
_BLANKS = ("▁", "Ġ")

logger = logging.getLogger(__name__)


class ChatTokenizer:
    """Text to token ids and back, without special tokens unless the chat template writes them.

    Args:
        tokenizer: A Hugging Face tokenizer with a chat template.
        end_ids: Further tokens that end generation (of the generation configuration).
    """

    def __init__(self, tokenizer: Any, end_ids: Sequence[int] = ()) -> None:
        self.tokenizer = tokenizer
        own = () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)
        self._stops: TokenIds = tuple(dict.fromkeys((*own, *end_ids)))
        # A prompt is rendered to be shown, to be trained on and to be answered.
        self._rendered = lru_cache(maxsize=2**14)(self._render)
        template = str(tokenizer.chat_template or "")
        switch = thinking_switch(template)
        self._switches = {} if switch is None else {switch: False}
        self.thinks = thinking(template) is not None
        """Whether its model may think aloud before it answers."""
        self.joins_system = False
        """Whether a system turn had to join the user's, as the template has none."""

    def encode(self, text: str) -> TokenIds:
        """Token ids of text that goes on behind other text, no special token or blank put first."""
        if text and self._begins_with_blank:
            for anchor in _ANCHORS:
                lead, ids = self._ids(anchor), self._ids(anchor + text)
                if ids[: len(lead)] == lead:
                    return ids[len(lead) :]
        return self._ids(text)

    def encode_answer(self, text: str) -> TokenIds:
        """Token ids of the beginning of an answer: behind the blank some templates put there."""
        return self.encode(self.answer_text(text))

    def answer_text(self, text: str) -> str:
        """The beginning of an answer as it stands behind ``render_chat``."""
        return text if text[:1].isspace() else self._around[1] + text

    def encode_first(self, role: Role, text: str) -> TokenIds:
        """Token ids of what comes first behind a prompt: of a plain text, or of an answer."""
        return self._ids(text) if role is Role.TEXT else self.encode_answer(text)

    def render_chat(self, messages: Sequence[Message], *, answer_next: bool = True) -> str:
        """The chat as text, up to where the answer begins.

        Where the template has no system turn, its text begins the first turn of the user.

        Raises:
            ConfigError: The template refuses these turns.
        """
        return self._rendered(tuple(messages), answer_next)

    def render_plain(self, messages: Sequence[Message]) -> str:
        """``render_chat`` for somebody who tokenises it as a text of its own.

        The token that begins every text is left to them, where this tokenizer puts one.
        """
        text, begin = self.render_chat(messages), self.tokenizer.bos_token
        if not begin or not text.startswith(begin):
            return text
        puts_one = self.tokenizer("x")["input_ids"][0] == self.tokenizer.bos_token_id
        return text.removeprefix(begin) if puts_one else text

    def _render(self, messages: tuple[Message, ...], answer_next: bool) -> str:
        text = self._template(messages, answer_next)
        if not answer_next:
            return text
        shut = closed(text)
        return shut if shut != text else text + self._around[0]

    def _template(self, messages: tuple[Message, ...], answer_next: bool) -> str:
        joined = _system_joined(messages)
        text, fault = self._tried(messages, answer_next)
        if joined is not None and (text is None or messages[0].content.strip() not in text):
            text, other = self._tried(joined, answer_next)
            fault = fault or other
            if text is not None:
                self._note_joined()
        if text is None:
            roles = ", ".join(message.role for message in messages)
            raise ConfigError(f"the chat template refuses the turns {roles}: {fault}") from fault
        return text

    def _tried(
        self, messages: tuple[Message, ...], answer_next: bool
    ) -> tuple[str | None, Exception | None]:
        """The chat as the template renders it, or what it raised."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        try:
            text = self.tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=answer_next, **self._switches
            )
        except Exception as error:  # templates raise what they like, through jinja
            return None, error
        return str(text), None

    def _note_joined(self) -> None:
        if not self.joins_system:
            self.joins_system = True
            logger.warning(
                "the chat template has no system turn: its text begins the user's first turn"
            )

    def encode_chat(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of ``render_chat``."""
        return self._ids(self.render_chat(messages))

    def encode_user_turn(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of a chat and the start of one more turn of the user, up to its first word.

        A blank that the template writes before that word is left out: tokenizers join it to it.

        Raises:
            ConfigError: The template refuses these turns.
        """
        opened = self.render_chat((*messages, Message("user", _MARK)), answer_next=False)
        return self._ids(opened.rpartition(_MARK)[0].rstrip(" "))

    def encode_start(self) -> TokenIds:
        """The token a text begins with, or the one that ends texts where there is none.

        Models without the former have seen the latter between texts in their pre-training.
        """
        begin = self.tokenizer.bos_token_id
        return (self.end_ids[0] if begin is None else int(begin),)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of generated ids, special tokens left out."""
        return str(self.tokenizer.decode(list(token_ids), skip_special_tokens=True))

    @cached_property
    def vocabulary(self) -> str:
        """Hash of all tokens and their ids, added and special ones among them."""
        return digest(self.tokenizer.get_vocab())

    def split_thoughts(self, text: str) -> tuple[str, str]:
        """What the model thought aloud, and what it answered."""
        return split_thoughts(text) if self.thinks else ("", text)

    def generation(self, token_ids: TokenIds) -> Generation:
        """An answer from its ids, with what was thought aloud apart."""
        thoughts, text = self.split_thoughts(self.decode(token_ids))
        finished = bool(token_ids) and token_ids[-1] in self.end_ids
        return Generation(token_ids, text, finished, thoughts)

    @cached_property
    def end_id(self) -> int:
        """The token this model ends its turn with, by what the template writes behind an answer.

        Some families list an end of text as their eos and end their turns with another token; some
        do not list that one at all.

        Raises:
            ConfigError: There is none.
        """
        chat = (Message("user", "x"), Message("assistant", _MARK))
        tail = self._ids(self.render_chat(chat, answer_next=False).rpartition(_MARK)[2])
        added = set(self.tokenizer.added_tokens_decoder)
        listed = [token for token in tail if token in self._stops]
        unlisted = [token for token in tail if token in added]
        candidates = (*listed, *unlisted, *self._stops)
        if not candidates:
            raise ConfigError("the tokenizer has no eos token: set eos_token in its configuration")
        return candidates[0]

    @cached_property
    def end_ids(self) -> tuple[int, ...]:
        """All tokens that end generation: those the model lists, and the one that ends its turn.

        Raises:
            ConfigError: The tokenizer has none.
        """
        return tuple(dict.fromkeys((*self._stops, self.end_id)))

    @cached_property
    def pad_id(self) -> int:
        """What short rows are filled with; masked everywhere, so any token will do."""
        pad = self.tokenizer.pad_token_id
        return self.end_ids[0] if pad is None else int(pad)

    def _ids(self, text: str) -> TokenIds:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    @cached_property
    def _begins_with_blank(self) -> bool:
        (first, *_) = self.tokenizer.convert_ids_to_tokens(self._ids("x"))
        return bool(first.startswith(_BLANKS))

    @cached_property
    def _around(self) -> tuple[str, str]:
        """What the template writes between a prompt and an answer: for the prompt, for the answer.

        White space is left to the answer, as tokenizers join it to the first word. Anything else
        (a mark that the answer comes now) ends the prompt: nothing the model has to say. Where the
        template writes the same before the user's words it marks no answer.
        """
        question = Message("user", "x")
        prompt = self._template((question,), True)
        whole = self._template((question, Message("assistant", _MARK)), False)
        before = whole.rpartition(_MARK)[0]
        if not before.startswith(prompt):
            return "", ""
        between = before[len(prompt) :]
        if not between.strip():
            return "", between
        to_user = self._template((Message("user", _MARK),), True).partition(_MARK)[0]
        return ("", "") if to_user.endswith(between) else (between, "")


def _system_joined(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    """The chat with its system turn put before the user's first words; None where it has none."""
    if len(messages) < 2 or (messages[0].role, messages[1].role) != ("system", "user"):
        return None
    system, user, *others = messages
    return Message("user", f"{system.content}\n\n{user.content}"), *others


def load_tokenizer(spec: ModelSpec) -> ChatTokenizer:
    """The tokenizer of a model folder, or of its adapter where that brought tokens of its own.

    Raises:
        ConfigError: Its files are missing, broken, or without a chat template.
    """
    tokenizer = tokenizer_in(model_folder(spec), spec.trust_remote_code, spec.chat_template)
    if spec.adapter is None or not (Path(spec.adapter) / TOKENIZER_FILE).is_file():
        return tokenizer
    own = tokenizer_in(Path(spec.adapter), template=spec.chat_template)
    return ChatTokenizer(own.tokenizer, tokenizer.end_ids)


def tokenizer_in(
    folder: Path, trust_remote_code: bool = False, template: str | None = None
) -> ChatTokenizer:
    """The tokenizer in a folder known to be whole, with another chat template if a file is given.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )
    except Exception as error:  # the libraries below raise whatever their parsers raise
        raise ConfigError(f"model.path: {folder}: the tokenizer cannot be read: {error}") from error
    if template is not None:
        tokenizer.chat_template = chat_template(folder, template)
    stops = [read_json(folder / name).get("eos_token_id") for name in _SAY_THE_END]
    ends: int | list[int] = next((ids for ids in stops if ids is not None), [])
    return ChatTokenizer(tokenizer, ends if isinstance(ends, list) else [int(ends)])
