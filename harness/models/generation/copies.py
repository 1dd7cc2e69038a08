"""Equal prompts of a list: a greedy answer is made once, a sampled one drawn for each.

Each that is sampled draws from a stream of its own.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

from harness.records import Decoding, Generation, TokenIds
from harness.seeds import stream_seed


def copies_of(prompts: Sequence[TokenIds]) -> list[int]:
    """Of each prompt, how many equal ones come before it, [B].

    >>> copies_of([(1, 2), (3,), (1, 2)])
    [0, 0, 1]
    """
    seen: Counter[TokenIds] = Counter()
    copies = []
    for prompt in prompts:
        copies.append(seen[prompt])
        seen[prompt] += 1
    return copies


def content_of(prompt: TokenIds) -> str:
    """The name of a prompt in that of a stream: equal for equal prompts."""
    return hashlib.sha256(",".join(map(str, prompt)).encode()).hexdigest()


def seeds_of(prompts: Sequence[TokenIds], seed: int, kind: str) -> list[int]:
    """A seed of each row's own, from the prompt and the number of its copy alone, [B].

    Args:
        prompts: The rows.
        seed: Of the whole list.
        kind: Who draws; others draw otherwise.
    """
    return [
        stream_seed(seed, f"{kind}/{content_of(prompt)}/{copy}")
        for prompt, copy in zip(prompts, copies_of(prompts), strict=True)
    ]


def once_each(
    prompts: Sequence[TokenIds],
    decoding: Decoding,
    answer: Callable[[list[TokenIds]], Sequence[Generation]],
) -> list[Generation]:
    """The answers to all prompts; of equal ones a greedy answer is made once.

    Args:
        prompts: The prompts.
        decoding: Whether they are sampled, and so answered each by itself.
        answer: Answers a list of them.
    """
    rows = [tuple(prompt) for prompt in prompts]
    distinct = rows if decoding.temperature > 0 else list(dict.fromkeys(rows))
    answers = answer(distinct)
    if len(distinct) == len(rows):
        return list(answers)
    by_prompt = dict(zip(distinct, answers, strict=True))
    return [by_prompt[prompt] for prompt in rows]
