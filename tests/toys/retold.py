"""A toy family's tokenizer with another chat template."""

from collections.abc import Sequence
from datetime import date

from tokenizers import AddedToken

from harness.models.tokenizer import ChatTokenizer
from tests.toys.families import toy_tokenizer


def retold(
    name: str,
    template: str,
    *,
    tokens: Sequence[str] = (),
    ends: Sequence[str] = (),
    chat_date: date | None = None,
    **special: str | None,
) -> ChatTokenizer:
    """The tokenizer of a family, given another template.

    Args:
        name: Of the family.
        template: Its template.
        tokens: Special tokens it gets besides.
        ends: Tokens that its model lists as ends.
        chat_date: On which its chats take place.
        special: Its named tokens, such as ``eos_token``.
    """
    inner = toy_tokenizer(name)
    inner.add_tokens([AddedToken(token, special=True) for token in tokens])
    inner.chat_template = template
    for key, token in special.items():
        setattr(inner, key, token)
    return ChatTokenizer(inner, inner.convert_tokens_to_ids(list(ends)), chat_date)
