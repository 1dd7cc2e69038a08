"""Skills of knowing: facts, categories of things, meanings of words and their opposites."""

import random

from harness.pocket.skills.question import Question, a, sentence
from harness.pocket.world.world import World

ATTRIBUTES = {
    "capital": "capital",
    "main river": "river",
    "highest mountain": "mountain",
    "national animal": "animal",
    "flag colour": "colour",
}
"""What is asked about a country, and the field of `Country` that knows it."""

PERSON_ATTRIBUTES = {"job": "job", "home country": "country", "pet": "pet"}

FACT_PHRASINGS = (
    "What is the {attribute} of {entity}?",
    "Name the {attribute} of {entity}.",
    "Tell me the {attribute} of {entity}.",
    "Do you know the {attribute} of {entity}?",
    "I forgot the {attribute} of {entity}.",
)

CATEGORY_PHRASINGS = (
    "What kind of thing is {thing}?",
    "What sort of thing is {thing}?",
    "To which group does {thing} belong?",
    "Tell me what {thing} is.",
    "What would you call {thing}?",
    "Name the group of {thing}.",
    "{thing}: what kind of thing is that?",
)

MEANING_PHRASINGS = (
    "What does {word} mean?",
    "What is the meaning of {word}?",
    "Explain the word {word}.",
    "Define the word {word}.",
    "Tell me what {word} means.",
    "I do not know the word {word}.",
)

OPPOSITE_PHRASINGS = (
    "What is the opposite of {word}?",
    "Name the opposite of {word}.",
    "Which word is the opposite of {word}?",
    "Give me the opposite of {word}.",
    "Tell me the opposite of {word}.",
)


def fact_value(world: World, entity: str, attribute: str) -> str:
    """What the world knows, as it stands in a sentence."""
    if attribute in ATTRIBUTES:
        value = str(getattr(world.country_of[entity], ATTRIBUTES[attribute]))
    else:
        value = str(getattr(world.person_of[entity], PERSON_ATTRIBUTES[attribute]))
    if attribute == "national animal":
        return f"the {value}"
    return a(value) if attribute in ("pet", "job") else value


def fact(world: World, entity: str, attribute: str, phrasing: int) -> Question:
    """A question about a country or a person."""
    prompt = FACT_PHRASINGS[phrasing].format(attribute=attribute, entity=entity)
    answer = f"The {attribute} of {entity} is {fact_value(world, entity, attribute)}."
    return Question("facts", f"fact{phrasing}", f"{attribute}/{entity}", prompt, answer)


def facts(world: World, rng: random.Random) -> Question:
    """A random fact: countries three times in four."""
    phrasing = rng.randrange(len(FACT_PHRASINGS))
    if rng.random() < 0.75:
        return fact(world, rng.choice(world.countries).name, rng.choice(list(ATTRIBUTES)), phrasing)
    person = rng.choice(world.people).name
    return fact(world, person, rng.choice(list(PERSON_ATTRIBUTES)), phrasing)


def category(world: World, noun: str, phrasing: int) -> Question:
    """What kind of thing something is."""
    prompt = sentence(CATEGORY_PHRASINGS[phrasing].format(thing=a(noun)))
    answer = f"{sentence(a(noun))} is {a(world.noun_of[noun].category)}."
    return Question("categories", f"category{phrasing}", noun, prompt, answer)


def categories(world: World, rng: random.Random) -> Question:
    """A random question about the kind of a thing."""
    return category(world, rng.choice(world.nouns).en, rng.randrange(len(CATEGORY_PHRASINGS)))


def definitions(world: World) -> dict[str, str]:
    """Every word with a meaning."""
    words = {adjective.en: adjective.meaning for adjective in world.adjectives}
    words |= {verb.en: verb.meaning for verb in world.verbs}
    return words | {category.en: category.meaning for category in world.categories}


def meaning(world: World, word: str, phrasing: int) -> Question:
    prompt = MEANING_PHRASINGS[phrasing].format(word=word)
    answer = f"{sentence(word)} means {definitions(world)[word]}."
    return Question("meanings", f"meaning{phrasing}", word, prompt, answer)


def opposite(world: World, word: str, phrasing: int) -> Question:
    """The opposite of an adjective."""
    prompt = OPPOSITE_PHRASINGS[phrasing].format(word=word)
    found = next(adjective.opposite for adjective in world.adjectives if adjective.en == word)
    return Question(
        "meanings", f"opposite{phrasing}", word, prompt, f"The opposite of {word} is {found}."
    )


def meanings(world: World, rng: random.Random) -> Question:
    """A random question about a word."""
    if rng.random() < 0.75:
        word = rng.choice(list(definitions(world)))
        return meaning(world, word, rng.randrange(len(MEANING_PHRASINGS)))
    word = rng.choice(world.adjectives).en
    return opposite(world, word, rng.randrange(len(OPPOSITE_PHRASINGS)))
