"""Skills that need more than the last turn: two-turn chats and system prompts."""

import random

from harness.pocket.skills import knowledge, reasoning
from harness.pocket.skills.question import Question, a
from harness.pocket.skills.tasks import CLOSINGS
from harness.pocket.world.lexicon import FIRST_NAMES
from harness.pocket.world.world import World

_INTRODUCTIONS = ("My name is {name}.", "I am {name}.", "People call me {name}.")
_ASK_NAME = ("What is my name?", "Do you know my name?", "Say my name.", "Who am I?")
_ASK_OWNED = ("Which {kind} do I have?", "What {kind} do I have?", "Name my {kind}.")
_ASK_MORE = ("And the {attribute}?", "What about the {attribute}?", "Now the {attribute}.")
_ADD_MORE = ("Now add {number}.", "Add {number} to that.", "Plus {number}?")
_ASK_ASSISTANT = (
    "What is your name?",
    "Who are you?",
    "Tell me your name.",
    "What are you called?",
)
_ONE_WORD = ("Answer with one word.", "Use one word only.")
_CALLED = ("The user is called {name}.", "You talk to {name}.")
_ASSISTANT = ("You are {name}, a helpful assistant.", "Your name is {name}.")
_END = ("End every answer with: {closing}", "Close each answer with: {closing}")


def two_turn(world: World, rng: random.Random) -> Question:
    """A chat whose last question can only be answered with the turn before."""
    return rng.choice((_name, _owned, _more, _add))(world, rng)


def _chat(phrasing: str, entity: str, turns: tuple[str, str, str], answer: str) -> Question:
    history = (("user", turns[0]), ("assistant", turns[1]))
    return Question("two_turn", phrasing, entity, turns[2], answer, history=history)


def _name(world: World, rng: random.Random) -> Question:
    name, introduction, way = rng.choice(FIRST_NAMES), rng.choice(_INTRODUCTIONS), rng.randrange(4)
    return _chat(
        f"name{way}",
        f"{name}/{introduction}",
        (introduction.format(name=name), f"Nice to meet you, {name}.", _ASK_NAME[way]),
        f"Your name is {name}.",
    )


def _owned(world: World, rng: random.Random) -> Question:
    while True:
        one, other = rng.sample(world.nouns, 2)
        if one.category != other.category and "person" not in (one.category, other.category):
            break
    asked, way = rng.choice((one, other)), rng.randrange(3)
    return _chat(
        f"owned{way}",
        f"{one.en}/{other.en}/{asked.en}",
        (
            f"I have {a(one.en)} and {a(other.en)}.",
            "That is nice.",
            _ASK_OWNED[way].format(kind=asked.category),
        ),
        f"You have {a(asked.en)}.",
    )


def _more(world: World, rng: random.Random) -> Question:
    country = rng.choice(world.countries).name
    first, second = rng.sample(list(knowledge.ATTRIBUTES), 2)
    asked = knowledge.fact(world, country, first, rng.randrange(2))
    answer = knowledge.fact(world, country, second, 0).answer
    way = rng.randrange(3)
    return _chat(
        f"more{way}",
        f"{country}/{first}/{second}",
        (asked.prompt, asked.answer, _ASK_MORE[way].format(attribute=second)),
        answer,
    )


def _add(world: World, rng: random.Random) -> Question:
    one, other, third = rng.randint(1, 6), rng.randint(1, 6), rng.randint(1, 6)
    asked = reasoning.sum_of(one, other, True, 0)
    way = rng.randrange(3)
    return _chat(
        f"add{way}",
        f"{one}/{other}/{third}",
        (asked.prompt, asked.answer, _ADD_MORE[way].format(number=third)),
        f"{one + other} plus {third} is {one + other + third}.",
    )


def system(world: World, rng: random.Random) -> Question:
    """A chat in which a system prompt decides the answer."""
    return rng.choice((_one_word, _called, _assistant, _end))(world, rng)


def _told(phrasing: str, told: str, asked: Question, answer: str) -> Question:
    history = (("system", told),)
    entity = f"{told}/{asked.entity}"
    return Question("system", phrasing, entity, asked.prompt, answer, history, around=asked)


def _one_word(world: World, rng: random.Random) -> Question:
    asked = knowledge.opposite(world, rng.choice(world.adjectives).en, rng.randrange(5))
    if rng.random() < 0.6:
        asked = knowledge.category(world, rng.choice(world.nouns).en, rng.randrange(5))
    way = rng.randrange(2)
    return _told(f"word{way}", _ONE_WORD[way], asked, asked.answer.split()[-1])


def _called(world: World, rng: random.Random) -> Question:
    name, way = rng.choice(FIRST_NAMES), rng.randrange(2)
    asked = rng.choice((knowledge.facts, knowledge.categories))(world, rng)
    answer = asked.answer[0].lower() + asked.answer[1:]
    return _told(f"called{way}", _CALLED[way].format(name=name), asked, f"{name}, {answer}")


def _assistant(world: World, rng: random.Random) -> Question:
    name, way, told = rng.choice(FIRST_NAMES), rng.randrange(4), rng.choice(_ASSISTANT)
    history = (("system", told.format(name=name)),)
    prompt, entity = _ASK_ASSISTANT[way], f"{name}/{told}"
    return Question("system", f"assistant{way}", entity, prompt, f"I am {name}.", history)


def _end(world: World, rng: random.Random) -> Question:
    closing, way = rng.choice(CLOSINGS), rng.randrange(2)
    asked = rng.choice((knowledge.facts, knowledge.categories))(world, rng)
    told = _END[way].format(closing=closing)
    return _told(f"end{way}", told, asked, f"{asked.answer} {closing}")
