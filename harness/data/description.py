"""What a corpus holds: counts, lengths, and what a look at its rows makes suspicious."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from harness.data.checks import KINDS, find, unidentified
from harness.data.fields import WORDS
from harness.data.readers import (
    Kind,
    Lines,
    kind_of,
    read_instructions,
    read_pairs,
    read_questions,
    read_texts,
)
from harness.data.spec import ChecksSpec, CorpusSpec
from harness.records import Corpora, Pair

SLOW = "wrong_language"
MOST_IDENTIFIED = 20_000
"""Pairs whose languages are looked at, evenly spread: ten seconds' work."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths in characters."""

    mean: float
    median: float
    longest: int


@dataclass(frozen=True, slots=True)
class Description:
    """What a corpus holds.

    Attributes:
        kind: What it can be used for.
        num_rows: Rows.
        languages: Rows by language pair (``en-de``) or by language; {} for instructions.
        lengths: By side: ``source`` and ``target``, ``request``, ``text``, or ``question`` and
            ``answer``.
        findings: Number of rows by what is suspicious about them; only what was found.
        left_out: Number of rows its checks left out, by what ails them.
        lines_left_out: The lines these are on.
    """

    kind: Kind
    num_rows: int
    languages: dict[str, int]
    lengths: dict[str, Lengths]
    findings: dict[str, int]
    left_out: dict[str, int] = field(default_factory=dict)
    lines_left_out: Lines = field(default_factory=dict)


def read_corpus(
    spec: CorpusSpec, kind: Kind | None = None, lines_left_out: Lines | None = None
) -> Corpora:
    """The rows of one corpus; without a kind, its first row tells.

    Args:
        spec: The corpus.
        kind: What it is to be read as.
        lines_left_out: See ``harness.data.readers.read_pairs``.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    match kind or kind_of(spec):
        case "instructions":
            return Corpora(parallel=(), instructions=read_instructions(spec, None, lines_left_out))
        case "monolingual":
            return Corpora(parallel=(), monolingual=read_texts(spec, None, lines_left_out))
        case "questions":
            return Corpora(parallel=(), questions=read_questions(spec, None, lines_left_out))
        case _:
            return Corpora(parallel=read_pairs(spec, None, lines_left_out))


def describe(
    corpora: Corpora, checks: ChecksSpec | None = None, lines_left_out: Lines | None = None
) -> Description:
    """Describes what ``read_corpus`` gave.

    Args:
        corpora: Rows of one kind.
        checks: What is over-long and lopsided; by default its defaults.
        lines_left_out: What ``read_corpus`` told.
    """
    kind, languages, texts = _texts(corpora)
    first, pairs = next(iter(texts.values())), corpora.parallel
    return Description(
        kind,
        len(first),
        dict(Counter(languages)),
        {side: _lengths(one_side) for side, one_side in texts.items()},
        _suspicious_pairs(pairs, checks or ChecksSpec()) if pairs else _repeated(first),
        {WORDS[kind]: len(lines) for kind, lines in (lines_left_out or {}).items()},
        {WORDS[kind]: lines for kind, lines in (lines_left_out or {}).items()},
    )


def _texts(corpora: Corpora) -> tuple[Kind, list[str], dict[str, list[str]]]:
    """Of the rows of one kind: that kind, each one's language, and their texts by side."""
    if corpora.instructions:
        requests = [chat.messages[-1].content for chat in corpora.instructions]
        return "instructions", [], {"request": requests}
    if corpora.monolingual:
        tags = [row.language for row in corpora.monolingual]
        return "monolingual", tags, {"text": [row.text for row in corpora.monolingual]}
    if corpora.questions:
        tags = [f"{row.language}-{row.pivot_language}" for row in corpora.questions]
        asked = [row.question for row in corpora.questions]
        answers = [row.answer for row in corpora.questions]
        return "questions", tags, {"question": asked, "answer": answers}
    tags = [f"{pair.source_lang}-{pair.target_lang}" for pair in corpora.parallel]
    sources = [pair.source for pair in corpora.parallel]
    targets = [pair.target for pair in corpora.parallel]
    return "parallel", tags, {"source": sources, "target": targets}


def _lengths(texts: Sequence[str]) -> Lengths:
    sizes = [len(text) for text in texts]
    return Lengths(fmean(sizes), median(sizes), max(sizes))


def _repeated(texts: Sequence[str]) -> dict[str, int]:
    repeated = len(texts) - len(set(texts))
    return {"a text that an earlier row has": repeated} if repeated else {}


def _is_quoted(text: str) -> bool:
    return len(text) > 2 and text[0] == text[-1] == '"' and '""' in text[1:-1]


def _suspicious_pairs(pairs: Sequence[Pair], checks: ChecksSpec) -> dict[str, int]:
    quick = [kind for kind in KINDS if kind != SLOW]
    counts = {WORDS[kind]: len(find(kind, pairs, checks)) for kind in quick}
    looked_at = pairs[:: -(-len(pairs) // MOST_IDENTIFIED) or 1]
    some = "" if len(looked_at) == len(pairs) else f" (of {len(looked_at)} rows looked at)"
    counts[WORDS[SLOW] + some] = len(find(SLOW, looked_at, checks))
    for tag, count in unidentified(pairs).items():
        counts[f"a side in {tag}, which language identification does not know"] = count
    counts["a side of several lines"] = sum("\n" in pair.source + pair.target for pair in pairs)
    counts["quotation marks around a side and doubled in it, as of CSV"] = sum(
        _is_quoted(pair.source) or _is_quoted(pair.target) for pair in pairs
    )
    different = {(pair.source, pair.target) for pair in pairs}
    otherwise = len(different) - len({pair.source for pair in pairs})
    counts["a source that an earlier row translates otherwise"] = otherwise
    return {what: count for what, count in counts.items() if count}
