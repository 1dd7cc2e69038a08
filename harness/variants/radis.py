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
- ``fraction``, ``shuffle`` and ``order`` are the controls the paper's reviewers asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import ClassVar, Literal

from pydantic import Field

from harness.data.segments import pair_prompt
from harness.protocols import Sources
from harness.records import (
    JSON,
    Decoding,
    Example,
    ExampleSet,
    Generation,
    Pair,
    Role,
    Segment,
    TokenIds,
)
from harness.streams import stream, stream_seed
from harness.variants._method import Method

_PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class _Rationale:
    """What followed one reference; ``text`` is empty where the model ended its turn at once.

    ``retried`` where it had to be asked twice.
    """

    token_ids: TokenIds
    text: str
    finished: bool
    retried: bool = False

    @property
    def empty_at_first(self) -> bool:
        """Whether the model, left alone, had nothing to add."""
        return self.retried or not self.text


_NONE = _Rationale((), "", True)


class Radis(Method):
    """Trains on the reference and the base model's own rationale behind it."""

    name: Literal["radis"] = "radis"
    """The method."""

    rationale_weight: float = Field(1.0, ge=0.0, le=1000.0, allow_inf_nan=False)
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

    neutral: ClassVar[Mapping[str, JSON]] = {"rationale_weight": 0.0}

    @property
    def weights(self) -> Mapping[Role, float]:
        """1 on the translation, w on the rationale."""
        return {Role.TRANSLATION: 1.0, Role.RATIONALE: self.rationale_weight}

    def examples(self, sources: Sources) -> ExampleSet:
        """One example per pair: prompt, reference, rationale (in the order asked for)."""
        pairs = sources.corpora.parallel
        prompts = [pair_prompt(sources, pair) for pair in pairs]
        chosen = self._chosen(len(pairs), sources.seed)
        rationales = dict.fromkeys(range(len(pairs)), _NONE)
        rationales |= zip(chosen, self._rationales(sources, pairs, prompts, chosen), strict=True)
        if self.shuffle:
            moved = _rotate(chosen, sources.seed)
            rationales |= {index: rationales[origin] for index, origin in moved}
        examples = tuple(
            Example(pair.id, self._segments(sources, prompt, pair, rationales[index]), pair.id)
            for index, (pair, prompt) in enumerate(zip(pairs, prompts, strict=True))
        )
        return ExampleSet(
            examples,
            _facts(sources, pairs, rationales, chosen),
            tuple(_row(pairs[index], rationales[index]) for index in chosen),
        )

    def _chosen(self, num_pairs: int, seed: int) -> list[int]:
        """Indices of the pairs that get a rationale, in corpus order."""
        order = list(range(num_pairs))
        stream(seed, "radis/fraction").shuffle(order)
        return sorted(order[: round(self.fraction * num_pairs)])

    def _rationales(
        self,
        sources: Sources,
        pairs: Sequence[Pair],
        prompts: Sequence[Segment],
        chosen: Sequence[int],
    ) -> list[_Rationale]:
        base = sources.base
        starts = [(prompts[i].token_ids or ()) + base.encode(pairs[i].target) for i in chosen]
        plain = self._decoding(self.temperature, sources.seed, "radis/sample")
        rationales = _continue(sources, starts, self.separator, plain)
        empty = [index for index, rationale in enumerate(rationales) if not rationale.text]
        if empty and self.empty != "keep":
            warmer = self.resample_temperature if self.empty == "resample" else self.temperature
            again = self._decoding(warmer, sources.seed, "radis/resample")
            separator = self.separator if self.empty == "resample" else _PARAGRAPH
            second = _continue(sources, [starts[index] for index in empty], separator, again)
            for index, rationale in zip(empty, second, strict=True):
                rationales[index] = replace(rationale, retried=True)
        return rationales

    def _decoding(self, temperature: float, seed: int, name: str) -> Decoding:
        # Greedy text has no seed: all seeds of a trial share it.
        drawn = stream_seed(seed, name) if temperature > 0 else 0
        return Decoding(self.max_rationale_tokens, temperature, drawn)

    def _segments(
        self, sources: Sources, prompt: Segment, pair: Pair, rationale: _Rationale
    ) -> tuple[Segment, ...]:
        if not rationale.text:
            return prompt, Segment(Role.TRANSLATION, pair.target, ends_turn=True)
        if self.order == "after":
            return (
                prompt,
                Segment(Role.TRANSLATION, pair.target),
                Segment(Role.RATIONALE, rationale.text, rationale.token_ids),
            )
        # The turn ends with the translation now, so r gives up its end token and nothing else.
        token_ids = rationale.token_ids[:-1] if rationale.finished else rationale.token_ids
        return (
            prompt,
            Segment(Role.RATIONALE, rationale.text, token_ids),
            Segment(Role.TRANSLATION, f"{_PARAGRAPH}{pair.target}", ends_turn=True),
        )


def _continue(
    sources: Sources, starts: Sequence[TokenIds], separator: str, decoding: Decoding
) -> list[_Rationale]:
    lead = sources.base.encode(separator) if separator else ()
    generations = sources.base.generate([start + lead for start in starts], decoding)
    return [_rationale(lead, separator, generation) for generation in generations]


def _rationale(lead: TokenIds, separator: str, generation: Generation) -> _Rationale:
    if not generation.text.strip():
        return _NONE
    return _Rationale(lead + generation.token_ids, separator + generation.text, generation.finished)


def _rotate(chosen: Sequence[int], seed: int) -> list[tuple[int, int]]:
    """Who gets whose rationale: a cycle through a shuffled order, nobody keeping their own."""
    order = list(chosen)
    stream(seed, "radis/shuffle").shuffle(order)
    return list(zip(order, order[1:] + order[:1], strict=True))


def _facts(
    sources: Sources,
    pairs: Sequence[Pair],
    rationales: Mapping[int, _Rationale],
    chosen: Sequence[int],
) -> dict[str, float]:
    """Empty rate per language pair; mean length |r| and ratio |r|/|y| in tokens; share cut."""
    if not chosen:
        return {"rationale_fraction": 0.0}
    lengths = [len(rationales[index].token_ids) for index in chosen]
    references = [len(sources.base.encode(pairs[index].target)) for index in chosen]
    facts = {
        "rationale_fraction": len(chosen) / len(pairs),
        "rationale_mean_tokens": fmean(lengths),
        "rationale_length_ratio": sum(lengths) / max(sum(references), 1),
        "rationale_cut_rate": fmean(not rationales[index].finished for index in chosen),
        "empty_rate": fmean(rationales[index].empty_at_first for index in chosen),
        "fallback_fraction": fmean(not rationales[index].text for index in chosen),
    }
    by_direction: dict[str, list[bool]] = {}
    for index in chosen:
        direction = f"{pairs[index].source_lang}-{pairs[index].target_lang}"
        by_direction.setdefault(direction, []).append(rationales[index].empty_at_first)
    return facts | {f"empty_rate/{name}": fmean(flags) for name, flags in by_direction.items()}


def _row(pair: Pair, rationale: _Rationale) -> dict[str, JSON]:
    return {
        "id": pair.id,
        "source": pair.source,
        "reference": pair.target,
        "rationale": rationale.text,
        "tokens": len(rationale.token_ids),
        "finished": rationale.finished,
    }


VARIANT = Radis
