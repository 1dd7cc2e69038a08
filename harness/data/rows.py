"""Examples as the model sees them: token ids with a role each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.errors import DataError
from harness.records import Example, Role, TokenIds, TokenRow


@dataclass(frozen=True)
class TokenRows:
    """Tokenised examples.

    Attributes:
        rows: Those that fit, in order.
        too_long: Ids of those of more tokens than allowed; never cut, always counted.
    """

    rows: tuple[TokenRow, ...]
    too_long: tuple[str, ...]


def tokenise(
    examples: Iterable[Example],
    encode: Callable[[str], TokenIds],
    ending: TokenIds,
    max_length: int,
    encode_first: Callable[[Role, str], TokenIds] | None = None,
    what: str = "training examples",
) -> TokenRows:
    """Token ids and a role per token.

    Segments that carry token ids keep them; the end-of-turn token belongs to the segment it ends.

    Args:
        examples: The examples.
        encode: Tokenises text that goes on behind other text, without special tokens.
        ending: What ends a turn: the end-of-turn token, and what the template writes before it.
        max_length: Most tokens of a row, and of the row as a teacher reads it.
        encode_first: Tokenises what comes right behind the prompt; None for ``encode``.
        what: What they are, for the error.

    Raises:
        DataError: Not one example fits.
    """
    rows, too_long = [], []
    for example in examples:
        row = tokenise_example(example, encode, ending, encode_first)
        if longest_reading(row) > max_length:
            too_long.append(example.id)
        else:
            rows.append(row)
    if too_long and not rows:
        raise DataError(
            f"all {len(too_long)} {what} have more than {max_length} tokens",
            "raise train.max_length",
        )
    return TokenRows(tuple(rows), tuple(too_long))


def longest_reading(row: TokenRow) -> int:
    """Tokens of a row as the model in training reads it, or as its teacher does, if more."""
    if row.teacher_prompt is None:
        return len(row.ids)
    prompt = next((i for i, role in enumerate(row.roles) if role is not Role.PROMPT), len(row.ids))
    return len(row.ids) - prompt + max(prompt, len(row.teacher_prompt))


def tokenise_example(
    example: Example,
    encode: Callable[[str], TokenIds],
    ending: TokenIds,
    encode_first: Callable[[Role, str], TokenIds] | None = None,
) -> TokenRow:
    """One example; every token has exactly one role.

    The prompt's ids are those the model reads when it is asked, whatever the answer begins with.
    """
    ids: list[int] = []
    roles: list[Role] = []
    for index, segment in enumerate(example.segments):
        if segment.token_ids is not None:
            part = segment.token_ids
        elif index == 1 and encode_first is not None:
            part = encode_first(segment.role, segment.text)
        else:
            part = encode(segment.text)
        part = (*part, *ending) if segment.ends_turn else tuple(part)
        ids += part
        roles += [segment.role] * len(part)
    shown = example.teacher_prompt
    return TokenRow(
        example.id,
        tuple(ids),
        tuple(roles),
        task=example.pair_id is not None,
        teacher_prompt=None if shown is None else shown.token_ids or encode(shown.text),
    )
