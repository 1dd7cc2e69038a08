"""A world: which words, names and facts exist, drawn from one seed."""

import random
from dataclasses import dataclass
from functools import cached_property

from harness.pocket.world import lexicon
from harness.pocket.world.lexicon import Adjective, Category, Noun, Verb
from harness.pocket.world.nouns import NOUNS
from harness.pocket.world.words import ADJECTIVE_PAIRS, VERBS

NOUNS_PER_CATEGORY = 6
NUM_VERBS = 16
NUM_ADJECTIVE_PAIRS = 9
NUM_COUNTRIES = 18
NUM_PEOPLE = 12

_ONSETS = (
    "B",
    "D",
    "F",
    "G",
    "K",
    "L",
    "M",
    "N",
    "P",
    "R",
    "S",
    "T",
    "V",
    "Z",
    "Br",
    "Gr",
    "Kr",
    "Tr",
)
_VOWELS = ("a", "e", "i", "o", "u")
_CODAS = ("l", "n", "r", "s", "m")
_ENDINGS = {
    "country": ("land", "ia", "onia"),
    "city": ("burg", "ville", "stad"),
    "river": ("ava", "elle"),
    "mountain": ("horn", "tor"),
}


@dataclass(frozen=True)
class Country:
    """An invented country and everything that is known about it."""

    name: str
    capital: str
    river: str
    mountain: str
    animal: str
    colour: str


@dataclass(frozen=True)
class Person:
    """A named person and everything that is known about them."""

    name: str
    job: str
    country: str
    pet: str


@dataclass(frozen=True)
class World:
    """Everything that exists; two worlds of one seed are equal."""

    seed: int
    categories: tuple[Category, ...]
    nouns: tuple[Noun, ...]
    verbs: tuple[Verb, ...]
    adjectives: tuple[Adjective, ...]
    countries: tuple[Country, ...]
    people: tuple[Person, ...]

    @cached_property
    def noun_of(self) -> dict[str, Noun]:
        """Nouns by their English word."""
        return {noun.en: noun for noun in self.nouns}

    @cached_property
    def nouns_in(self) -> dict[str, tuple[Noun, ...]]:
        """Nouns by category, in the order in which this world lists them."""
        return {
            category.en: tuple(noun for noun in self.nouns if noun.category == category.en)
            for category in self.categories
        }

    @cached_property
    def category_of(self) -> dict[str, Category]:
        """Categories by their English word."""
        return {category.en: category for category in self.categories}

    @cached_property
    def country_of(self) -> dict[str, Country]:
        return {country.name: country for country in self.countries}

    @cached_property
    def person_of(self) -> dict[str, Person]:
        return {person.name: person for person in self.people}


def draw_world(seed: int) -> World:
    """Draws words, names and facts; the same seed gives the same world on every machine."""
    rng = random.Random(f"world:{seed}")
    nouns: list[Noun] = []
    for category in lexicon.CATEGORIES:
        pool = [noun for noun in NOUNS if noun.category == category.en]
        nouns += rng.sample(pool, NOUNS_PER_CATEGORY)
    verbs = tuple(rng.sample(VERBS, NUM_VERBS))
    adjectives = tuple(
        adjective for pair in rng.sample(ADJECTIVE_PAIRS, NUM_ADJECTIVE_PAIRS) for adjective in pair
    )
    animals = [noun.en for noun in nouns if noun.category == "animal"]
    taken: set[str] = set()
    countries = tuple(
        Country(
            name=_invent("country", rng, taken),
            capital=_invent("city", rng, taken),
            river=_invent("river", rng, taken),
            mountain=_invent("mountain", rng, taken),
            animal=rng.choice(animals),
            colour=rng.choice(lexicon.COLOURS)[0],
        )
        for _ in range(NUM_COUNTRIES)
    )
    people = tuple(
        Person(name, rng.choice(lexicon.JOBS), rng.choice(countries).name, rng.choice(animals))
        for name in rng.sample(lexicon.FIRST_NAMES, NUM_PEOPLE)
    )
    return World(seed, lexicon.CATEGORIES, tuple(nouns), verbs, adjectives, countries, people)


def _invent(kind: str, rng: random.Random, taken: set[str]) -> str:
    """A new name whose beginning no other name has."""
    while True:
        beginning = rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS)
        if beginning not in taken:
            taken.add(beginning)
            return beginning + rng.choice(_ENDINGS[kind])
