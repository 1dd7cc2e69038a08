"""TransLLM: an English chat model learns another language by translating to English and back.

Geng et al., "Why Not Transform Chat Large Language Models to Non-English?", arXiv 2405.13923, code
Apache-2.0. The model learns in three stages: text in the language, translation, and then, beside
its own answers, to answer a question by translating it, answering in English and translating back.

1. ``text``, target-language pre-training: plain text in the language to be learnt.
2. ``parallel``, translation pre-training: sentence pairs beside text in the pivot (English).
3. ``transfer``, fine-tuning on three sources mixed. *Recovery*: chats in the pivot answered by the
   untuned model itself, ``<RESPONSE> answer``, so that it keeps what it knew, refusals among it.
   *Chains* (TCOT): a question in the language to be learnt, answered by ``<EN> question in English
   <RESPONSE> answer in English <DE> answer``. *Translations* as plain requests.

Each goes on with the adapter of the one before. The trial's own training is ``transfer``; the
others are its default chain, which ``chain: []`` leaves out. The paper's stage 0, tokens added for
the language, is ``lora.vocabulary``. Missing tags are forced (``evaluation.answering.tags``).

The paper's code, to be set as ``lora`` and ``train``: rank 64, alpha 128, dropout .05 on all seven
projections, ``embeddings: true`` (head too); cosine, learning rates 2e-4, 2e-4, 1e-4, warm-up .05,
.05, .01 of the steps; loss on the answer only. Where it is silent, or this differs:

- All weights are 1. Texts are not packed into blocks: each is an example, ended as a turn is.
- A pair of ``parallel`` is plain text, source above target; ``pairs_as: request`` asks for the
  translation as ``transfer`` does.
- Ratios count the sentence pairs; the paper gives none.
- The pivot's answer in a chain is the corpus's; the untuned model's own where that has none.
- Answers of the untuned model that are empty or unfinished are left out and counted.
- Without ``tags`` answers are learnt plainly and chains are left out: the control.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from harness.languages.tags import LanguageTag
from harness.models.answering.tags import Wording, check_language_tag
from harness.protocols import Sources
from harness.records import JSON, ExampleSet, Role
from harness.variants.shared.method import NO_TEXT, Method
from harness.variants.shared.replies import chats, nested, num_extras
from harness.variants.shared.transllm import (
    Transfer,
    plain_text,
    questions_in,
    target_languages,
    text_pair,
    texts_in,
)


class Transllm(Method):
    """One stage of TransLLM, and by default those before it."""

    name: Literal["transllm"] = "transllm"

    stage: Literal["text", "parallel", "transfer"] = "transfer"
    """Which training this is."""

    language: LanguageTag | None = None
    """The language to be learnt; None for that of `data.questions`."""

    pivot: LanguageTag = "en"
    """The language the model knows."""

    tags: bool = True
    """Whether answers are tagged, and questions answered by a chain."""

    language_tag: str = "<{language}>"
    """Wording of a language's tag."""

    response_tag: str = Field("<RESPONSE>", pattern=r"\S")
    """Wording of the tag before an answer in the pivot."""

    recovery_ratio: float = Field(1.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Chats of `data.instructions` per sentence pair in `transfer`, at most as many as there are;
    a smaller ratio's are contained in a larger one's."""

    question_ratio: float = Field(1.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Questions of `data.questions` per sentence pair in `transfer`, likewise."""

    pair_fraction: float = Field(1.0, ge=0.0, le=1.0)
    """Share of the sentence pairs that `transfer` trains on; the ratios count all of them."""

    pivot_ratio: float = Field(1.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Texts in the pivot per sentence pair in `parallel`, at most as many as there are."""

    pairs_as: Literal["text", "request"] = "text"
    """What a sentence pair is in `parallel`."""

    max_answer_tokens: int = Field(256, ge=1)
    """New tokens at most of an answer of the untuned model; unfinished ones are left out."""

    text_steps: int | None = Field(None, ge=0, json_schema_extra=NO_TEXT)
    """Steps of the stage `text` in the default chain: 0 leaves it out, None for as many as the
    trial's own training has."""

    parallel_steps: int | None = Field(None, ge=0, json_schema_extra=NO_TEXT)
    """Steps of the stage `parallel` in the default chain, likewise."""

    learning_rate_ratio: float = Field(2.0, gt=0.0, allow_inf_nan=False, json_schema_extra=NO_TEXT)
    """Learning rate of the stages before `transfer` as a multiple of its own; 2 is the paper's."""

    chain_tokens: int = Field(128, ge=0, json_schema_extra=NO_TEXT)
    """New tokens that an answer to a benchmark may have before the part that is scored."""

    neutral: ClassVar[Mapping[str, JSON]] = {
        "tags": False,
        "recovery_ratio": 0.0,
        "question_ratio": 0.0,
        "text_steps": 0,
        "parallel_steps": 0,
    }

    _names_language = field_validator("language_tag")(check_language_tag)

    @property
    def weights(self) -> Mapping[Role, float]:
        return {Role.TRANSLATION: 1.0, Role.REPLY: 1.0, Role.TEXT: 1.0}

    @property
    def needs(self) -> Sequence[str]:
        if self.stage != "transfer":
            return ("monolingual",) if self.stage == "text" or self.pivot_ratio else ()
        ratios = {"instructions": self.recovery_ratio, "questions": self.question_ratio}
        return tuple(name for name, ratio in ratios.items() if ratio)

    @property
    def chain(self) -> Sequence[Mapping[str, JSON]]:
        """The stages before ``transfer``, at their own learning rate."""
        if self.stage != "transfer":
            return ()
        settings = self.plain()
        shared = ("name", "language", "pivot", "pivot_ratio", "pairs_as")
        return tuple(
            {
                "variant": {**{name: settings[name] for name in shared}, "stage": stage},
                "train": {} if steps is None else {"steps": steps},
                "learning_rate_ratio": self.learning_rate_ratio,
            }
            for stage, steps in (("text", self.text_steps), ("parallel", self.parallel_steps))
            if steps != 0
        )

    @property
    def answering(self) -> Mapping[str, JSON] | None:
        """By the chain, once it was learnt."""
        if self.stage != "transfer" or not self.tags:
            return None
        names = ("pivot", "language", "language_tag", "response_tag", "chain_tokens")
        return {"kind": "tags", **{name: getattr(self, name) for name in names}}

    def examples(self, sources: Sources) -> ExampleSet:
        """The stage's text.

        Raises:
            ConfigError: A corpus has nothing in the language wanted.
        """
        corpora = sources.corpora
        if self.stage == "parallel":
            return self._parallel(sources)
        languages = target_languages(corpora, self.language, self.pivot)
        if self.stage == "transfer":
            return self._transfer(sources, languages)
        texts = tuple(map(plain_text, texts_in(corpora, languages)))
        return ExampleSet(texts, {"dropped_pairs": float(len(corpora.parallel))})

    def _parallel(self, sources: Sources) -> ExampleSet:
        pool = texts_in(sources.corpora, {self.pivot}) if self.pivot_ratio else []
        count = num_extras(self.pivot_ratio, sources)
        texts = nested(pool, count, sources.seed, "transllm/pivot")
        pairs = tuple(map(text_pair, sources.corpora.parallel))
        examples = pairs if self.pairs_as == "text" else super().examples(sources).examples
        came_to = {"pivot_ratio": len(texts) / max(len(pairs), 1)}
        return ExampleSet((*examples, *map(plain_text, texts)), came_to)

    def _transfer(self, sources: Sources, languages: set[str]) -> ExampleSet:
        corpora, seed = sources.corpora, sources.seed
        pairs = super().examples(sources).examples
        used = nested(pairs, round(self.pair_fraction * len(pairs)), seed, "transllm/pairs")
        general = chats(sources, self.name) if self.recovery_ratio else ()
        questions = questions_in(corpora, languages, self.pivot) if self.question_ratio else ()
        transfer = Transfer(
            sources,
            Wording(self.language_tag, self.response_tag) if self.tags else None,
            nested(general, num_extras(self.recovery_ratio, sources), seed, "transllm/recovery"),
            nested(questions, num_extras(self.question_ratio, sources), seed, "transllm/questions"),
            self.max_answer_tokens,
        )
        came_to = {
            "dropped_pairs": float(len(pairs) - len(used)),
            "recovery_ratio": transfer.num_recovered / max(len(pairs), 1),
            "question_ratio": transfer.num_chains / max(len(pairs), 1),
        }
        return ExampleSet((*used, *transfer.examples), came_to | transfer.facts, transfer.table)


VARIANT = Transllm
