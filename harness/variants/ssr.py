"""Self-synthesised rehearsal: the untuned model invents the instructions it is to remember.

Huang et al. 2024, "Mitigating Catastrophic Forgetting in Large Language Models with
Self-Synthesized Rehearsal", arXiv 2403.01244, section 3. Given a few exchanges as an example, the
model writes further instructions; it answers them itself; a varied selection is learnt beside the
task. Some twenty real chats are all it needs.

1. Of ``num_demonstrations`` real chats ``shots`` are drawn for a prompt: the exchanges, then the
   start of another turn of the user. The model's continuations, sampled, are the instructions.
2. Near copies (of one another or of a demonstration) are dropped, the others clustered, and
   ``num_kept`` kept: of each cluster its share, those nearest to its centroid.
3. The model answers them anew, greedily. Empty and unfinished answers are dropped.

Deviations and choices:

- The paper writes the examples as "Input: ... Output: ..." in one prompt; here they are turns.
- It clusters sentence embeddings (SimCSE); here TF-IDF of character n-grams, which needs no further
  model. K 20 and 200 kept are the paper's.
- The latest model answers there; with one stage of training that is the untuned model.
- The paper samples with top-p .6 at temperature .9; here the temperature alone.
- ``num_candidates`` is ours: the paper's code asks three times for each of the 380 ordered pairs
  of twenty, per task.
- Selecting before answering is what the paper's code recommends; it saves answers.
- ``reply_weight`` is swept here; 1 is the paper.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from harness.errors import DataError
from harness.protocols import Sources
from harness.records import Decoding, ExampleSet, Instruction, Message, TokenIds
from harness.seeds import stream, stream_seed
from harness.variants.shared.replies import (
    Answered,
    Rehearsing,
    beside_the_task,
    chats,
    fallbacks,
    nested,
    num_extras,
)
from harness.variants.shared.turns import user_turns


class Ssr(Rehearsing):
    """Trains on the pairs and on instructions the untuned model made up and answered."""

    name: Literal["ssr"] = "ssr"

    writes: ClassVar[bool] = True

    ratio: float = Field(1.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Synthetic chats per sentence pair, at most `num_kept`; a smaller ratio's chats are contained
    in a larger one's."""

    num_demonstrations: int = Field(20, ge=1)
    """Real chats (one question, one answer) to show examples from, at most as many as there are."""

    shots: int = Field(2, ge=1, le=8)
    """Exchanges shown before an instruction is written."""

    num_candidates: int = Field(1000, ge=1, le=10000)
    """Instructions asked for."""

    num_clusters: int = Field(20, ge=1)
    """Clusters (K)."""

    num_kept: int = Field(200, ge=1)
    """Instructions kept of all clusters together."""

    max_similarity: float = Field(0.95, ge=0.0, le=1.0)
    """Cosine from which an instruction counts as a near copy of an earlier one."""

    temperature: float = Field(0.9, gt=0.0, allow_inf_nan=False)
    """For the instructions; the answers are greedy."""

    max_instruction_tokens: int = Field(128, ge=1)
    """Tokens of an instruction at most; longer ones are dropped."""

    max_new_tokens: int = Field(256, ge=1)
    """Tokens of an answer at most; longer ones are dropped."""

    @model_validator(mode="after")
    def _enough_to_show(self) -> "Ssr":
        if self.shots > self.num_demonstrations:
            raise ValueError(
                f"shots: found {self.shots}, allowed at most num_demonstrations "
                f"({self.num_demonstrations})"
            )
        return self

    def examples(self, sources: Sources) -> ExampleSet:
        """What ``sft`` trains on, then the synthetic chats.

        Raises:
            DataError: There are fewer chats of one question and its answer than ``shots``.
        """
        if not self.ratio:
            return beside_the_task(sources, (), {})
        from harness.variants.shared import diversity  # loads scikit-learn, which parsing must not

        shown = self._demonstrations(sources)
        written, rejected = self._instructions(sources, shown)
        chosen, rejected["instruction_copy"] = diversity.varied(
            written,
            [question.content for question, _ in shown],
            max_similarity=self.max_similarity,
            num_kept=self.num_kept,
            num_clusters=self.num_clusters,
            seed=stream_seed(sources.seed, "ssr/clusters"),
        )
        kept = [
            Instruction(f"synthetic-{number:05d}", (Message("user", written[index]),))
            for number, index in enumerate(chosen)
        ]
        drawn = nested(kept, num_extras(self.ratio, sources), sources.seed, "ssr/drawn")
        answered = Answered(sources, drawn, self.max_new_tokens)
        facts = {
            "synthesised": float(self.num_candidates),
            "selected": float(len(kept)),
            **fallbacks({**rejected, **answered.dropped}, self.num_candidates),
        }
        return beside_the_task(sources, answered.examples, facts, answered.table)

    def _demonstrations(self, sources: Sources) -> list[tuple[Message, Message]]:
        """The exchanges shown, drawn with the run's seed."""
        exchanges = [
            (chat.messages[0], Message("assistant", chat.answer))
            for chat in chats(sources, self.name)
            if chat.answer is not None and len(chat.messages) == 1
        ]
        if len(exchanges) < self.shots:
            raise DataError(
                f"data.instructions: {len(exchanges)} chats of one question and its answer, and "
                f"the variant {self.name} shows {self.shots} at once",
                "Name a file with more of them, or set variant.shots.",
            )
        return nested(exchanges, self.num_demonstrations, sources.seed, "ssr/demonstrations")

    def _instructions(
        self, sources: Sources, shown: Sequence[tuple[Message, Message]]
    ) -> tuple[list[str], dict[str, int]]:
        """What the model wrote as the user, and how much of it was of no use, by reason."""
        seed = stream_seed(sources.seed, "ssr/sample")
        decoding = Decoding(self.max_instruction_tokens, self.temperature, seed)
        generations = sources.base.generate(self._prompts(sources, shown), decoding)
        turns = user_turns(sources.base.tokenizer, generations)
        rejected = {
            "instruction_unfinished": sum(not turn.finished for turn in turns),
            "instruction_empty": sum(turn.finished and not turn.text for turn in turns),
        }
        return [turn.text for turn in turns if turn.finished and turn.text], rejected

    def _prompts(
        self, sources: Sources, shown: Sequence[tuple[Message, Message]]
    ) -> list[TokenIds]:
        """One prompt per candidate: exchanges in an order drawn, then the start of a turn."""
        rng = stream(sources.seed, "ssr/shots")
        choices = (rng.sample(shown, self.shots) for _ in range(self.num_candidates))
        return [
            sources.base.tokenizer.encode_user_turn(
                [turn for exchange in choice for turn in exchange]
            )
            for choice in choices
        ]


VARIANT = Ssr
