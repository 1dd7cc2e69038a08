"""Sentences of the world: English, correct German, and the word-for-word rendering of each.

A sentence is drawn as a structure, then written out twice. Every word of either language carries
its *gloss*, the dictionary form in the other language, so that the uninflected word-for-word
translation in either direction falls out of the same structure.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.pocket.world import german, lexicon
from harness.pocket.world.lexicon import Adjective, Case, Noun, Verb
from harness.pocket.world.splits import SentenceSplit, sentence_split_of
from harness.pocket.world.world import World

Word = tuple[str, str]
"""A word as written and its gloss; an empty gloss has no counterpart."""


@dataclass(frozen=True)
class Phrase:
    """A noun phrase; `number` above one means a numeral and a plural, a `name` stands alone."""

    noun: Noun | None
    determiner: str = ""
    adjective: Adjective | None = None
    number: int = 1
    name: str = ""

    def english(self) -> list[Word]:
        """The words in English, glossed in German."""
        if self.noun is None:
            return [(self.name, self.name)]
        described = [(self.adjective.en, self.adjective.de)] if self.adjective else []
        if self.number > 1:
            numeral = next(row for row in lexicon.NUMBERS if row[2] == self.number)
            return [numeral[:2], *described, (self.noun.en_plural, self.noun.de)]
        words = [*described, (self.noun.en, self.noun.de)]
        article = self.determiner
        if article == "a" and words[0][0][0] in "aeiou":
            article = "an"
        return [(article, german.DETERMINERS[self.determiner]), *words]

    def german(self, case: Case) -> list[Word]:
        """The words in German in the given case, glossed in English; articles have no gloss."""
        if self.noun is None:
            return [(self.name, self.name)]
        if self.number > 1:
            numeral = next(row for row in lexicon.NUMBERS if row[2] == self.number)
            ending = "en" if case == "dat" else "e"
            noun = german.plural(self.noun, case)
            article = (numeral[1], numeral[0])
        else:
            ending = german.adjective_ending(self.determiner, self.noun.gender, case)
            noun = self.noun.de
            gloss = "" if self.determiner in ("the", "a") else self.determiner
            article = (german.determiner(self.determiner, self.noun.gender, case), gloss)
        described = (
            [(german.adjective(self.adjective, ending), self.adjective.en)]
            if self.adjective
            else []
        )
        return [article, *described, (noun, self.noun.en)]


@dataclass(frozen=True)
class Sentence:
    """The structure of a main clause; `verb` None makes it a copula with `quality`."""

    subject: Phrase
    verb: Verb | None = None
    receiver: Phrase | None = None
    object: Phrase | None = None
    companion: Phrase | None = None
    place: str = ""
    adverb: tuple[str, str] | None = None
    frequency: tuple[str, str] | None = None
    modal: tuple[str, str, str, str] | None = None
    past: bool = False
    quality: Adjective | None = None

    def english(self) -> list[Word]:
        """English words, glossed in German."""
        words: list[Word] = [self.adverb] if self.adverb else []
        if self.past:
            words = [("yesterday", "gestern")]
        words += self.subject.english()
        if self.verb is None:
            assert self.quality
            return [*words, ("is", "sein"), (self.quality.en, self.quality.de), *self._place()]
        if self.frequency:
            words.append(self.frequency)
        if self.modal:
            words.append((self.modal[0], self.modal[2]))
            words += [(self.modal[3], "")] if self.modal[3] else []
            words.append((self.verb.en, self.verb.de))
        else:
            words.append((self.verb.en_past if self.past else self.verb.en_third, self.verb.de))
        for phrase in (self.receiver, self.object):
            words += phrase.english() if phrase else []
        if self.companion:
            words += [("with", "mit"), *self.companion.english()]
        return words + self._place()

    def german(self) -> list[Word]:
        """German words, glossed in English; the finite verb stands second, the rest of it last."""
        if self.verb is None:
            assert self.quality
            finite: Word = ("ist", "be")
            last: list[Word] = []
            middle = [*self._place(), (self.quality.de, self.quality.en)]
        else:
            verb = self.verb
            if self.modal:
                finite = (self.modal[1], self.modal[0].removesuffix("s") or "want")
                last = [(verb.de, verb.en)]
            elif self.past:
                finite, last = ("hat", "have"), [(verb.de_participle, verb.en)]
            else:
                finite = (verb.de_third, verb.en)
                last = [(verb.prefix, "")] if verb.prefix else []
            middle = [(self.frequency[1], self.frequency[0])] if self.frequency else []
            middle += self.receiver.german("dat") if self.receiver else []
            if self.object:
                middle += self.object.german("dat" if verb.frame == "dat" else "acc")
            middle += [("mit", "with"), *self.companion.german("dat")] if self.companion else []
            middle += self._place()
        subject = self.subject.german("nom")
        first = ("gestern", "yesterday") if self.past else self.adverb and self.adverb[::-1]
        if first:
            return [(first[0], first[1]), finite, *subject, *middle, *last]
        return [*subject, finite, *middle, *last]

    def _place(self) -> list[Word]:
        return [("in", "in"), (self.place, self.place)] if self.place else []


@dataclass(frozen=True)
class SentencePair:
    """An English sentence, its correct German, and both word-for-word renderings.

    `german_literal` is what a weak translator makes of `english`, `english_literal` of `german`.
    """

    english: str
    german: str
    german_literal: str
    english_literal: str
    structure: Sentence


def write(sentence: Sentence) -> SentencePair:
    """Writes a structure out in both languages, well and word for word."""
    english, german_words = sentence.english(), sentence.german()
    return SentencePair(
        english=_join(word for word, _ in english),
        german=_join(word for word, _ in german_words),
        german_literal=_join(gloss for _, gloss in english),
        english_literal=_join(gloss for _, gloss in german_words),
        structure=sentence,
    )


def _join(words: Iterable[str]) -> str:
    text = " ".join(word for word in words if word)
    return text[0].upper() + text[1:] + "."


def draw_sentence(world: World, rng: random.Random) -> Sentence:
    place = rng.choice(world.countries).name if rng.random() < 0.3 else ""
    if rng.random() < 0.08:
        subject = _thing(world, rng, world.nouns, adjective=0.0)
        return Sentence(subject, place=place, quality=rng.choice(world.adjectives))
    verb = rng.choice(world.verbs)
    subject = _subject(world, rng)
    pool = {
        "any": world.nouns,
        "people": world.nouns_in["person"] + world.nouns_in["animal"],
        "things": tuple(
            noun for noun in world.nouns if noun.category not in ("person", "building")
        ),
    }[verb.objects]
    pool = tuple(noun for noun in pool if noun is not subject.noun)
    number = rng.choice(lexicon.NUMBERS)[2] if rng.random() < 0.22 else 1
    receiver = None
    if verb.frame == "dat_acc":
        receiver = _thing(world, rng, world.nouns_in["person"], adjective=0.2)
    tense = rng.random()
    extra = rng.random()
    return Sentence(
        subject=subject,
        verb=verb,
        receiver=receiver,
        object=_thing(world, rng, pool, adjective=0.45, number=number),
        companion=_subject(world, rng) if extra < 0.12 and not receiver else None,
        place=place,
        adverb=rng.choice(lexicon.ADVERBS) if tense < 0.25 else None,
        past=0.25 <= tense < 0.45,
        modal=rng.choice(lexicon.MODALS) if 0.45 <= tense < 0.65 else None,
        frequency=rng.choice(lexicon.FREQUENCIES) if 0.65 <= tense < 0.8 else None,
    )


def _subject(world: World, rng: random.Random) -> Phrase:
    if rng.random() < 0.3:
        return Phrase(None, name=rng.choice(world.people).name)
    pool = world.nouns_in["person"] + (world.nouns_in["animal"] if rng.random() < 0.3 else ())
    return _thing(world, rng, pool, adjective=0.4)


def _thing(
    world: World,
    rng: random.Random,
    pool: tuple[Noun, ...],
    adjective: float,
    number: int = 1,
) -> Phrase:
    described = rng.choice(world.adjectives) if rng.random() < adjective else None
    determiner = rng.choice(("the", "the", "a", "a", "my", "this"))
    return Phrase(rng.choice(pool), determiner, described, number)


def stream(world: World, seed: int, split: SentenceSplit) -> Iterator[SentencePair]:
    """Sentence pairs of one split without end; pairs may repeat.

    Args:
        world: what the sentences are about.
        seed: of this stream; independent of the world's seed.
        split: pairs of different splits never share an English sentence.
    """
    rng = random.Random(f"sentences:{world.seed}:{split}:{seed}")
    while True:
        pair = write(draw_sentence(world, rng))
        if sentence_split_of(pair.english) == split:
            yield pair


def pairs(world: World, count: int, seed: int, split: SentenceSplit) -> list[SentencePair]:
    """`count` different sentence pairs of one split, in the order drawn."""
    found: dict[str, SentencePair] = {}
    for pair in stream(world, seed, split):
        found.setdefault(pair.english, pair)
        if len(found) == count:
            break
    return list(found.values())
