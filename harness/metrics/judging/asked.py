"""What a judge is asked, what it says, and the file in which that is to be read."""

from dataclasses import dataclass

from harness.metrics.judging.prompts import JudgePrompt
from harness.protocols import Judgement
from harness.records import JSON, Message

JUDGEMENTS = "judgements.jsonl"
"""File beside a score in which all that the judge said is to be read."""


@dataclass(frozen=True, slots=True)
class JudgeQuestion:
    """One thing a judge is asked, once per repeat.

    Attributes:
        item: Id of the prediction.
        turn: Whose answer is judged, from 0.
        prompt: The published prompt.
        messages: That prompt, filled in.
        ours_first: Of two answers, whether that of the prediction is shown first; None of one.
    """

    item: str
    turn: int
    prompt: JudgePrompt
    messages: tuple[Message, ...]
    ours_first: bool | None = None


@dataclass(frozen=True, slots=True)
class JudgeVerdict:
    """What a judgement of a question says; ``value`` is None where it says nothing of use."""

    question: JudgeQuestion
    repeat: int
    judgement: Judgement
    value: float | None


def readable(verdict: JudgeVerdict) -> dict[str, JSON]:
    """A judgement for a person to read."""
    question = verdict.question
    first = "this system" if question.ours_first else "the other"
    return {
        "id": question.item,
        "turn": question.turn + 1,
        **({} if question.ours_first is None else {"shown_first": first}),
        "repeat": verdict.repeat + 1,
        "prompt": question.prompt.name,
        "judge": verdict.judgement.model,
        "verdict": verdict.value,
        "judgement": verdict.judgement.text,
    }
