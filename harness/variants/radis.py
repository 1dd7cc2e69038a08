"""RaDis, rationale distillation: the model writes a rationale behind each reference translation.

Wu et al., "RaDis", Findings of ACL 2025, arXiv 2410.13944. The base model theta_0 is given the
chat prompt for x with the reference y as the beginning of its answer and continues; the
continuation is the rationale r. Training target is CONCAT(y, r) with plain cross-entropy, which
decomposes into the translation loss on y and a self-distillation loss on r.

Deviations and choices where the paper is silent, all options, all logged:

- ``rationale_weight`` on the second term is swept here; 1 is the paper.
- Decoding is greedy with at most ``max_rationale_tokens`` new tokens.
- Nothing is forced between y and r (``separator``).
- The end-of-turn token follows r only where theta_0 emitted it: a rationale cut at the limit gets
  none (it would teach truncation). It follows y where r is empty.
- ``fraction``, ``shuffle``, ``order``, ``teacher`` and ``refresh_steps`` are the controls the
  paper's reviewers asked for. A teacher's rationale keeps its token ids where its vocabulary is the
  student's, and is tokenised again elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from harness.data.segments import pair_messages, pair_prompt
from harness.models.teachers import TeacherField
from harness.protocols import Generator, Sources, Tokenizer
from harness.records import JSON, Decoding, Example, ExampleSet, Pair, Role, Segment, TokenIds
from harness.seeds import stream_seed
from harness.variants.shared.method import NO_TEXT, Method
from harness.variants.shared.rationales import (
    NONE,
    PARAGRAPH,
    Rationale,
    continued,
    facts,
    rotate,
    row,
)
from harness.variants.shared.replies import nested
from harness.variants.shared.written import teachers_of, writer_in


class Radis(Method):
    """Trains on the reference and the base model's own rationale behind it."""

    name: Literal["radis"] = "radis"

    writes: ClassVar[bool] = True

    rationale_weight: float = Field(
        1.0, ge=0.0, le=1000.0, allow_inf_nan=False, json_schema_extra=NO_TEXT
    )
    """Weight w of the loss on the rationale; 1 is the paper, 0 plain fine-tuning. Under
    ``train.normalise: tokens`` it sets the mix of the two losses, not the size of their sum."""

    max_rationale_tokens: int = Field(256, ge=1)
    """New tokens at most; a rationale cut here is trained on without an end of turn."""

    temperature: float = Field(0.0, ge=0.0, allow_inf_nan=False)
    """0 is greedy."""

    separator: str = ""
    """Text put behind the reference before the model continues; it counts as rationale."""

    empty: Literal["keep", "resample", "prime"] = "keep"
    """What to do when the model has nothing to add: train on the reference alone, sample once more
    at ``resample_temperature``, or continue once more behind a blank line."""

    resample_temperature: float = Field(0.7, gt=0.0, allow_inf_nan=False)
    """For ``empty: resample``."""

    fraction: float = Field(1.0, ge=0.0, le=1.0)
    """Share of the pairs that get a rationale; a smaller share is contained in a larger one."""

    shuffle: bool = False
    """Control: every rationale behind another pair's reference."""

    order: Literal["after", "before"] = "after"
    """Control: ``before`` trains on the rationale first, the translation in the last paragraph;
    translation benchmarks must then extract that paragraph (a ``regex`` rule)."""

    teacher: TeacherField | None = Field(None, json_schema_extra=NO_TEXT)
    """Control: another model that writes the rationales, a larger one of the family for example, in
    a folder (`{path: FOLDER}`) or behind a server (`{server: {url: URL, model: NAME}}`, which has
    to continue an answer that is begun: see `docs/servers.md`)."""

    refresh_steps: int | None = Field(None, ge=1, json_schema_extra=NO_TEXT)
    """Control: after so many steps, and again after as many, the model in training writes the
    rationales of the steps to come; None keeps those of the untuned model."""

    neutral: ClassVar[Mapping[str, JSON]] = {"rationale_weight": 0.0}

    @model_validator(mode="after")
    def _one_writer(self) -> "Radis":
        if self.teacher is not None and self.refresh_steps is not None:
            raise ValueError("refresh_steps has the student write, teacher another: allowed one")
        return self

    @property
    def weights(self) -> Mapping[Role, float]:
        """1 on the translation, w on the rationale."""
        return {Role.TRANSLATION: 1.0, Role.RATIONALE: self.rationale_weight}

    @property
    def teachers(self) -> Mapping[str, Mapping[str, JSON]]:
        """The one that writes the rationales, unless it is the untuned model."""
        return teachers_of(self.teacher)

    @property
    def renew_every(self) -> int | None:
        """Steps between two refreshments."""
        return self.refresh_steps

    def examples(self, sources: Sources) -> ExampleSet:
        """One example per pair: prompt, reference, rationale (in the order asked for)."""
        pairs = sources.corpora.parallel
        prompts = [pair_prompt(sources, pair) for pair in pairs]
        number = round(self.fraction * len(pairs))
        chosen = nested(range(len(pairs)), number, sources.seed, "radis/fraction")
        rationales = dict.fromkeys(range(len(pairs)), NONE)
        rationales |= zip(chosen, self._rationales(sources, pairs, prompts, chosen), strict=True)
        if self.shuffle:
            moved = rotate(chosen, sources.seed)
            rationales |= {index: rationales[origin] for index, origin in moved}
        examples = tuple(
            Example(
                pair.id,
                self._segments(sources.base.tokenizer, prompt, pair, rationales[index]),
                pair.id,
            )
            for index, (pair, prompt) in enumerate(zip(pairs, prompts, strict=True))
        )
        return ExampleSet(
            examples,
            facts(sources, rationales, chosen),
            tuple(row(pairs[index], rationales[index]) for index in chosen),
        )

    def _rationales(
        self,
        sources: Sources,
        pairs: Sequence[Pair],
        prompts: Sequence[Segment],
        chosen: Sequence[int],
    ) -> list[Rationale]:
        writer = writer_in(sources, self.teacher)
        starts = [
            _asked(sources, writer, pairs[i], prompts[i])
            + writer.tokenizer.encode_answer(pairs[i].target)
            for i in chosen
        ]
        plain = self._decoding(self.temperature, sources.seed, "radis/sample")
        rationales = continued(sources, writer, starts, self.separator, plain)
        empty = [index for index, rationale in enumerate(rationales) if not rationale.text]
        if empty and self.empty != "keep":
            warmer = self.resample_temperature if self.empty == "resample" else self.temperature
            again = self._decoding(warmer, sources.seed, "radis/resample")
            separator = self.separator if self.empty == "resample" else PARAGRAPH
            retried = [starts[index] for index in empty]
            second = continued(sources, writer, retried, separator, again)
            for index, rationale in zip(empty, second, strict=True):
                rationales[index] = replace(rationale, retried=True)
        return rationales

    def _decoding(self, temperature: float, seed: int, name: str) -> Decoding:
        # Greedy text has no seed: all seeds of a trial share it.
        drawn = stream_seed(seed, name) if temperature > 0 else 0
        return Decoding(self.max_rationale_tokens, temperature, drawn)

    def _segments(
        self, tokenizer: Tokenizer, prompt: Segment, pair: Pair, rationale: Rationale
    ) -> tuple[Segment, ...]:
        if not rationale.text:
            return prompt, Segment(Role.TRANSLATION, pair.target, ends_turn=True)
        if self.order == "after":
            return (
                prompt,
                Segment(Role.TRANSLATION, pair.target),
                Segment(
                    Role.RATIONALE,
                    rationale.text,
                    rationale.token_ids,
                    ends_turn=rationale.ends_turn,
                ),
            )
        # The turn ends with the translation now, so r gives up its end token and nothing else.
        has_end = rationale.finished and not rationale.ends_turn
        token_ids = tokenizer.without_end(rationale.token_ids) if has_end else rationale.token_ids
        return (
            prompt,
            Segment(Role.RATIONALE, rationale.text, token_ids),
            Segment(Role.TRANSLATION, f"{PARAGRAPH}{pair.target}", ends_turn=True),
        )


def _asked(sources: Sources, writer: Generator, pair: Pair, prompt: Segment) -> TokenIds:
    """The request for a translation as the writer's own chat template has it."""
    if writer is sources.base:
        return prompt.token_ids or ()
    return writer.tokenizer.encode_chat(pair_messages(sources, pair))


VARIANT = Radis
