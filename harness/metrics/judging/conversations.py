"""What a judge is shown of a prediction: every turn's question and answer."""

from dataclasses import dataclass, replace

from harness.errors import DataError
from harness.records import JSON, Prediction

MAX_TURNS = 2
"""The published prompts have places for so many."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The user's turns and the answers to them, equally many."""

    id: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    category: str | None = None


def conversation_of(prediction: Prediction) -> Conversation:
    """The conversation of a prediction: ``turns`` and ``earlier`` where it has them.

    Raises:
        DataError: There are not as many answers as questions, or more than the prompts provide for.
    """
    asked = questions_of(prediction)
    questions = asked.questions
    answers = (*_texts(prediction, "earlier"), prediction.output)
    if len(questions) != len(answers):
        raise DataError(
            f"item {prediction.id!r}: found {len(questions)} questions and {len(answers)} answers, "
            "allowed: in `turns` all the user's, in `earlier` what was said to those before the "
            "last, in `output` what was said to the last"
        )
    return replace(asked, answers=answers)


def questions_of(prediction: Prediction) -> Conversation:
    """The same without any answer.

    Raises:
        DataError: There are more questions than the prompts provide for.
    """
    questions = _texts(prediction, "turns") or (prediction.prompt,)
    if len(questions) > MAX_TURNS:
        raise DataError(
            f"item {prediction.id!r}: found {len(questions)} turns, allowed: {MAX_TURNS}, for "
            "which there are prompts"
        )
    category = prediction.extra.get("category")
    return Conversation(prediction.id, questions, (), str(category) if category else None)


def _texts(prediction: Prediction, name: str) -> tuple[str, ...]:
    texts: JSON = prediction.extra.get(name) or ()
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"item {prediction.id!r}: {name}: allowed: a list of texts")
    return tuple(texts)


def single_fields(conversation: Conversation, turn: int) -> dict[str, str]:
    """The places of a prompt that shows one system's answers, for a turn (from 0)."""
    if turn == 0:
        return {"question": conversation.questions[0], "answer": conversation.answers[0]}
    return numbered("question", conversation.questions) | numbered("answer", conversation.answers)


def pair_fields(first: Conversation, second: Conversation, turn: int) -> dict[str, str]:
    """The places of a prompt that shows two systems' answers, the first as A, for a turn."""
    if turn == 0:
        question, answers = first.questions[0], (first.answers[0], second.answers[0])
        return {
            **{"question": question, "answer_a": answers[0], "answer_b": answers[1]},
            **{"instruction": question, "output_1": answers[0], "output_2": answers[1]},
        }
    fields = numbered("answer_a", first.answers) | numbered("answer_b", second.answers)
    return numbered("question", first.questions) | fields


def numbered(name: str, texts: tuple[str, ...]) -> dict[str, str]:
    """The places of what there is one of at each turn: ``ref_answer_1``, ``ref_answer_2``."""
    return {f"{name}_{turn}": text for turn, text in enumerate(texts, start=1)}
