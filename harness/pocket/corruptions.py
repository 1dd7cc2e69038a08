"""Translations of known quality: what the pocket COMET learns from.

A correct translation is corrupted by edits that each cost a part of a word; with the cost C of all
edits and W words in the reference the quality is exp(-2 C / W), so 1 is perfect, one wrong ending
in eight words gives .88, one wrong word .78, a word-for-word rendering about .6. Nothing
translated, nothing said and another sentence's translation have fixed low qualities.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from harness.pocket.vocabulary import Vocabulary
from harness.pocket.world.sentences import pairs
from harness.pocket.world.world import World

Direction = Literal["en-de", "de-en"]
Edit = Callable[[list[str], "Rendering", random.Random], float]

UNTRANSLATED, EMPTY, UNRELATED = 0.02, 0.0, 0.1
_DETERMINERS = (
    "the",
    "a",
    "an",
    "der",
    "die",
    "das",
    "den",
    "dem",
    "ein",
    "eine",
    "einen",
    "einem",
)


@dataclass(frozen=True)
class Rendering:
    """One direction of a sentence pair, with the vocabulary of its target language."""

    direction: Direction
    source: str
    reference: str
    literal: str
    vocabulary: Vocabulary


def all_renderings(world: World, num_pairs: int, seed: int) -> list[Rendering]:
    """Both directions of sentences of the split reserved for COMET, into German first."""
    german, english = Vocabulary.german(world), Vocabulary.english(world)
    return [
        rendering
        for pair in pairs(world, num_pairs, seed, "comet")
        for rendering in (
            Rendering("en-de", pair.english, pair.german, pair.german_literal, german),
            Rendering("de-en", pair.german, pair.english, pair.english_literal, english),
        )
    ]


@dataclass(frozen=True)
class RatedTranslation:
    """A training row of the pocket COMET; `quality` is 0..1, `kind` how it was made."""

    direction: Direction
    source: str
    output: str
    reference: str
    quality: float
    kind: str


def rated_translations(
    world: World, num_pairs: int, outputs_each: int, seed: int
) -> list[RatedTranslation]:
    """Rated translations of `num_pairs` sentences, both directions, in a random order.

    The sentences are of the split reserved for COMET: none is in a corpus or a benchmark.
    """
    rng = random.Random(f"corruptions:{world.seed}:{seed}")
    drawn = all_renderings(world, num_pairs, seed)
    rows = [
        # two before is the same direction of the pair before
        corrupt(rendering, drawn[index - 2].reference, rng)
        for index, rendering in enumerate(drawn)
        for _ in range(outputs_each)
    ]
    rng.shuffle(rows)
    return rows


def ladder(rendering: Rendering, seed: int) -> dict[str, str]:
    """Outputs of one sentence from perfect to empty, to show what a metric makes of them."""
    rng = random.Random(f"ladder:{seed}:{rendering.source}")
    ending, wrong = split(rendering.reference), split(rendering.reference)
    wrong_ending(ending, rendering, rng)
    wrong_word(wrong, rendering, rng)
    return {
        "reference": rendering.reference,
        "wrong_ending": join(ending),
        "wrong_word": join(wrong),
        "word_for_word": rendering.literal,
        "untranslated": rendering.source,
        "empty": "",
    }


def corrupt(rendering: Rendering, unrelated: str, rng: random.Random) -> RatedTranslation:
    """One output of random kind, with the quality its making gives it."""
    kind = rng.choices(list(_SHARES), list(_SHARES.values()))[0]
    words = split(rendering.reference)
    num_words = len(words)
    cost = 0.0
    if kind == "empty":
        return _rated(rendering, "", EMPTY, kind)
    if kind == "untranslated":
        return _rated(rendering, rendering.source, UNTRANSLATED, kind)
    if kind == "unrelated":
        return _rated(rendering, unrelated, UNRELATED, kind)
    if kind in ("word_for_word", "word_for_word_edited"):
        literal = split(rendering.literal)
        aligned = SequenceMatcher(None, words, literal, autojunk=False).get_matching_blocks()
        cost += 0.6 * (num_words - sum(block.size for block in aligned))
        words = literal
    if kind == "half_translated":
        source = split(rendering.source)
        share = rng.uniform(0.2, 0.8)
        kept = round(share * num_words)
        cost += 0.9 * (num_words - kept)
        left_over = source[round(share * len(source)) :]
        words = words[:kept] + left_over if rng.random() < 0.5 else left_over + words[-kept:]
    if kind == "cut":
        kept = rng.randint(1, num_words - 1)
        cost += num_words - kept
        words = words[:kept]
    edits = {"few_edits": (1, 2), "many_edits": (3, 5), "word_for_word_edited": (1, 3)}.get(kind)
    for _ in range(rng.randint(*edits) if edits else 0):
        cost += rng.choices(_EDITS, _EDIT_SHARES)[0](words, rendering, rng)
    output = join(words)
    if kind == "remark":
        remark = f"{rng.choice(words)} – {rng.choice(split(rendering.source))}. {unrelated}"
        cost += 0.3 * len(remark.split())
        output = f"{output} {remark}"
    return _rated(rendering, output, math.exp(-2 * cost / num_words), kind)


_SHARES = {
    "perfect": 0.12,
    "few_edits": 0.34,
    "many_edits": 0.12,
    "word_for_word": 0.10,
    "word_for_word_edited": 0.08,
    "half_translated": 0.06,
    "untranslated": 0.05,
    "cut": 0.04,
    "remark": 0.04,
    "unrelated": 0.03,
    "empty": 0.02,
}


def _rated(rendering: Rendering, output: str, quality: float, kind: str) -> RatedTranslation:
    return RatedTranslation(
        rendering.direction, rendering.source, output, rendering.reference, quality, kind
    )


def split(sentence: str) -> list[str]:
    """Words without the full stop; the first in the case it has inside a sentence is unknown."""
    return sentence.removesuffix(".").split()


def join(words: list[str]) -> str:
    """The words as a sentence."""
    text = " ".join(words)
    return text[:1].upper() + text[1:] + "." if text else ""


def wrong_ending(words: list[str], rendering: Rendering, rng: random.Random) -> float:
    """Another form of a word: article, adjective ending, number, verb form."""
    return _replace_by(rendering.vocabulary.forms_of, 0.5, words, rng)


def wrong_word(words: list[str], rendering: Rendering, rng: random.Random) -> float:
    """Another word of the same kind."""
    return _replace_by(rendering.vocabulary.rivals_of, 1.0, words, rng)


def _replace_by(
    choices: Callable[[str], tuple[str, ...]], cost: float, words: list[str], rng: random.Random
) -> float:
    places = [index for index, word in enumerate(words) if choices(word)]
    if not places:
        return 0.0
    place = rng.choice(places)
    words[place] = rng.choice(choices(words[place]))
    return cost


def _missing_word(words: list[str], rendering: Rendering, rng: random.Random) -> float:
    if len(words) < 2:
        return 0.0
    word = words.pop(rng.randrange(len(words)))
    return 0.5 if word.lower() in _DETERMINERS else 1.0


def _repeated_word(words: list[str], rendering: Rendering, rng: random.Random) -> float:
    place = rng.randrange(len(words))
    words.insert(place, words[place])
    return 0.5


def _extra_word(words: list[str], rendering: Rendering, rng: random.Random) -> float:
    words.insert(rng.randint(0, len(words)), rng.choice(rendering.vocabulary.words))
    return 0.8


def _swapped_words(words: list[str], rendering: Rendering, rng: random.Random) -> float:
    if len(words) < 2:
        return 0.0
    place = rng.randrange(len(words) - 1)
    words[place], words[place + 1] = words[place + 1], words[place]
    return 0.5


def _left_over_word(words: list[str], rendering: Rendering, rng: random.Random) -> float:
    words[rng.randrange(len(words))] = rng.choice(split(rendering.source))
    return 1.0


_EDITS: tuple[Edit, ...] = (
    wrong_ending,
    wrong_word,
    _missing_word,
    _repeated_word,
    _extra_word,
    _swapped_words,
    _left_over_word,
)
_EDIT_SHARES = (0.40, 0.25, 0.10, 0.04, 0.05, 0.08, 0.08)
