"""Plain fine-tuning, then unlikelihood of the reference where another language is asked for.

LAIT, language-aware instruction tuning (Zan et al. 2024, 2403.14399, section 3), against answers in
the wrong language: the last steps make the reference unlikely where the instruction asks for
another direction.

First maximum likelihood on (x, y); then, for 100 steps, L_MLE + alpha L_UL, where L_UL is the
unlikelihood loss -log(1 - p) (Welleck et al. 2020, 1908.04319) of the tokens of y, its end of turn
among them, behind an instruction that asks for a wrong direction. alpha is .05.

Deviations and choices:

- Here the second stage is the last steps of one training. The paper's is a training of its own, at
  a tenth of the learning rate and with batches of 8 after batches of 128: that is a ``lait`` of 100
  steps with ``sft`` as the ``chain`` before it.
- The paper draws the wrong instruction from those of other examples. Here the request is the pair's
  own with another target language, drawn from the languages of the corpus's pairs; where they have
  only the pair's two, it asks for the language the source is in already.
- L_UL is the mean over all such tokens of a step, as L_MLE is over its own; in the paper's code
  both are means over an example first. A step has as many wrong requests as right ones, as there.
- 1 - p is bounded at 1e-6 from below; 1e-9 there.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import ClassVar, Literal

from pydantic import Field

from harness.data.segments import pair_prompt, prompt_segment
from harness.errors import ConfigError
from harness.protocols import Sources
from harness.records import JSON, Example, ExampleSet, Pair, Role, Segment
from harness.seeds import stream
from harness.variants.shared.method import NO_TEXT, Method


class Lait(Method):
    """Trains on (x, y), and against y where another language was asked for."""

    name: Literal["lait"] = "lait"

    unlikelihood_weight: float = Field(
        0.05, ge=0.0, le=1000.0, allow_inf_nan=False, json_schema_extra=NO_TEXT
    )
    """alpha, the weight of the unlikelihood loss beside a loss of weight 1; 0 is plain
    fine-tuning."""

    last_steps: int = Field(100, ge=1, json_schema_extra=NO_TEXT)
    """In how many last steps there is one; a training of fewer steps has it throughout."""

    neutral: ClassVar[Mapping[str, JSON]] = {"unlikelihood_weight": 0.0}

    @property
    def weights(self) -> Mapping[Role, float]:
        """1 on the translation, alpha on the unlikelihood of the unwanted one."""
        return {Role.TRANSLATION: 1.0, Role.UNWANTED: self.unlikelihood_weight}

    @property
    def late(self) -> Mapping[Role, int]:
        """The unwanted ones come last."""
        return {Role.UNWANTED: self.last_steps}

    def examples(self, sources: Sources) -> ExampleSet:
        """Those of plain fine-tuning, and as many with the wrong request.

        Raises:
            ConfigError: The request does not name the target language.
        """
        pairs = sources.corpora.parallel
        asked = list(zip(pairs, _wrong_languages(pairs, sources.seed), strict=True))
        wrong = tuple(_unwanted(sources, pair, language) for pair, language in asked)
        in_source = [language == pair.source_lang for pair, language in asked]
        return ExampleSet(
            super().examples(sources).examples + wrong,
            {"unwanted_examples": len(wrong), "asked_for_source_language": fmean(in_source)},
            tuple(
                {"id": pair.id, "source": pair.source, "unwanted": pair.target, "asked": language}
                for pair, language in asked
            ),
        )


def _wrong_languages(pairs: Sequence[Pair], seed: int) -> list[str]:
    """For each pair another target language; its source's own only where there is no third."""
    tags = sorted({tag for pair in pairs for tag in (pair.source_lang, pair.target_lang)})
    draw = stream(seed, "lait/language")
    return [
        draw.choice(
            [tag for tag in tags if tag not in (pair.source_lang, pair.target_lang)]
            or [pair.source_lang]
        )
        for pair in pairs
    ]


def _unwanted(sources: Sources, pair: Pair, language: str) -> Example:
    """The request for another language, and the reference to become unlikely behind it."""
    messages = sources.prompt.messages(pair.source, pair.source_lang, language)
    request = prompt_segment(sources.base.tokenizer, messages)
    if request.text == pair_prompt(sources, pair).text:
        raise ConfigError(
            "data.prompt: does not tell one target language from another, and lait asks for a "
            "wrong one",
            "name the language in it: {target_lang}",
        )
    answer = Segment(Role.UNWANTED, pair.target, ends_turn=True)
    return Example(f"{pair.id}/unwanted", (request, answer))


VARIANT = Lait
