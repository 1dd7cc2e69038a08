"""Chats as ids for a model whose tokens nobody here knows.

The Generator seam speaks token ids, a server text. An id is a character here (its code point), and
two marks lie behind all characters: one ends a chat, one an answer. A chat is the JSON of its
turns. So what was encoded is read back to the letter, and such ids mean nothing to any model.
"""

import json
from collections.abc import Sequence

from harness.records import Message, TokenIds

VOCABULARY = "characters of text from a server"
CHAT_END, ANSWER_END = 0x110000, 0x110001


def encode(text: str) -> TokenIds:
    """Text as the numbers of its characters.

    >>> encode("né")
    (110, 233)
    """
    return tuple(map(ord, text))


def decode(ids: Sequence[int]) -> str:
    """The text again, marks left out.

    >>> decode((*encode("né"), ANSWER_END))
    'né'
    """
    return "".join(chr(one) for one in ids if one < CHAT_END)


def encode_chat(messages: Sequence[Message]) -> TokenIds:
    """A chat up to where the answer begins; the beginning of an answer may follow."""
    turns = [[message.role, message.content] for message in messages]
    return (*encode(json.dumps(turns, ensure_ascii=False)), CHAT_END)


def split(ids: TokenIds) -> tuple[tuple[Message, ...], str]:
    """The chat, and the beginning of the answer behind it.

    >>> split(encode_chat([Message("user", "Hi")]) + encode("Oh"))
    ((Message(role='user', content='Hi'),), 'Oh')

    Raises:
        ValueError: There is no chat in front.
    """
    end = ids.index(CHAT_END)
    turns = json.loads(decode(ids[:end]))
    return tuple(Message(role, content) for role, content in turns), decode(ids[end:])
