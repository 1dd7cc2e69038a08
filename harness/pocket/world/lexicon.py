"""What a word of the pocket world is, and its small words, English and German.

All German nouns keep one form in every case of the singular (no weak masculines), so case shows
on determiner and adjective; the dative plural adds -n by rule.
"""

from dataclasses import dataclass
from typing import Literal

Gender = Literal["m", "f", "n"]
Case = Literal["nom", "acc", "dat"]


@dataclass(frozen=True)
class Noun:
    """A countable noun; `size` orders things from small (1) to large (9)."""

    en: str
    en_plural: str
    de: str
    de_plural: str
    gender: Gender
    category: str
    size: int


@dataclass(frozen=True)
class Verb:
    """A verb of the third person; `objects` is what it may take, `frame` which cases it governs."""

    en: str
    en_third: str
    en_past: str
    de: str
    de_third: str
    de_participle: str
    meaning: str
    prefix: str = ""
    frame: Literal["acc", "dat", "dat_acc"] = "acc"
    objects: Literal["any", "things", "people"] = "things"


@dataclass(frozen=True)
class Adjective:
    """An adjective; `stem` is the German form that takes endings where it differs from `de`."""

    en: str
    de: str
    opposite: str
    meaning: str
    stem: str = ""


@dataclass(frozen=True)
class Category:
    """A kind of thing, with the German word for it."""

    en: str
    en_plural: str
    de: str
    de_plural: str
    gender: Gender
    meaning: str


CATEGORIES: tuple[Category, ...] = (
    Category("animal", "animals", "Tier", "Tiere", "n", "a living thing that can move"),
    Category("fruit", "fruits", "Frucht", "Früchte", "f", "a sweet thing to eat"),
    Category("tool", "tools", "Werkzeug", "Werkzeuge", "n", "a thing to work with"),
    Category("vehicle", "vehicles", "Fahrzeug", "Fahrzeuge", "n", "a thing to travel with"),
    Category("building", "buildings", "Gebäude", "Gebäude", "n", "a thing with walls and a roof"),
    Category("person", "people", "Person", "Personen", "f", "someone who can speak"),
    Category(
        "instrument", "instruments", "Instrument", "Instrumente", "n", "a thing to make music"
    ),
    Category("garment", "garments", "Kleidungsstück", "Kleidungsstücke", "n", "a thing to wear"),
    Category(
        "plant", "plants", "Pflanze", "Pflanzen", "f", "a living thing that grows in the earth"
    ),
)

COLOURS: tuple[tuple[str, str], ...] = (
    ("red", "rot"),
    ("blue", "blau"),
    ("green", "grün"),
    ("white", "weiß"),
    ("black", "schwarz"),
    ("yellow", "gelb"),
    ("brown", "braun"),
)

NUMBERS: tuple[tuple[str, str, int], ...] = (
    ("two", "zwei", 2),
    ("three", "drei", 3),
    ("four", "vier", 4),
    ("five", "fünf", 5),
    ("six", "sechs", 6),
    ("seven", "sieben", 7),
)

FIRST_NAMES: tuple[str, ...] = (
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas",
    "Karl", "Lena", "Max", "Nora", "Otto", "Paul", "Rosa", "Tom", "Vera", "Willi",
)  # fmt: skip

JOBS: tuple[str, ...] = (
    "baker",
    "teacher",
    "doctor",
    "farmer",
    "painter",
    "driver",
    "singer",
    "cook",
)

ADVERBS: tuple[tuple[str, str], ...] = (
    ("today", "heute"),
    ("now", "jetzt"),
    ("tomorrow", "morgen"),
)
"""Stand first in the sentence; German then puts the verb before the subject."""

FREQUENCIES: tuple[tuple[str, str], ...] = (("often", "oft"), ("always", "immer"), ("never", "nie"))

MODALS: tuple[tuple[str, str, str, str], ...] = (
    ("can", "kann", "können", ""),
    ("must", "muss", "müssen", ""),
    ("wants", "will", "wollen", "to"),
)
"""English form, German form, German infinitive, English particle before the infinitive."""
