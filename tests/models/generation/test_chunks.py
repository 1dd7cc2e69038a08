import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.generation import chunks as module
from harness.models.generation.chunks import ChunkRule, chunks
from harness.records import Decoding

PROMPTS = st.lists(st.lists(st.integers(0, 3), max_size=4).map(tuple), min_size=1, max_size=40)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("prompts", "max_new_tokens", "batch_size", "number"),
    [
        (1600, 256, 64, 1),  # the longest list of the pocket sweeps
        (3071, 256, 64, 1),
        (3072, 256, 64, 2),
        (6000, 256, 64, 3),
        (1319, 512, 64, 1),
        (14000, 1, 64, 1),
        (6000, 512, 256, 1),  # 16 batches are 4,096 rows
        (0, 256, 64, 1),
    ],
)
def test_only_long_lists_are_cut(
    prompts: int, max_new_tokens: int, batch_size: int, number: int
) -> None:
    found = ChunkRule().number(prompts, Decoding(max_new_tokens), {"batch_size": batch_size})
    assert found == number


def test_answers_that_share_no_batch_are_not_cut() -> None:
    assert ChunkRule().number(10**6, Decoding(512), {"server": "..."}) == 1


@given(PROMPTS, st.integers(1, 6))
def test_every_place_is_in_one_chunk_with_all_its_copies(
    prompts: list[tuple[int, ...]], number: int
) -> None:
    cut = chunks(prompts, number)
    assert sorted(place for chunk in cut for place in chunk) == list(range(len(prompts)))
    assert sum(len({prompts[place] for place in chunk}) for chunk in cut) == len(set(prompts))
    assert all(chunk for chunk in cut)


@given(PROMPTS, st.integers(2, 6), st.randoms())
def test_the_chunks_are_the_same_whatever_the_order(
    prompts: list[tuple[int, ...]], number: int, random: object
) -> None:
    shuffled = list(prompts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (
        [[given[place] for place in chunk] for chunk in chunks(given, number)]
        for given in (prompts, shuffled)
    )
    assert one == other


@given(PROMPTS, st.integers(2, 6))
def test_no_prompt_is_longer_than_those_of_the_chunk_before(
    prompts: list[tuple[int, ...]], number: int
) -> None:
    lengths = [len(prompts[place]) for chunk in chunks(prompts, number) for place in chunk]
    assert lengths == sorted(lengths, reverse=True)


@given(st.integers(1, 500), st.integers(2, 9))
def test_chunks_of_different_prompts_are_equally_long(num_prompts: int, number: int) -> None:
    sizes = [len(chunk) for chunk in chunks([(place,) for place in range(num_prompts)], number)]
    assert max(sizes) - min(sizes) <= 1
