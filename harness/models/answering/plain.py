"""Answers by generating once; what the model said is its answer, and stays in the chat."""

from collections.abc import Sequence

from harness.protocols import Generator
from harness.records import Answer, Asked, Decoding, Message
from harness.settings.spec import Spec


class Plain(Spec):
    """How every model answers that says nothing else. No settings."""

    def answer(
        self, generator: Generator, asked: Sequence[Asked], decoding: Decoding
    ) -> list[Answer]:
        """All in one call."""
        prompts = [generator.tokenizer.encode_chat(one.messages) for one in asked]
        return [Answer(one, one.text) for one in generator.generate(prompts, decoding)]

    def remembered(self, asked: Asked, answer: Answer) -> tuple[Message, Message]:
        return asked.messages[-1], Message("assistant", answer.text)


ANSWERING = Plain
