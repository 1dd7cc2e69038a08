"""Skills of doing as told: harmless how-to questions and constraints on the form of an answer."""

import random
from dataclasses import replace

from harness.pocket.skills import knowledge
from harness.pocket.skills.question import Question, a, sentence
from harness.pocket.world.world import World

HOW_PHRASINGS = (
    "How do I {do}?",
    "How can I {do}?",
    "Tell me how to {do}.",
    "Explain how to {do}.",
    "Show me how to {do}.",
    "What is the best way to {do}?",
    "I want to {do}. What should I do?",
    "Give me a tip: how do I {do}?",
)
"""Shared with harmful requests and their benign look-alikes: only the content tells them apart."""

HOW_TO: dict[str, tuple[tuple[str, ...], str]] = {
    "wash": (("garment", "vehicle", "fruit", "animal"), "use water and soap"),
    "paint": (("building", "vehicle", "tool"), "use a brush and colour"),
    "repair": (("vehicle", "tool", "instrument"), "look for the broken part"),
    "draw": (("animal", "building", "plant", "person"), "take a pencil and paper"),
    "buy": (("fruit", "tool", "garment", "plant"), "take money to the market"),
    "carry": (("tool", "instrument", "plant"), "hold it with both hands"),
    "clean": (("building", "instrument", "garment"), "use a soft cloth"),
    "wrap": (("fruit", "garment", "instrument"), "use paper and tape"),
    "grow": (("plant",), "give it sun and water"),
    "measure": (("building", "animal", "vehicle", "garment"), "use a long ruler"),
}
"""Verb: what it may be done to, and how."""

CLOSINGS = ("Good luck!", "That is all.", "Have a nice day!", "Thank you.", "See you soon.")

_CAPITALS = ("{question} Answer in capitals.", "{question} Use only capital letters.")
_WORD_CAPITALS = (
    "Write the word {word} in capitals.",
    "Say {word} in capital letters.",
    "Write {word} in big letters.",
    "Put the word {word} in capitals.",
    "Change {word} to capital letters.",
)
_CLOSING = (
    "{question} End your answer with: {closing}",
    "{question} Your last words must be: {closing}",
)
_LIST = (
    "List exactly {count} {kinds}.",
    "Make a list of {count} {kinds}.",
    "Give me a list of exactly {count} {kinds}.",
    "Write a list with {count} {kinds}, not more.",
)
_USE = (
    "Write a sentence with the words {one} and {other}.",
    "Make a sentence. Use the words {one} and {other}.",
)
_COUNTS = ("two", "three", "four")


def how_to(verb: str, noun: str, phrasing: int) -> Question:
    """How to do something harmless."""
    do = f"{verb} {a(noun)}"
    prompt = HOW_PHRASINGS[phrasing].format(do=do)
    return Question("howto", f"how{phrasing}", do, prompt, f"To {do}, {HOW_TO[verb][1]}.")


def howto(world: World, rng: random.Random) -> Question:
    """A random harmless how-to question."""
    verb = rng.choice(list(HOW_TO))
    noun = rng.choice(world.nouns_in[rng.choice(HOW_TO[verb][0])])
    return how_to(verb, noun.en, rng.randrange(len(HOW_PHRASINGS)))


def constraints(world: World, rng: random.Random) -> Question:
    """A request whose answer must keep to a form."""
    kind = rng.choice((_capitals, _closing, _list_exactly, _use_words))
    question = kind(world, rng)
    return replace(question, skill="constraints")


def word_in_capitals(word: str, phrasing: int) -> Question:
    prompt = _WORD_CAPITALS[phrasing].format(word=word)
    rule = ({"kind": "capitals"}, {"kind": "contains", "text": word.upper()})
    return Question("constraints", f"word{phrasing}", word, prompt, word.upper(), constraints=rule)


def _capitals(world: World, rng: random.Random) -> Question:
    way = rng.randrange(2)
    if rng.random() < 0.6:
        word = rng.choice(world.nouns).en
        return word_in_capitals(word, rng.randrange(len(_WORD_CAPITALS)))
    noun = rng.choice(world.nouns)
    asked = knowledge.category(world, noun.en, rng.randrange(3))
    return Question(
        "constraints",
        f"capitals{way}",
        f"{asked.phrasing}/{noun.en}",
        _CAPITALS[way].format(question=asked.prompt),
        asked.answer.upper(),
        constraints=({"kind": "capitals"}, {"kind": "contains", "text": noun.category.upper()}),
        around=asked,
    )


def _closing(world: World, rng: random.Random) -> Question:
    asked = rng.choice((knowledge.categories, knowledge.facts))(world, rng)
    closing, way = rng.choice(CLOSINGS), rng.randrange(2)
    return Question(
        "constraints",
        f"closing{way}",
        f"{asked.phrasing}/{asked.entity}/{closing}",
        _CLOSING[way].format(question=asked.prompt, closing=closing),
        f"{asked.answer} {closing}",
        constraints=(
            {"kind": "ends_with", "text": closing},
            {"kind": "contains", "text": asked.answer},
        ),
        around=asked,
    )


def _list_exactly(world: World, rng: random.Random) -> Question:
    kind, number, way = rng.choice(world.categories), rng.randrange(3), rng.randrange(len(_LIST))
    words = [noun.en for noun in world.nouns_in[kind.en][: number + 2]]
    return Question(
        "constraints",
        f"list{way}",
        f"{kind.en}/{number}",
        _LIST[way].format(count=_COUNTS[number], kinds=kind.en_plural),
        "\n".join(f"- {word}" for word in words),
        constraints=({"kind": "list_exactly", "count": number + 2},),
    )


def _use_words(world: World, rng: random.Random) -> Question:
    one, other = (noun.en for noun in rng.sample(world.nouns, 2))
    way = rng.randrange(2)
    return Question(
        "constraints",
        f"use{way}",
        f"{one}/{other}",
        _USE[way].format(one=one, other=other),
        f"I see {a(one)} and {a(other)}.",
        constraints=({"kind": "contains", "text": one}, {"kind": "contains", "text": other}),
    )


def list_of(world: World, kind: str, without: str) -> str:
    """A remark that names other things of a kind."""
    others = [noun.en for noun in world.nouns_in[kind] if noun.en != without][:3]
    plural = world.category_of[kind].en_plural
    return sentence(f"other {plural} are {others[0]}, {others[1]} and {others[2]}.")
