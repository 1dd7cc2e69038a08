"""Chats as ids for a model whose tokens nobody here knows.

The Tokenizer seam speaks token ids, a server text. An id is a character here (its code point), and
two marks lie behind all characters: one ends a chat, one an answer. A chat is the JSON of its
turns. So what was encoded is read back to the letter, and such ids mean nothing to any model.
"""

import json
from collections.abc import Sequence
from functools import cached_property

from harness.errors import ConfigError
from harness.models.folder import tokenizer_folder
from harness.models.tokenizer import ChatTokenizer, tokenizer_in
from harness.records import Message, TokenIds

CHAT_END, ANSWER_END = 0x110000, 0x110001


class ServedTokenizer:
    """The characters of chats as ids.

    Args:
        server: Address and model, for messages.
        folder: Of the tokenizer by which chats are rendered here, loaded when first needed; None
            where the server renders them.
    """

    vocabulary = "characters of text from a server"

    def __init__(self, server: str, folder: str | None) -> None:
        self._server, self._folder = server, folder

    @cached_property
    def template(self) -> ChatTokenizer | None:
        """Renders chats, where the server does not."""
        return None if self._folder is None else tokenizer_in(tokenizer_folder(self._folder))

    def encode(self, text: str) -> TokenIds:
        """Text as the numbers of its characters.

        >>> ServedTokenizer("here", None).encode("né")
        (110, 233)
        """
        return tuple(map(ord, text))

    def encode_answer(self, text: str) -> TokenIds:
        return self.encode(text)

    def decode(self, token_ids: TokenIds) -> str:
        """The text again, marks left out.

        >>> tokenizer = ServedTokenizer("here", None)
        >>> tokenizer.decode((*tokenizer.encode("né"), ANSWER_END))
        'né'
        """
        return "".join(chr(token) for token in token_ids if token < CHAT_END)

    def without_end(self, token_ids: TokenIds) -> TokenIds:
        return token_ids[:-1]

    def encode_chat(self, messages: Sequence[Message]) -> TokenIds:
        """A chat up to where the answer begins; the beginning of an answer may follow."""
        turns = [[message.role, message.content] for message in messages]
        return (*self.encode(json.dumps(turns, ensure_ascii=False)), CHAT_END)

    def split(self, ids: TokenIds) -> tuple[tuple[Message, ...], str]:
        """The chat, and the beginning of the answer behind it.

        >>> tokenizer = ServedTokenizer("here", None)
        >>> tokenizer.split(tokenizer.encode_chat([Message("user", "Hi")]) + tokenizer.encode("Oh"))
        ((Message(role='user', content='Hi'),), 'Oh')

        Raises:
            ValueError: There is no chat in front.
        """
        end = ids.index(CHAT_END)
        turns = json.loads(self.decode(ids[:end]))
        return tuple(Message(role, content) for role, content in turns), self.decode(ids[end:])

    def render_chat(self, messages: Sequence[Message]) -> str:
        """The chat as it is sent, or by role and content where the server renders it."""
        if self.template is not None:
            return self.template.render_chat(messages)
        return "\n".join(f"{message.role}: {message.content}" for message in messages)

    def encode_user_turn(self, messages: Sequence[Message]) -> TokenIds:
        """Not to be had: no server writes the turns of users.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(f"{self._server}: a server can write no turn of a user")

    def encode_start(self) -> TokenIds:
        """Not to be had: a server is asked chats.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(f"{self._server}: a server can write no text without a prompt")
