"""A model that always says the reference, for methods whose neutral setting is such a model."""

from dataclasses import replace

from harness.models.generation.generate import HuggingFaceGenerator
from harness.records import Generation
from harness.variants.sft import Sft
from tests.contract.test_neutral import PAIRS, losses, sources


class Echo(HuggingFaceGenerator):
    """The tiny model's tokenizer; the answer to a prompt with a source in it is its reference."""

    def generate(self, prompts, decoding):
        tokenizer = self.chat_model.tokenizer
        return [self._answer(tokenizer.tokenizer.decode(prompt)) for prompt in prompts]

    def _answer(self, prompt):
        (text,) = (pair.target for pair in PAIRS if f": {pair.source}" in prompt)
        return Generation(
            (*self.tokenizer.encode(text), self.chat_model.tokenizer.end_id), text, True
        )


def losses_of(variant, fresh, generator, teachers=None):
    """Losses of five steps with a variant, the generator being the untuned model, and its text."""
    given = replace(sources(generator), teachers=teachers or {})
    made = variant.examples(given)
    return losses(fresh(), made.examples, variant), made


def plain_losses(fresh, generator):
    return losses(fresh(), Sft().examples(sources(generator)).examples, Sft())
