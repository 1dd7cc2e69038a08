"""Recovery distillation: general chats answered by the untuned model, mixed into the pairs.

Geng et al. 2024, "Why Not Transform Chat Large Language Models to Non-English?", arXiv 2405.13923,
section on recovery knowledge distillation: the chat model answers instructions itself before it is
tuned, and learns its own answers again beside the new task.

Unlike ``replay`` it needs no answers, only questions, and what it rehearses is what this model
would have said.

Deviations and choices:

- The paper's answers go behind a tag (``<RESPONSE>``) that its other data share: here the answer
  alone. ``transllm`` has the tags.
- Answers are greedy, at most ``max_new_tokens`` long; an unfinished one would teach to stop
  mid-sentence, so it is dropped and counted, as an empty one is.
- ``ratio`` and ``reply_weight`` are swept here; weight 1 is the paper. The default ratio is this
  project's.
"""

from typing import ClassVar, Literal

from pydantic import Field

from harness.protocols import Sources
from harness.records import ExampleSet
from harness.variants.shared.replies import (
    Answered,
    Rehearsing,
    beside_the_task,
    chats,
    nested,
    num_extras,
)


class RecoveryKd(Rehearsing):
    """Trains on the pairs and on general chats as the untuned model answers them."""

    name: Literal["recovery_kd"] = "recovery_kd"

    writes: ClassVar[bool] = True

    max_new_tokens: int = Field(256, ge=1)
    """Tokens of an answer at most; longer ones are dropped."""

    def examples(self, sources: Sources) -> ExampleSet:
        """What ``sft`` trains on, then the chats drawn with the untuned model's answers.

        Raises:
            DataError: There are no chats.
        """
        if not self.ratio:
            return beside_the_task(sources, (), {})
        drawn = nested(
            chats(sources, self.name),
            num_extras(self.ratio, sources),
            sources.seed,
            "recovery_kd/drawn",
        )
        answered = Answered(sources, drawn, self.max_new_tokens)
        return beside_the_task(sources, answered.examples, answered.facts, answered.table)


VARIANT = RecoveryKd
