"""General text mixed into the task: how much of a pool, drawn how, and how it joins the pairs.

Shared by the methods that rehearse what the model could do before. All of it goes along with the
task (``pair_id`` None), so that every method with the same seed sees the same pairs in the same
steps.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, TypeVar

from pydantic import Field

from harness.data.segments import pair_example, prompt_segment
from harness.errors import DataError
from harness.protocols import Sources
from harness.records import (
    JSON,
    Decoding,
    Example,
    ExampleSet,
    Instruction,
    Role,
    Segment,
)
from harness.seeds import stream
from harness.variants.shared.method import NO_TEXT, Method

Item = TypeVar("Item")


class Rehearsing(Method):
    """A method that trains on the pairs and on general chats, so many per pair."""

    ratio: float = Field(0.25, ge=0.0, le=1000.0, allow_inf_nan=False)
    """General chats per sentence pair, at most as many as there are; a smaller ratio's chats are
    contained in a larger one's."""

    reply_weight: float = Field(
        1.0, ge=0.0, le=1000.0, allow_inf_nan=False, json_schema_extra=NO_TEXT
    )
    """Weight of the loss on the answers; the loss on the translations has weight 1."""

    neutral: ClassVar[Mapping[str, JSON]] = {"ratio": 0.0}

    @property
    def weights(self) -> Mapping[Role, float]:
        """1 on the translation, w on the replies."""
        return {Role.TRANSLATION: 1.0, Role.REPLY: self.reply_weight}

    @property
    def needs(self) -> Sequence[str]:
        """General chats; whether they need answers is the method's to say."""
        return ("instructions",) if self.ratio else ()


def nested(items: Sequence[Item], count: int, seed: int, name: str) -> list[Item]:
    """``count`` of the items (at most all), in their order, drawn from the stream ``name``.

    With the same seed a smaller draw is contained in a larger one.
    """
    order = list(range(len(items)))
    stream(seed, name).shuffle(order)
    return [items[index] for index in sorted(order[:count])]


def num_extras(ratio: float, sources: Sources) -> int:
    """How many texts a ratio asks for: so many per sentence pair."""
    return round(ratio * len(sources.corpora.parallel))


def chats(sources: Sources, name: str) -> tuple[Instruction, ...]:
    """The general chats.

    Raises:
        DataError: There are none.
    """
    if not sources.corpora.instructions:
        raise DataError(
            f"data.instructions: missing or empty, and the variant {name} draws on it",
            'Name a file of chats there: JSONL with {"id", "messages", "answer"} a line.',
        )
    return sources.corpora.instructions


def reply(sources: Sources, chat: Instruction, answer: Segment) -> Example:
    """A general chat and the answer to learn."""
    return Example(
        f"reply/{chat.id}", (prompt_segment(sources.base.tokenizer, chat.messages), answer)
    )


def own_replies(sources: Sources, asked: Iterable[Instruction]) -> tuple[Example, ...]:
    """Chats with the answers that they have themselves; those without one are left out."""
    return tuple(
        reply(sources, chat, Segment(Role.REPLY, chat.answer, ends_turn=True))
        for chat in asked
        if chat.answer is not None
    )


def answered(pool: Sequence[Instruction], name: str) -> list[Instruction]:
    """The chats that have an answer.

    Raises:
        DataError: None has.
    """
    chosen = [chat for chat in pool if chat.answer is not None]
    if not chosen:
        raise DataError(
            f"data.instructions: none of {len(pool)} chats has an answer, and the variant {name} "
            "trains on the answers",
            "Give them answers, or use recovery_kd, for which the untuned model answers.",
        )
    return chosen


class Answered:
    """Chats answered by the base model, greedily; empty and unfinished answers are dropped.

    An answer cut at the limit would teach to stop in the middle of a sentence.

    Attributes:
        examples: One per chat whose answer is kept.
        dropped: How many are not, by reason.
        facts: ``fallback_fraction``, the share dropped, and by reason ``fallback/<reason>``.
        table: A row per chat.
    """

    def __init__(self, sources: Sources, asked: Sequence[Instruction], max_new_tokens: int) -> None:
        prompts = [sources.base.tokenizer.encode_chat(chat.messages) for chat in asked]
        answers = sources.base.generate(prompts, Decoding(max_new_tokens)) if prompts else []
        self.examples: list[Example] = []
        self.table: list[dict[str, JSON]] = []
        self.dropped = dict.fromkeys(("empty", "unfinished"), 0)
        for chat, answer in zip(asked, answers, strict=True):
            reason = _fault(answer.text, answer.finished)
            if reason is None:
                segment = Segment(Role.REPLY, answer.text, answer.token_ids)
                self.examples.append(reply(sources, chat, segment))
            else:
                self.dropped[reason] += 1
            self.table.append(
                {
                    "id": chat.id,
                    "prompt": chat.messages[-1].content,
                    "reply": answer.text,
                    "kept": reason is None,
                    "reason": reason,
                }
            )
        self.facts = fallbacks(self.dropped, len(asked))


def _fault(text: str, finished: bool) -> str | None:
    if not finished:
        return "unfinished"
    return None if text.strip() else "empty"


def fallbacks(counts: Mapping[str, int], total: int) -> dict[str, float]:
    """Facts of what was not used as it was generated: shares of all, together and by reason."""
    shares = {reason: count / total if total else 0.0 for reason, count in counts.items()}
    return {"fallback_fraction": sum(counts.values()) / total if total else 0.0} | {
        f"fallback/{reason}": share for reason, share in shares.items()
    }


def beside_the_task(
    sources: Sources,
    extras: Sequence[Example],
    facts: Mapping[str, float],
    table: Sequence[Mapping[str, JSON]] = (),
) -> ExampleSet:
    """What ``sft`` trains on, and the extras; ``extra_ratio`` says how many per pair it came to."""
    pairs = [pair_example(sources, pair) for pair in sources.corpora.parallel]
    came_to = {"extra_ratio": len(extras) / len(pairs) if pairs else 0.0}
    return ExampleSet((*pairs, *extras), {**came_to, **facts}, tuple(table))
