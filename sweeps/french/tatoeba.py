"""English sentences with their French translations, from the file of Tatoeba pairs.

Only short sentences of frequent words are kept, as the model is small. A sentence belongs to one
split with all its translations: to `base` (what the untuned model is trained on), `train`,
`validation` or `test`. English sentences that a careless comparison takes for the same (case,
punctuation) share their split, and what shares a French translation with a held-out sentence is
left out of `base` and `train`.
"""

import hashlib
import random
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SHARES = {"base": 0.70, "train": 0.22, "validation": 0.04, "test": 0.04}
MOST_REFERENCES = 4


@dataclass(frozen=True)
class Sentence:
    """An English sentence, one line, and its French translations, at least one."""

    english: str
    french: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """The English words as they stand, without the punctuation around them."""
        return [word.strip('.,!?;:"') for word in self.english.split()]


def draw_two(sentences: Sequence[Sentence], rng: random.Random) -> tuple[Sentence, Sentence]:
    """Two sentences; the first is a question more often than chance has it, as few are."""
    one, other = rng.sample(sentences, 2)
    if rng.random() < 0.4:
        asking = (s for s in rng.sample(sentences, 12) if s.english.endswith("?") and s != other)
        one = next(asking, one)
    return one, other


def stable_hash(text: str) -> int:
    """The same number for the same text on every machine."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def split_of(english: str) -> str:
    """The split of a sentence, by its letters and digits alone."""
    place = stable_hash(re.sub(r"\W+", " ", english).strip().lower()) / 2**64
    for name, share in SHARES.items():
        if place < share:
            return name
        place -= share
    return "test"


def read_sentences(
    path: Path, lengths: tuple[int, int] = (3, 7), least: int = 60
) -> dict[str, list[Sentence]]:
    """The sentences by split, in the order of the file.

    Args:
        path: fra-eng.zip.
        lengths: Fewest and most English words of a sentence.
        least: How often each of its words is to occur in the file.
    """
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("fra.txt").decode("utf-8").splitlines()
    french: dict[str, list[str]] = {}
    for line in lines:
        english, translation = (" ".join(side.split()) for side in line.split("\t")[:2])
        french.setdefault(english, []).append(translation)
    sentences = [Sentence(english, tuple(texts)) for english, texts in french.items()]
    counts = Counter(word.lower() for one in sentences for word in one.words)
    by_split: dict[str, list[Sentence]] = {name: [] for name in SHARES}
    for one in sentences:
        fits = lengths[0] <= len(one.words) <= lengths[1] and all(one.words)
        if fits and all(counts[word.lower()] >= least for word in one.words):
            by_split[split_of(one.english)].append(one)
    held_out = {
        text for name in ("validation", "test") for s in by_split[name] for text in s.french
    }
    for name in ("base", "train"):
        by_split[name] = [one for one in by_split[name] if not held_out.intersection(one.french)]
    return by_split
