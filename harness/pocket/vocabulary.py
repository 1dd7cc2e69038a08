"""The written forms of the world's words in one language: forms of a word, and words like it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.pocket.world import german, lexicon
from harness.pocket.world.world import World

_ENDINGS = ("", "e", "en", "er", "es", "em")


@dataclass(frozen=True)
class Vocabulary:
    """Every table row is one word in all its forms, every table one kind of word.

    Words are looked up as written and in lower case, for a sentence's first word is capitalised.
    """

    tables: tuple[tuple[tuple[str, ...], ...], ...]

    @classmethod
    def german(cls, world: World) -> "Vocabulary":
        return cls(
            _tables(
                [
                    ("der", "die", "das", "den", "dem"),
                    *(tuple(stem + end for end in _ENDINGS) for stem in ("ein", "mein")),
                    tuple(f"dies{end}" for end in _ENDINGS[1:]),
                ],
                [(noun.de, german.plural(noun, "nom"), german.plural(noun, "dat"))
                 for noun in world.nouns],
                [(verb.de, verb.de_third, verb.de_participle) for verb in world.verbs],
                [(*((word.stem or word.de) + end for end in _ENDINGS[1:]), word.de)
                 for word in world.adjectives],
                [(modal[1], modal[2]) for modal in lexicon.MODALS],
                *([(row[1],) for row in pool]
                  for pool in (lexicon.NUMBERS, lexicon.ADVERBS, lexicon.FREQUENCIES)),
                *_names(world),
            )
        )  # fmt: skip

    @classmethod
    def english(cls, world: World) -> "Vocabulary":
        return cls(
            _tables(
                [("the", "a", "an"), ("my",), ("this",)],
                [(noun.en, noun.en_plural) for noun in world.nouns],
                [(verb.en, verb.en_third, verb.en_past) for verb in world.verbs],
                [(word.en,) for word in world.adjectives],
                [(modal[0], modal[0].removesuffix("s")) for modal in lexicon.MODALS],
                *([(row[0],) for row in pool]
                  for pool in (lexicon.NUMBERS, lexicon.ADVERBS, lexicon.FREQUENCIES)),
                *_names(world),
            )
        )  # fmt: skip

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word in its first form."""
        return tuple(row[0] for table in self.tables for row in table)

    def forms_of(self, word: str) -> tuple[str, ...]:
        """The other forms of the word, () where it has none or is not known."""
        return self._forms.get(word) or self._forms.get(word.lower()) or ()

    def rivals_of(self, word: str) -> tuple[str, ...]:
        """Other words of its kind in the same form."""
        return self._rivals.get(word) or self._rivals.get(word.lower()) or ()

    @cached_property
    def _forms(self) -> dict[str, tuple[str, ...]]:
        return {
            form: tuple(dict.fromkeys(other for other in row if other != form))
            for table in self.tables
            for row in table
            for form in row
        }

    @cached_property
    def _rivals(self) -> dict[str, tuple[str, ...]]:
        rivals: dict[str, tuple[str, ...]] = {}
        for table in self.tables:
            for row in table:
                for place, form in enumerate(row):
                    others = (other[min(place, len(other) - 1)] for other in table if other != row)
                    rivals[form] = tuple(dict.fromkeys(other for other in others if other != form))
        return rivals


def _tables(*tables: Sequence[tuple[str, ...]]) -> tuple[tuple[tuple[str, ...], ...], ...]:
    return tuple(tuple(table) for table in tables)


def _names(world: World) -> Iterable[Sequence[tuple[str, ...]]]:
    yield [(person.name,) for person in world.people]
    yield [(country.name,) for country in world.countries]
