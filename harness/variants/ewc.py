"""Plain fine-tuning held back where the untuned model's own answers mind a change most.

Elastic weight consolidation (Kirkpatrick et al. 2017, 1612.00796, equation 3): the loss of ``sft``
plus (s / 2) sum of F (theta - theta_0)^2, F the diagonal of the Fisher information at theta_0.

Deviations and choices:

- theta - theta_0 is dW = scale B A on the frozen weights of the adapted layers, all that can move;
  DoRA, and layers trained whole, are refused.
- The old task is what theta_0 says. Its data are not at hand, so F is taken on theta_0's own
  answers, sampled at temperature 1: to general instructions where the corpora have them, else to
  the translation requests. With answers drawn from the model this is the Fisher information
  itself, which the labels of a data set only approximate.
- F is the mean over ``num_samples`` answers of the squared gradient of *one* answer's
  log-likelihood (the sum over its tokens). The paper does not say how many it takes; the number
  used is logged, as ``fisher_samples``.
- An answer cut at ``max_new_tokens`` counts as far as it goes.
- In a chain and with ``model.adapter``, theta_0 is as for ``kl``.

The default strength is chosen as that of ``l2``, from 1, 10, ... 10^4: at 100 the loss on held-out
translations is .419 (``sft`` .433), on general answers .006 (``sft`` .044). F is small and skewed:
on the pocket testbed 4e-6 at the median, 1e-4 in the mean and .3 at most; so strengths are large.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import ClassVar, Literal

from pydantic import Field

from harness.data.segments import pair_prompt, prompt_segment
from harness.protocols import Sources
from harness.records import JSON, Decoding, Example, ExampleSet, Role, Segment
from harness.seeds import stream, stream_seed
from harness.variants.shared.method import NO_TEXT, Method


class Ewc(Method):
    """Trains on (x, y); changing weights that matter to the untuned model costs."""

    name: Literal["ewc"] = "ewc"

    strength: float = Field(100.0, ge=0.0, allow_inf_nan=False, json_schema_extra=NO_TEXT)
    """s in (s / 2) sum of F dW^2; 0 is plain fine-tuning."""

    num_samples: int = Field(128, ge=1)
    """Answers of the untuned model that F is the mean over; at most one to a request."""

    max_new_tokens: int = Field(256, ge=1)
    """Most tokens of such an answer."""

    neutral: ClassVar[Mapping[str, JSON]] = {"strength": 0.0}

    @property
    def penalty(self) -> Mapping[str, JSON]:
        return {"kind": "ewc", "strength": self.strength}

    @property
    def draws_on(self) -> Sequence[str]:
        """General chats where there are any: what is answered there costs most to change."""
        return ("instructions",) if self.strength else ()

    def examples(self, sources: Sources) -> ExampleSet:
        """Those of plain fine-tuning, and the untuned model's sampled answers as probes."""
        requests = self._requests(sources)
        seed = stream_seed(sources.seed, "ewc/sample")
        decoding = Decoding(self.max_new_tokens, temperature=1.0, seed=seed)
        prompts = [prompt.token_ids or () for _, prompt in requests]
        answers = sources.base.generate(prompts, decoding)
        probes = tuple(
            Example(name, (prompt, Segment(Role.REPLY, answer.text, answer.token_ids)))
            for (name, prompt), answer in zip(requests, answers, strict=True)
        )
        facts = {
            "fisher_samples": len(probes),
            "fisher_cut_rate": fmean(not answer.finished for answer in answers),
            "fisher_mean_tokens": fmean(len(answer.token_ids) for answer in answers),
        }
        table: tuple[Mapping[str, JSON], ...] = tuple(
            {"id": name, "request": prompt.text, "answer": answer.text, "kept": True}
            for (name, prompt), answer in zip(requests, answers, strict=True)
        )
        return replace(super().examples(sources), facts=facts, table=table, probes=probes)

    def _requests(self, sources: Sources) -> list[tuple[str, Segment]]:
        """Ids and prompts of what the untuned model is asked, drawn by chance."""
        draw, tokenizer = stream(sources.seed, "ewc/requests"), sources.base.tokenizer
        chats, pairs = sources.corpora.instructions, sources.corpora.parallel
        if chats:
            chosen = draw.sample(chats, min(self.num_samples, len(chats)))
            return [(chat.id, prompt_segment(tokenizer, chat.messages)) for chat in chosen]
        drawn = draw.sample(pairs, min(self.num_samples, len(pairs)))
        return [(pair.id, pair_prompt(sources, pair)) for pair in drawn]


VARIANT = Ewc
