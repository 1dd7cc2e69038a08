"""Which split a thing belongs to, decided by a hash of what it is.

Nothing is ever moved between splits by drawing more or in another order, so training, validation
and test are disjoint by construction.
"""

import hashlib
from typing import Literal

Split = Literal["train", "validation", "test"]
SentenceSplit = Literal["base", "comet", "train", "validation", "test"]


def stable_hash(*parts: object) -> int:
    """A hash that is equal on every machine and in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def split_of(skill: str, phrasing: str, entity: str) -> Split:
    """The split of a combination of phrasing and entity: 3/5 train, 1/5 validation, 1/5 test.

    A phrasing is a family and a number ("fact3"). The numbers of a family take the five fifths in
    turn, so an entity asked about in three or more phrasings is in training in at least one.
    """
    family = phrasing.rstrip("0123456789")
    number = int(phrasing[len(family) :] or 0)
    bucket = (stable_hash("item", skill, family, entity) + number) % 5
    return "validation" if bucket == 0 else "test" if bucket == 1 else "train"


def sentence_split_of(english: str) -> SentenceSplit:
    """The split of an English sentence and its translation.

    `base` sentences train the base model, `comet` ones the pocket COMET; train, validation and
    test are the parallel corpus.
    """
    bucket = stable_hash("sentence", english) % 20
    if bucket < 8:
        return "base"
    if bucket < 12:
        return "comet"
    if bucket < 16:
        return "train"
    return "validation" if bucket < 18 else "test"
