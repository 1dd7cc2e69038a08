"""Supervised tuning on chats: cross-entropy on the answers of `data.instructions`, prompts masked.

For those who tune in stages, as refusals into a base first and translation onto that: it needs no
sentence pairs, so `data.train` may be left out, and where it is given for other methods none of it
is trained on (`dropped_pairs` counts it). Instruction tuning as usual (Ouyang et al. 2022, arXiv
2203.02155, section 3.5, the first of their three steps).

- Of a chat of several turns only the last answer is learnt; the turns before it, the system's and
  earlier answers among them, are its prompt. To learn an earlier answer, give the chat once more,
  cut behind it.
- An answer ends as the template ends a turn, which is learnt with it.
- A step has `train.batch_size` chats, and an epoch is over when each was seen once. Chats without
  an answer are left out and counted.
- Chats as `data.validation` give a validation loss of answers; pairs there one of translations.

As a stage of `chain` it trains before or after other methods with one adapter. `replay` mixes chats
into translation instead.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.protocols import Sources
from harness.records import ExampleSet, Role
from harness.variants.shared.method import Method
from harness.variants.shared.replies import answered, chats, own_replies


class Chat(Method):
    """Trains on answered chats alone. No settings of its own."""

    name: Literal["chat"] = "chat"

    task_corpus: ClassVar[str] = "instructions"
    neutral: ClassVar[str] = "none: it is plain fine-tuning, of another task"

    @property
    def weights(self) -> Mapping[Role, float]:
        return {Role.REPLY: 1.0}

    def examples(self, sources: Sources) -> ExampleSet:
        """One example per answered chat, as it stands.

        Raises:
            DataError: There are no chats, or none with an answer.
        """
        pool = chats(sources, self.name)
        chosen = answered(pool, self.name)
        facts = {
            "chats_without_answer": float(len(pool) - len(chosen)),
            "dropped_pairs": float(len(sources.corpora.parallel)),
        }
        return ExampleSet(own_replies(sources, chosen), facts)


VARIANT = Chat
