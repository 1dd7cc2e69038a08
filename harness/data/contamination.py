"""Whether test items are in the training text: the same but for case and spacing, or nearly so.

Of each item the character n-grams are compared with those of one training text at a time. Nearly
the same means that a training text holds at least ``NEAR`` of the item's n-grams. Characters, not
words, so that Thai and Chinese, which have no spaces, are found too; n is smaller where a character
is a word of its own. Of short texts only copies count: that a longer text holds one says nothing.

The items are indexed and the training text, which is larger, streams past. The index has only as
many n-grams of an item as a near copy cannot do without: who lacks them all lacks more than
1 - ``NEAR`` of the item. They are those fewest items have, so hardly any text is looked at twice.
"""

import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from harness.records import JSON, Corpora

FACTS = "contamination/"
"""What the names of such facts begin with."""

NEAR = 0.8
SHORTEST = 20
"""Letters and digits a text needs to have near copies; a third of it in scripts of whole words."""
_N, _N_IDEOGRAPHIC = 8, 3
_HASHES = 2**21 - 1
_FIRST_IDEOGRAPH, _LAST_IDEOGRAPH = "\u2e80", "\u9fff"


class TrainingText(NamedTuple):
    """Text that is trained on.

    Attributes:
        id: Of its row.
        text: What it says.
        place: What it is of the row: ``source``, ``target``, ``request``, ``answer``, ``text``,
            ``question`` or ``pivot question``.
    """

    id: str
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Match:
    """A test item and the training text nearest to it.

    Attributes:
        item_id: In its benchmark.
        training_id: In its corpus.
        kind: ``exact`` when equal but for case, spacing and punctuation.
        share: Of the item's n-grams that the training text holds.
        text: The training text.
        place: What that is of its row, see ``TrainingText``.
    """

    item_id: str
    training_id: str
    kind: Literal["exact", "near"]
    share: float
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of one benchmark is in the training text.

    Attributes:
        num_items: Items of the benchmark.
        matches: The nearest training text of each item that has one, in the order of the items.
    """

    num_items: int
    matches: tuple[Match, ...]

    @property
    def exact(self) -> float:
        """Share of the items that are in the training text as they are."""
        return self._share("exact")

    @property
    def near(self) -> float:
        """Share of the items that are nearly, but not exactly, in the training text."""
        return self._share("near")

    def facts(self, benchmark: str) -> dict[str, float]:
        """As flat numbers, keyed ``contamination/<benchmark>/exact`` and ``.../near``."""
        name = f"{FACTS}{benchmark}"
        return {f"{name}/exact": self.exact, f"{name}/near": self.near}

    def _share(self, kind: str) -> float:
        found = sum(match.kind == kind for match in self.matches)
        return found / self.num_items if self.num_items else 0.0


def overlap_shares(facts: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The shares that facts of a run hold, by benchmark and kind; of benchmarks that have any."""
    shares: dict[str, dict[str, float]] = {}
    for name, share in facts.items():
        if name.startswith(FACTS):
            benchmark, _, kind = name.removeprefix(FACTS).rpartition("/")
            shares.setdefault(benchmark, {})[kind] = share
    return {benchmark: kinds for benchmark, kinds in shares.items() if any(kinds.values())}


def find_overlaps(
    training: Iterable[TrainingText],
    benchmarks: Mapping[str, Sequence[Mapping[str, JSON]]],
) -> dict[str, Overlap]:
    """Looks for the items of benchmarks in training texts, in one pass over these.

    Args:
        training: See ``training_texts``.
        benchmarks: Rows by the benchmark's key; see ``item_texts`` for what is compared.
    """
    index = _Index(
        ((key, number), text)
        for key, items in benchmarks.items()
        for number, item in enumerate(items)
        for text in item_texts(item)
    )
    best: dict[tuple[str, int], Match] = {}
    for row in training:
        for (key, number), is_exact, share in index.find(row.text):
            known = best.get((key, number))
            if known is None or (is_exact, share) > (known.kind == "exact", known.share):
                item_id = str(benchmarks[key][number].get("id", number))
                kind: Literal["exact", "near"] = "exact" if is_exact else "near"
                best[key, number] = Match(item_id, row.id, kind, share, row.text, row.place)
    return {
        key: Overlap(len(items), tuple(best[name] for name in sorted(best) if name[0] == key))
        for key, items in benchmarks.items()
    }


def training_texts(
    corpora: Corpora,
    used: Collection[str] = ("train", "instructions", "monolingual", "questions"),
    *,
    answers: bool = True,
) -> Iterator[TrainingText]:
    """All that may be trained on: both sides of pairs, chats, plain text.

    Args:
        corpora: What there is.
        used: Names of the corpora, as ``harness.data.spec.DataSpec`` calls them, that are drawn on.
        answers: Whether of chats the answers are trained on as they stand.
    """
    if "train" in used:
        for pair in corpora.parallel:
            yield TrainingText(pair.id, pair.source, "source")
            yield TrainingText(pair.id, pair.target, "target")
    if "instructions" in used:
        for instruction in corpora.instructions:
            for message in instruction.messages:
                yield TrainingText(instruction.id, message.content, "request")
            if answers and instruction.answer is not None:
                yield TrainingText(instruction.id, instruction.answer, "answer")
    if "monolingual" in used:
        for text in corpora.monolingual:
            yield TrainingText(text.id, text.text, "text")
    if "questions" in used:
        for question in corpora.questions:
            yield TrainingText(question.id, question.question, "question")
            yield TrainingText(question.id, question.pivot_question, "pivot question")


def item_texts(item: Mapping[str, JSON]) -> list[str]:
    """What of an item is compared: a translation's source and references, else the request."""
    references = item.get("references") if item.get("source") else ()
    first = item.get("source") or item.get("prompt") or None
    texts = [first, *(references if isinstance(references, Sequence) else ())]
    return [text for text in texts if isinstance(text, str)]


def normalise(text: str) -> str:
    """Letters, marks and digits alone, in lower case and one Unicode form.

    >>> normalise("Der  arme Lehrer, 2!")
    'derarmelehrer2'
    """
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return folded.casefold().translate(_KEPT)


class _Kept(dict[int, int | None]):
    """Which characters stay, by code point; each is looked up once."""

    def __missing__(self, code: int) -> int | None:
        kept = code if unicodedata.category(chr(code))[0] in "LMN" else None
        self[code] = kept
        return kept


_KEPT = _Kept()


class _Index:
    """The texts of test items, whole and by the n-grams a near copy cannot do without."""

    def __init__(self, texts: Iterable[tuple[tuple[str, int], str]]) -> None:
        self._owners: list[tuple[str, int]] = []
        self._texts: list[str] = []
        self._same: dict[str, list[int]] = defaultdict(list)
        for owner, text in texts:
            plain = normalise(text)
            if plain:
                self._same[plain].append(len(self._owners))
                self._owners.append(owner)
                self._texts.append(plain)
        self._postings: dict[str, list[int]] = defaultdict(list)
        # How many items have an n-gram, by its hash: that some share a count changes which are
        # indexed, never what is found, and keeps the index a quarter of the size of all n-grams.
        counts = array("L", [0]) * (_HASHES + 1)
        long = [(n, plain) for n, plain in enumerate(self._texts) if _is_long_enough(plain)]
        for _, plain in long:
            for gram in _grams(plain):
                counts[hash(gram) & _HASHES] += 1
        for number, plain in long:
            grams = _grams(plain)
            rarest = sorted(grams, key=lambda gram: counts[hash(gram) & _HASHES])
            for gram in rarest[: _num_needed(len(grams))]:
                self._postings[gram].append(number)
        self._grams_of = lru_cache(maxsize=2**12)(lambda number: _grams(self._texts[number]))

    def find(self, text: str) -> Iterator[tuple[tuple[str, int], bool, float]]:
        """Items this training text holds: owner, whether exactly, share of the n-grams."""
        plain = normalise(text)
        same = self._same.get(plain, ())
        for number in same:
            yield self._owners[number], True, 1.0
        grams = _grams(plain)
        found = grams & self._postings.keys()
        for number in {number for gram in found for number in self._postings[gram]}:
            wanted = self._grams_of(number)
            share = len(wanted & grams) / len(wanted)
            if share >= NEAR and number not in same:
                yield self._owners[number], False, share


def _num_needed(size: int) -> int:
    """Of so many n-grams, how many a near copy cannot all lack."""
    lacking = 0
    while lacking < size and (size - lacking) / size >= NEAR:
        lacking += 1
    return lacking


def _is_ideographic(plain: str) -> bool:
    if not plain or max(plain) < _FIRST_IDEOGRAPH:
        return False
    found = sum(_FIRST_IDEOGRAPH <= char <= _LAST_IDEOGRAPH for char in plain)
    return found > len(plain) / 2


def _is_long_enough(plain: str) -> bool:
    return len(plain) >= (SHORTEST // 3 if _is_ideographic(plain) else SHORTEST)


def _grams(plain: str) -> set[str]:
    """The n-grams of a normalised text."""
    n = _N_IDEOGRAPHIC if _is_ideographic(plain) else _N
    return {plain[start : start + n] for start in range(len(plain) - n + 1)}
