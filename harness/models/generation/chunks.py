"""Where a long list of prompts is cut: a chunk is answered as a whole, kept, and not asked again.

Rows that share a batch share its rounding, so what is left of a list may not be answered in new
company: now and then a text would come out otherwise. The cut therefore depends on the list alone,
and not on what of it is there. Lists of usual length stay whole, and as they were.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.records import JSON, Decoding, TokenIds

CHOICE_RULE = "question once"
"""How choices are scored; another name when rounding may change with it."""


@dataclass(frozen=True, slots=True)
class ChunkRule:
    """How long a chunk is: the longer of two, for lists that make at least one and a half.

    Attributes:
        tokens: That its answers may have in all; what a kill can cost.
        batches: That it fills; at the end of a chunk a batch empties, which costs time.
    """

    tokens: int = 2**19
    batches: int = 16

    def number(self, num_prompts: int, decoding: Decoding, identity: Mapping[str, JSON]) -> int:
        """How many chunks a list is answered in by the generator of this identity.

        One where its identity names no batch size: then no answer depends on others.

        >>> ChunkRule().number(6000, Decoding(max_new_tokens=256), {"batch_size": 64})
        3
        """
        batch_size = batch_size_of(identity)
        if batch_size is None:
            return 1
        rows = max(self.tokens // decoding.max_new_tokens, self.batches * batch_size)
        return max(1, (2 * num_prompts + rows) // (2 * rows))


def batch_size_of(identity: Mapping[str, JSON]) -> int | None:
    """Rows that a generator of this identity answers at once; None where each is its own."""
    size = identity.get("batch_size")
    return size if isinstance(size, int) else None


def chunks(prompts: Sequence[TokenIds], number: int) -> list[list[int]]:
    """The places of the prompts in each chunk: the longest prompts first, equal ones together.

    Prompts of a length pad each other least, and the copies of a prompt that is sampled are told
    apart by their order. One chunk is the list as it is; there are fewer than ``number`` where
    copies fill several.

    >>> chunks([(1,), (2, 2), (1,), (3, 3)], 2)
    [[1, 3], [0, 2]]
    """
    if number == 1:
        return [list(range(len(prompts)))]
    copies: dict[TokenIds, list[int]] = {}
    for index, prompt in enumerate(prompts):
        copies.setdefault(prompt, []).append(index)
    cut: list[list[int]] = [[] for _ in range(number)]
    before = 0
    for prompt in sorted(copies, key=lambda prompt: (-len(prompt), prompt)):
        cut[before * number // len(prompts)] += copies[prompt]
        before += len(copies[prompt])
    return [chunk for chunk in cut if chunk]


def choice_batches(rows: Sequence[tuple[TokenIds, TokenIds]], batch_size: int) -> list[list[int]]:
    """The places of the rows in each batch: longest first, those of a context together.

    Contexts of several rows come first. The batches of some of them in a row are their very batches
    in the whole list, so that what is left of a list is scored in the same company.
    """
    groups: dict[TokenIds, list[int]] = {}
    for row, (context, _) in enumerate(rows):
        groups.setdefault(tuple(context), []).append(row)
    longest_first = _longest_first(rows)
    shared: list[list[int]] = []
    alone: list[int] = []
    for group in groups.values():
        group.sort(key=longest_first)
        parts = -(-len(group) // batch_size)
        for part in (group[first::parts] for first in range(parts)):
            if len(part) == 1:
                alone += part
            else:
                shared.append(part)
    batches: list[list[int]] = []
    for part in sorted(shared, key=lambda part: longest_first(part[0])):
        if not batches or len(batches[-1]) + len(part) > batch_size:
            batches.append([])
        batches[-1] += part
    alone.sort(key=longest_first)
    return batches + [
        alone[first : first + batch_size] for first in range(0, len(alone), batch_size)
    ]


def _longest_first(rows: Sequence[tuple[TokenIds, TokenIds]]) -> Callable[[int], Any]:
    return lambda row: (-sum(map(len, rows[row])), rows[row])
