import doctest
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.generation import chunks as module
from harness.models.generation.chunks import ChunkRule, choice_batches, chunks
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


def rows_of(*contexts: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return [
        ((context,) * (context + 1), (9,) * (place % 3)) for place, context in enumerate(contexts)
    ]


def test_choices_of_a_question_share_a_batch_and_lone_rows_follow() -> None:
    rows = rows_of(1, 2, 1, 3, 2, 1)
    assert [set(batch) for batch in choice_batches(rows, 4)] == [{0, 2, 5}, {1, 4}, {3}]
    assert [len(batch) for batch in choice_batches(rows, 8)] == [5, 1]
    assert sorted(itertools.chain(*choice_batches(rows, 1))) == list(range(6))


def test_a_question_of_more_choices_than_fit_is_cut_evenly() -> None:
    assert [len(batch) for batch in choice_batches(rows_of(*[1] * 9), 4)] == [3, 3, 3]


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(1, 9), st.data())
def test_batches_in_a_row_are_the_batches_of_the_list_they_make(contexts, size, data) -> None:
    rows = rows_of(*contexts)
    batches = choice_batches(rows, size)
    assert sorted(itertools.chain(*batches)) == list(range(len(rows)))
    first = data.draw(st.integers(0, len(batches)))
    last = data.draw(st.integers(first, len(batches)))
    chosen = list(itertools.chain(*batches[first:last]))
    again = choice_batches([rows[row] for row in chosen], size)
    contents = [[rows[row] for row in batch] for batch in batches[first:last]]
    assert [[rows[chosen[row]] for row in batch] for batch in again] == contents


def test_parts_of_a_question_stand_where_their_own_rows_do() -> None:
    rows = rows_of(2, 0, 0, 2, 2, 0, 2)
    batches = choice_batches(rows, 2)
    for first, last in itertools.combinations(range(len(batches) + 1), 2):
        chosen = list(itertools.chain(*batches[first:last]))
        again = choice_batches([rows[row] for row in chosen], 2)
        contents = [[rows[row] for row in batch] for batch in batches[first:last]]
        assert [[rows[chosen[row]] for row in batch] for batch in again] == contents
