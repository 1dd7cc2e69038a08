"""In-context learning: the untuned model is shown a few training pairs before what it is asked.

Few-shot prompting, Brown et al. 2020, "Language Models are Few-Shot Learners", 2005.14165; for
translation Vilar et al. 2023, "Prompting PaLM for Translation", 2211.09102. Nothing is trained:
what a few pairs do in the prompt is what training on many has to beat, and it costs tokens with
every answer instead (`cost/shown_tokens`).

- The examples are drawn from the training set by the run's seed, each pair of sentences once, and
  are the same for all items of a run. A draw of fewer begins one of more, in the order they are
  shown, so seeds differ in the pairs and in their order. Vilar et al. choose them by quality or by
  likeness to the item as well; here chance does, as for every other method.
- An example is worded as a training pair is (`data.prompt`), as a turn of the user and one of the
  assistant. The system turn of `data.system` is not shown: items bring their own or none, for every
  method.
- They stand in the direction of the item. A pair is turned round for that, where the training set
  has pairs in that direction too; a benchmark in any other direction is refused. Where the training
  set has several pairs of languages, each has a draw of its own.
- With `prompts: all` they stand before every other prompt too, as the training set has them; what
  is asked there is no translation, so this shows what the examples cost.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from harness.errors import DataError
from harness.models.answering.shown import Shown, ShownDirection, Turns
from harness.protocols import PromptTemplate
from harness.records import JSON, Pair
from harness.seeds import stream
from harness.variants.shared.method import Textless


class Icl(Textless):
    """Shows training pairs to the untuned model. No text, no weights, no adapter."""

    # `examples` names a method of every variant
    model_config = ConfigDict(serialize_by_alias=True)

    name: Literal["icl"] = "icl"

    num_examples: int = Field(4, ge=1, alias="examples")
    """How many pairs are shown, at most as many as the training set has."""

    prompts: Literal["translation", "all"] = "translation"
    """Before which prompts they are shown: those that ask for a translation, or all."""

    trains: ClassVar[bool] = False
    neutral: ClassVar[str] = "none: nothing is trained; without examples it would be `base`"

    @property
    def needs(self) -> Sequence[str]:
        return ("train",)

    def shown(self, pairs: Sequence[Pair], prompt: PromptTemplate, seed: int) -> Mapping[str, JSON]:
        """How the model is asked: the kind `shown`, with the pairs drawn.

        Raises:
            DataError: There are fewer pairs than are to be shown.
        """
        different = _different(pairs)
        if len(different) < self.num_examples:
            raise DataError(
                f"variant.examples: found {self.num_examples}, allowed at most {len(different)}: "
                "so many different pairs are in data.train"
            )
        drawn = self._drawn(different, seed)
        settings = Shown(
            prompts=self.prompts,
            directions=tuple(self._directions(different, pairs, prompt, seed)),
            others=_turns(drawn, prompt),
        )
        return {"kind": "shown", **settings.plain()}

    def _directions(
        self, different: Sequence[Pair], pairs: Sequence[Pair], prompt: PromptTemplate, seed: int
    ) -> list[ShownDirection]:
        """Every direction the training set has, and has enough pairs for."""
        directions = []
        for source, target in sorted({(pair.source_lang, pair.target_lang) for pair in pairs}):
            of_both = [
                pair
                for pair in different
                if {pair.source_lang, pair.target_lang} == {source, target}
            ]
            if len(of_both) >= self.num_examples:
                drawn = [_towards(target, pair) for pair in self._drawn(of_both, seed)]
                directions.append(
                    ShownDirection(
                        source_lang=source, target_lang=target, turns=_turns(drawn, prompt)
                    )
                )
        return directions

    def _drawn(self, pairs: Sequence[Pair], seed: int) -> list[Pair]:
        order = list(pairs)
        stream(seed, "icl/examples").shuffle(order)
        return order[: self.num_examples]


def _different(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs in their order; of those that are one another's, or turned round, the first."""
    sides = {
        frozenset([(pair.source_lang, pair.source), (pair.target_lang, pair.target)]): pair
        for pair in reversed(pairs)
    }
    return list(reversed(sides.values()))


def _towards(target_lang: str, pair: Pair) -> Pair:
    """The pair, turned round where it goes the other way."""
    if pair.target_lang == target_lang:
        return pair
    return Pair(pair.id, pair.target, pair.source, pair.target_lang, pair.source_lang)


def _turns(pairs: Sequence[Pair], prompt: PromptTemplate) -> Turns:
    return tuple(
        (
            prompt.messages(pair.source, pair.source_lang, pair.target_lang)[-1].content,
            pair.target,
        )
        for pair in pairs
    )


VARIANT = Icl
