"""Turns of the user that a model writes itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.protocols import Tokenizer
from harness.records import Generation, Message, TokenIds

_MARK = "XQXQ"


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What a model wrote as the user; ``finished`` where it came to the turn's end."""

    text: str
    finished: bool


def user_turns(tokenizer: Tokenizer, generations: Sequence[Generation]) -> list[UserTurn]:
    """The user's words in what followed the start of a user's turn.

    Most chat models end every turn with the token that ends generation. Others go on with what
    their template writes between the turns, as text or as a special token, and then answer
    themselves: there the words end.

    Args:
        tokenizer: Of the model that wrote.
        generations: What it wrote.
    """
    between = tokenizer.render_chat((Message("user", _MARK),)).rpartition(_MARK)[2].strip()
    ids = tokenizer.encode(between)
    return [_user_turn(tokenizer, generation, between, ids) for generation in generations]


def _user_turn(
    tokenizer: Tokenizer, generation: Generation, between: str, ids: TokenIds
) -> UserTurn:
    end = _find(generation.token_ids, ids)
    if end is not None:
        return UserTurn(tokenizer.decode(generation.token_ids[:end]).strip(), True)
    words, ended, _ = generation.text.partition(between) if between else (generation.text, "", "")
    return UserTurn(words.strip(), bool(ended) or generation.finished)


def _find(ids: TokenIds, part: TokenIds) -> int | None:
    """Where a stretch of ids begins in others."""
    begins = range(len(ids) - len(part) + 1) if part else range(0)
    return next((at for at in begins if ids[at : at + len(part)] == part), None)
