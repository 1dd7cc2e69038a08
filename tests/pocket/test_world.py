import random

import pytest

from harness.pocket.skills.catalogue import GENERAL, SAFETY
from harness.pocket.skills.question import draw
from harness.pocket.world.sentences import pairs
from harness.pocket.world.world import NOUNS_PER_CATEGORY, draw_world


def test_one_seed_draws_one_world() -> None:
    assert draw_world(5) == draw_world(5)


def test_another_seed_draws_another_world() -> None:
    assert draw_world(5).countries != draw_world(6).countries


def test_names_of_a_world_are_unique() -> None:
    world = draw_world(5)
    names = [
        name
        for country in world.countries
        for name in (country.name, country.capital, country.river, country.mountain)
    ]
    assert len(set(names)) == len(names)


def test_every_category_has_its_nouns() -> None:
    world = draw_world(5)
    assert {len(nouns) for nouns in world.nouns_in.values()} == {NOUNS_PER_CATEGORY}


def test_sentences_are_a_function_of_their_seed() -> None:
    world = draw_world(5)
    assert pairs(world, 50, 1, "train") == pairs(world, 50, 1, "train")
    assert pairs(world, 50, 1, "train") != pairs(world, 50, 2, "train")


@pytest.mark.parametrize("name", sorted(GENERAL | SAFETY))
def test_a_question_has_one_answer(name: str) -> None:
    world, rng = draw_world(5), random.Random(0)
    answers: dict[str, str] = {}
    for _ in range(500):
        question = draw((GENERAL | SAFETY)[name], world, rng, "train")
        answer = answers.setdefault(str(question.messages()), question.answer)
        assert answer == question.answer
