"""A chat model in memory as a Generator: the seam through which all text is made."""

import itertools
from collections.abc import Callable, Mapping, Sequence

from harness.models.chat_model import ChatModel
from harness.models.generation.copies import once_each
from harness.models.generation.decode import Decoder
from harness.models.generation.likelihood import loglikelihoods
from harness.models.speed import quick
from harness.protocols import OnProgress
from harness.records import JSON, Decoding, Generation, TokenIds

BATCH_RULE = "sorted by length, finished rows replaced, 1"
"""How rows share a batch; its number rises when rounding may change with it."""


class HuggingFaceGenerator:
    """Generates with a chat model, with or without an adapter on it.

    Args:
        chat_model: The model; the harness does not change it.
        batch_size: Rows at once; results change with it by float rounding only.
        on_progress: Called with the share of answers that are complete.
    """

    def __init__(
        self, chat_model: ChatModel, batch_size: int, on_progress: OnProgress | None = None
    ) -> None:
        self.tokenizer = chat_model.tokenizer
        self.chat_model = chat_model
        self.identity = generator_identity(chat_model.identity, batch_size)
        self._batch_size = batch_size
        self.on_progress = on_progress

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        """One continuation per prompt, in their order.

        Of equal prompts a greedy answer is made once; sampled ones are drawn for each.

        Raises:
            DataError: A prompt the model cannot read, or not with so many new tokens.
        """
        return once_each(prompts, decoding, lambda distinct: self._answers(distinct, decoding))

    def loglikelihoods(self, rows: Sequence[tuple[TokenIds, TokenIds]]) -> list[tuple[float, bool]]:
        """Per (context, continuation): log-probability, and whether greedy decoding gives it."""
        self.chat_model.limits.check_prompts([(*context, *said) for context, said in rows], 0)
        with quick(self.chat_model.model) as model:
            return loglikelihoods(model, rows, self.chat_model.pad_id, self._batch_size)

    def _answers(self, prompts: list[TokenIds], decoding: Decoding) -> list[Generation]:
        self.chat_model.limits.check_prompts(prompts, decoding.max_new_tokens)
        with quick(self.chat_model.model) as model:
            decoder = Decoder(
                model,
                self.tokenizer.end_ids,
                self.chat_model.pad_id,
                decoding,
                self._batch_size,
                self._counter(len(prompts)),
            )
            return [self.tokenizer.generation(answer) for answer in decoder.run(prompts)]

    def _counter(self, total: int) -> Callable[[], None] | None:
        if self.on_progress is None:
            return None
        report, done = self.on_progress, itertools.count(1)
        return lambda: report(next(done) / total)


def generator_identity(model: Mapping[str, JSON], batch_size: int) -> dict[str, JSON]:
    """What a generator of this model is: equal for the loaded one and one that need not load."""
    return {**model, "batch_rule": BATCH_RULE, "batch_size": batch_size}
