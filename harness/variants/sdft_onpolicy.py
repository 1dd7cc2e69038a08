"""On-policy self-distillation: the student's samples, judged by itself with the reference shown.

SDFT as Shenfeld et al. 2026 name it (2601.19897, "Self-Distillation Enables Continual Learning",
section 3; another method than ``sdft``, Yang et al. 2024). The student answers a request by
sampling. The teacher, the exponential moving average of the student, reads the same answer behind a
prompt that shows it the reference as a demonstration; the student learns the teacher's distribution
there.

The loss is the mean over the answer's tokens of KL(student || teacher), over the whole vocabulary,
with gradients through the student's distribution alone and not through the sampling. No token of a
reference is learnt, so it is for models that can use a demonstration in their prompt: where the
teacher cannot, nor will the student.

Deviations and choices:

- Answers are sampled anew every ``renew_every`` steps for the pairs of these steps, so they are up
  to that many steps old; the paper samples at each step. Those of the first steps are the untuned
  model's, for all pairs: sampled once, kept, and shared by all trainings with the same seed.
- The average is over the adapter, not over all weights. It starts as the untuned model, or in a
  chain as the stage before left it. The paper takes 1 - decay from .01, .02 and .05.
- The wording follows the paper's without its request for a thinking process: a translation has
  none.
- An answer cut at ``max_new_tokens`` is learnt from as far as it goes, without an end of turn.
- Examples have the role of translations; the curve ``train/loss/translation`` is then the student's
  likelihood of its own samples, and ``train/loss`` the divergence. The validation loss is that of
  the references, as for every variant.
"""

from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from harness.data.segments import pair_messages, pair_prompt, prompt_segment
from harness.protocols import Sources
from harness.records import JSON, Decoding, Example, ExampleSet, Pair, Role, Segment
from harness.seeds import stream_seed
from harness.variants.shared.method import NO_TEXT, Method
from harness.variants.shared.written import template_of


class SdftOnpolicy(Method):
    """Trains on the student's samples, towards itself with the reference shown."""

    name: Literal["sdft_onpolicy"] = "sdft_onpolicy"

    writes: ClassVar[bool] = True

    refresh_steps: int = Field(10, ge=1, json_schema_extra=NO_TEXT)
    """Steps after which the student answers anew."""

    teacher_decay: float = Field(0.98, ge=0.0, le=1.0, json_schema_extra=NO_TEXT)
    """How much of the teacher is kept at a step: 1 is the model training begins with throughout, 0
    the student itself."""

    temperature: float = Field(1.0, gt=0.0, allow_inf_nan=False)
    """Of the student's sampling; at 1 the answers are the student's distribution."""

    max_new_tokens: int = Field(256, ge=1)
    """Most tokens of an answer."""

    demonstration: str = (
        "{request}\n\nThis is an example for a response to the question:\n{demonstration}\n\n"
        "Now answer with a response of your own."
    )
    """What the teacher reads in place of the request; {request} and {demonstration} are the
    request and the reference."""

    neutral: ClassVar[str] = (
        "none: it learns no reference token by token, so no setting makes it plain fine-tuning"
    )

    _fields = field_validator("demonstration")(template_of("request", "demonstration"))

    @property
    def penalty(self) -> Mapping[str, JSON]:
        """The divergence from the teacher, in place of the loss."""
        return {"kind": "reverse_kl", "teacher_decay": self.teacher_decay}

    @property
    def renew_every(self) -> int:
        """The student's answers are renewed."""
        return self.refresh_steps

    def examples(self, sources: Sources) -> ExampleSet:
        """One per pair: the request and the sampled answer, and what the teacher reads instead."""
        pairs = sources.corpora.parallel
        prompts = [pair_prompt(sources, pair) for pair in pairs]
        seed = stream_seed(sources.seed, "sdft_onpolicy/sample")
        decoding = Decoding(self.max_new_tokens, self.temperature, seed)
        answers = sources.base.generate([prompt.token_ids or () for prompt in prompts], decoding)
        answered = list(zip(pairs, prompts, answers, strict=True))
        examples = tuple(
            Example(
                pair.id,
                (prompt, Segment(Role.TRANSLATION, answer.text, answer.token_ids)),
                pair.id,
                self._shown(sources, pair),
            )
            for pair, prompt, answer in answered
        )
        facts = {
            "sample_cut_rate": fmean(not answer.finished for answer in answers),
            "sample_mean_tokens": fmean(len(answer.token_ids) for answer in answers),
        }
        table: tuple[Mapping[str, JSON], ...] = tuple(
            {
                "id": pair.id,
                "source": pair.source,
                "reference": pair.target,
                "sample": answer.text,
                "finished": answer.finished,
                "kept": True,
            }
            for pair, _, answer in answered
        )
        return ExampleSet(examples, facts, table)

    def _shown(self, sources: Sources, pair: Pair) -> Segment:
        *before, request = pair_messages(sources, pair)
        text = self.demonstration.format(request=request.content, demonstration=pair.target)
        return prompt_segment(sources.base.tokenizer, (*before, replace(request, content=text)))


VARIANT = SdftOnpolicy
