"""Experience replay: real general chats with their answers, mixed into the sentence pairs.

The oldest remedy against forgetting (Robins 1995, "Catastrophic forgetting, rehearsal and
pseudorehearsal"; for instruction-tuned language models Scialom et al. 2022, arXiv 2205.12393, who
keep 1 % of the earlier data). It needs data of the kind the model was tuned on, which the makers of
most chat models do not publish: the methods beside it do without.

Choices, all options:

- ``ratio`` chats per sentence pair, drawn once with the run's seed. The default is this project's.
- ``reply_weight`` on the loss of the answers is swept here; 1 is plain mixing.
- ``only_replies`` leaves the pairs out: what comes of it is an adapter of general ability, to be
  merged with one that translates.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import model_validator

from harness.errors import DataError
from harness.protocols import Sources
from harness.records import ExampleSet, Instruction, Role, Segment
from harness.variants.shared.replies import (
    Rehearsing,
    beside_the_task,
    chats,
    nested,
    num_extras,
    reply,
)


class Replay(Rehearsing):
    """Trains on the pairs and on answered general chats."""

    name: Literal["replay"] = "replay"

    only_replies: bool = False
    """Train on the chats alone; `ratio` still counts the pairs."""

    @model_validator(mode="after")
    def _something_to_learn(self) -> "Replay":
        if self.only_replies and not (self.ratio and self.reply_weight):
            raise ValueError("only_replies leaves nothing to learn at ratio 0 or reply_weight 0")
        return self

    @property
    def weights(self) -> Mapping[Role, float]:
        """1 on the translation, w on the replies."""
        return {Role.REPLY: self.reply_weight} if self.only_replies else super().weights

    def examples(self, sources: Sources) -> ExampleSet:
        """What ``sft`` trains on, then the chats drawn.

        Raises:
            DataError: There are no chats, or none with an answer.
        """
        if not self.ratio:
            return beside_the_task(sources, (), {})
        pool = _with_answers(chats(sources, self.name))
        drawn = nested(pool, num_extras(self.ratio, sources), sources.seed, "replay/drawn")
        extras = tuple(
            reply(sources, chat, Segment(Role.REPLY, answer, ends_turn=True))
            for chat, answer in drawn
        )
        silent = len(sources.corpora.instructions) - len(pool)
        mixed = beside_the_task(sources, extras, {"chats_without_answer": float(silent)})
        return ExampleSet(extras, mixed.facts) if self.only_replies else mixed


def _with_answers(pool: Sequence[Instruction]) -> list[tuple[Instruction, str]]:
    answered = [(chat, chat.answer) for chat in pool if chat.answer is not None]
    if not answered:
        raise DataError(
            f"data.instructions: none of {len(pool)} chats has an answer, and the variant replay "
            "trains on the answers",
            "Give them answers, or use recovery_kd, for which the untuned model answers.",
        )
    return answered


VARIANT = Replay
