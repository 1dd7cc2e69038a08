"""Context-free synthetic data: what the untuned model says of itself, given nothing to go on.

Bansal & Sanghavi 2025, "Context-Free Synthetic Data Mitigates Forgetting", arXiv 2505.13811.
Learning texts sampled from it beside the task is a penalty on KL(theta_0 to theta), estimated
without any data.

A text sampled from the model given no context has, under the model in training, an expected loss
that is this divergence up to a constant. ``text_weight`` is its strength (lambda).

Deviations and choices:

- The paper starts from the token that begins a text (``start: text``). Chat models are seldom left
  alone like that; ``start: user_turn``, the default, gives them the start of a user's turn.
- Such a turn ends with the token that ends generation, where the paper's text would go on. So
  ``answers`` has the model answer what it wrote, sampled too: the conversation is the sample. The
  tokens between the turns carry no loss, as they do anywhere else.
- Temperature 1, as the estimate asks for; equal samples stay in for the same reason.
- A text cut at ``max_new_tokens`` is learnt as far as it goes and teaches no end. Empty ones are
  left out and counted.
- ``ratio`` and ``text_weight`` have defaults of this project.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import ClassVar, Literal

from pydantic import Field

from harness.data.segments import prompt_segment
from harness.protocols import Sources
from harness.records import (
    JSON,
    Decoding,
    Example,
    ExampleSet,
    Generation,
    Message,
    Role,
    Segment,
    TokenIds,
)
from harness.seeds import stream_seed
from harness.variants.shared.method import NO_TEXT, Method
from harness.variants.shared.replies import beside_the_task, fallbacks, num_extras
from harness.variants.shared.turns import user_turns


class Cfs(Method):
    """Trains on the pairs and on text the untuned model makes up from nothing."""

    name: Literal["cfs"] = "cfs"

    writes: ClassVar[bool] = True

    ratio: float = Field(0.25, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Samples per sentence pair; with `answers` each gives two examples. A smaller ratio's samples
    are contained in a larger one's."""

    text_weight: float = Field(
        1.0, ge=0.0, le=1000.0, allow_inf_nan=False, json_schema_extra=NO_TEXT
    )
    """Weight of the loss on the samples; the loss on the translations has weight 1."""

    start: Literal["user_turn", "text"] = "user_turn"
    """What the model is given: the start of a turn of the user, or the token a text begins with."""

    answers: bool = True
    """Have the model answer the turns it wrote, and learn its answers too."""

    temperature: float = Field(1.0, gt=0.0, allow_inf_nan=False)
    """1 samples from the model as it is; less makes likely text likelier."""

    max_new_tokens: int = Field(128, ge=1)
    """Tokens of a sample, and of an answer, at most."""

    neutral: ClassVar[Mapping[str, JSON]] = {"ratio": 0.0}

    @property
    def weights(self) -> Mapping[Role, float]:
        """1 on the translation, w on all that was sampled."""
        sampled = dict.fromkeys((Role.TEXT, Role.REPLY), self.text_weight)
        return {Role.TRANSLATION: 1.0, **sampled}

    def examples(self, sources: Sources) -> ExampleSet:
        """What ``sft`` trains on, then the samples, then the answers to those that ask."""
        count = num_extras(self.ratio, sources)
        if not count:
            return beside_the_task(sources, (), {})
        start = self._start(sources)
        prompt = Segment(Role.PROMPT, sources.base.tokenizer.decode(start), start)
        sampled = self._sampled(sources, [start] * count, "samples")
        texts = [
            Example(f"text/{index:05d}", (prompt, Segment(Role.TEXT, drawn.text, drawn.token_ids)))
            for index, drawn in enumerate(sampled)
            if drawn.text.strip()
        ]
        questions = self._asked(sources, sampled)
        answers = self._sampled(
            sources,
            [sources.base.tokenizer.encode_chat(chat) for chat in questions.values()],
            "answers",
        )
        replied = dict(zip(questions, answers, strict=True))
        replies = [
            Example(
                f"reply/{index:05d}",
                (
                    prompt_segment(sources.base.tokenizer, questions[index]),
                    Segment(Role.REPLY, answer.text, answer.token_ids),
                ),
            )
            for index, answer in replied.items()
            if answer.text.strip()
        ]
        generated = [*sampled, *answers]
        facts = {
            "samples": float(count),
            "sample_mean_tokens": fmean(len(one.token_ids) for one in generated),
            "sample_cut_rate": fmean(not one.finished for one in generated),
            **fallbacks({"empty": len(generated) - len(texts) - len(replies)}, len(generated)),
        }
        table = [_row(index, one, replied.get(index)) for index, one in enumerate(sampled)]
        return beside_the_task(sources, (*texts, *replies), facts, table)

    def _start(self, sources: Sources) -> TokenIds:
        if self.start == "text":
            return sources.base.tokenizer.encode_start()
        return sources.base.tokenizer.encode_user_turn(())

    def _sampled(
        self, sources: Sources, prompts: Sequence[TokenIds], what: str
    ) -> list[Generation]:
        seed = stream_seed(sources.seed, f"cfs/{what}")
        decoding = Decoding(self.max_new_tokens, self.temperature, seed)
        return sources.base.generate(prompts, decoding) if prompts else []

    def _asked(
        self, sources: Sources, sampled: Sequence[Generation]
    ) -> dict[int, tuple[Message, ...]]:
        """The samples that are a whole turn of the user and nothing more, by number."""
        if self.start == "text" or not self.answers:
            return {}
        turns = user_turns(sources.base.tokenizer, sampled)
        return {
            index: (Message("user", turn.text),)
            for index, (turn, sample) in enumerate(zip(turns, sampled, strict=True))
            if turn.text and sample.finished and turn.text == sample.text.strip()
        }


def _row(index: int, sample: Generation, answer: Generation | None) -> dict[str, JSON]:
    kept = bool(sample.text.strip())
    return {
        "id": f"text/{index:05d}",
        "text": sample.text,
        "reply": None if answer is None else answer.text,
        "kept": kept,
        "reason": None if kept else "empty",
    }


VARIANT = Cfs
