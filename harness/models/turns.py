"""Items of several turns: each of the user's is asked once the one before it is answered."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from harness.protocols import Answering, Generator
from harness.records import Answer, Asked, Decoding, Message


def answer_turns(
    answering: Answering, generator: Generator, asked: Sequence[Asked], decoding: Decoding
) -> list[Answer]:
    """The answers to the last turn of each item, all items together turn by turn."""
    current = list(asked)
    answers = answering.answer(generator, current, decoding)
    while waiting := [index for index, one in enumerate(current) if one.later]:
        for index in waiting:
            current[index] = _next(answering, current[index], answers[index])
        latest = answering.answer(generator, [current[index] for index in waiting], decoding)
        for index, answer in zip(waiting, latest, strict=True):
            answers[index] = _behind(answers[index], answer)
    return answers


def framed(asked: Asked, shown: Sequence[Message]) -> tuple[Message, ...]:
    """An item's chat with other turns behind its system turn, before all turns of its own."""
    chat = asked.messages
    begin = next((at for at, turn in enumerate(chat) if turn.role != "system"), len(chat))
    return (*chat[:begin], *shown, *chat[begin:])


def _next(answering: Answering, asked: Asked, answer: Answer) -> Asked:
    following, *later = asked.later
    turn = (*answering.remembered(asked, answer), Message("user", following))
    return replace(asked, messages=(*asked.messages[:-1], *turn), later=tuple(later))


def _behind(before: Answer, answer: Answer) -> Answer:
    facts = Counter(before.facts) + Counter(answer.facts)
    counted = {name: facts[name] for name in (*before.facts, *answer.facts)}
    return replace(answer, facts=counted, earlier=(*before.earlier, before.generation.text))
