"""Turns of the user that a model writes itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.protocols import Generator
from harness.records import Generation, Message, TokenIds

_MARK = "XQXQ"


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What a model wrote as the user; ``finished`` where it came to the turn's end."""

    text: str
    finished: bool


def user_turns(writer: Generator, generations: Sequence[Generation]) -> list[UserTurn]:
    """The user's words in what followed the start of a user's turn.

    Most chat models end every turn with the token that ends generation. Others go on with what
    their template writes between the turns, as text or as a special token, and then answer
    themselves: there the words end.
    """
    between = writer.render_chat((Message("user", _MARK),)).rpartition(_MARK)[2].strip()
    ids = writer.encode(between)
    return [_user_turn(writer, one, between, ids) for one in generations]


def _user_turn(writer: Generator, generation: Generation, between: str, ids: TokenIds) -> UserTurn:
    place = _find(generation.token_ids, ids)
    if place is not None:
        return UserTurn(writer.decode(generation.token_ids[:place]).strip(), True)
    words, found, _ = generation.text.partition(between) if between else (generation.text, "", "")
    return UserTurn(words.strip(), bool(found) or generation.finished)


def _find(ids: TokenIds, part: TokenIds) -> int | None:
    """Where a stretch of ids begins in others."""
    places = range(len(ids) - len(part) + 1) if part else range(0)
    return next((at for at in places if ids[at : at + len(part)] == part), None)
