"""Building blocks of examples that every variant shares."""

from collections.abc import Sequence

from harness.protocols import Sources, Tokenizer
from harness.records import Example, Message, Pair, Role, Segment


def prompt_segment(tokenizer: Tokenizer, messages: Sequence[Message]) -> Segment:
    """The prompt of an example: the chat up to the point where the answer begins."""
    return Segment(Role.PROMPT, tokenizer.render_chat(messages), tokenizer.encode_chat(messages))


def pair_messages(sources: Sources, pair: Pair) -> tuple[Message, ...]:
    """The chat that asks for the translation of a pair's source."""
    return sources.prompt.messages(pair.source, pair.source_lang, pair.target_lang)


def pair_prompt(sources: Sources, pair: Pair) -> Segment:
    """The prompt that asks for the translation of a pair's source."""
    return prompt_segment(sources.base.tokenizer, pair_messages(sources, pair))


def pair_example(sources: Sources, pair: Pair) -> Example:
    """A pair as it stands: its prompt, then the reference with the end of the turn."""
    answer = Segment(Role.TRANSLATION, pair.target, ends_turn=True)
    return Example(pair.id, (pair_prompt(sources, pair), answer), pair.id)
