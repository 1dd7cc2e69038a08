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

from collections.abc import Mapping
from typing import Literal

from pydantic import model_validator

from harness.protocols import Sources
from harness.records import ExampleSet, Role
from harness.variants.shared.replies import (
    Rehearsing,
    answered,
    beside_the_task,
    chats,
    nested,
    num_extras,
    own_replies,
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
        pool = answered(chats(sources, self.name), self.name)
        drawn = nested(pool, num_extras(self.ratio, sources), sources.seed, "replay/drawn")
        extras = own_replies(sources, drawn)
        silent = len(sources.corpora.instructions) - len(pool)
        mixed = beside_the_task(sources, extras, {"chats_without_answer": float(silent)})
        return ExampleSet(extras, mixed.facts) if self.only_replies else mixed


VARIANT = Replay
