"""What a corpus holds: counts, lengths, and what a look at its rows makes suspicious."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Literal, TypeAlias

from harness.data.readers import (
    read_instructions,
    read_lines,
    read_pairs,
    read_questions,
    read_texts,
)
from harness.data.spec import CorpusSpec
from harness.records import Corpora

Kind: TypeAlias = Literal["parallel", "instructions", "monolingual", "questions"]

LONG_RATIO = 3.0
"""A side this many times as long as the other, in characters, is worth a look."""
_SHORT = 20


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
    """

    kind: Kind
    num_rows: int
    languages: dict[str, int]
    lengths: dict[str, Lengths]
    findings: dict[str, int]


def read_corpus(spec: CorpusSpec, kind: Kind | None = None) -> Corpora:
    """The rows of one corpus file; without a kind, its first row tells.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    match kind or _kind_of(Path(spec.path)):
        case "instructions":
            return Corpora(parallel=(), instructions=read_instructions(spec))
        case "monolingual":
            return Corpora(parallel=(), monolingual=read_texts(spec))
        case "questions":
            return Corpora(parallel=(), questions=read_questions(spec))
        case _:
            return Corpora(parallel=read_pairs(spec))


def describe(corpora: Corpora) -> Description:
    """Describes what ``read_corpus`` gave."""
    if corpora.instructions:
        requests = [chat.messages[-1].content for chat in corpora.instructions]
        return Description(
            "instructions", len(requests), {}, {"request": _lengths(requests)}, _repeated(requests)
        )
    if corpora.monolingual:
        texts = [row.text for row in corpora.monolingual]
        languages = Counter(row.language for row in corpora.monolingual)
        return Description(
            "monolingual", len(texts), dict(languages), {"text": _lengths(texts)}, _repeated(texts)
        )
    if corpora.questions:
        asked = [row.question for row in corpora.questions]
        answers = [row.answer for row in corpora.questions]
        return Description(
            "questions",
            len(asked),
            dict(Counter(f"{row.language}-{row.pivot_language}" for row in corpora.questions)),
            {"question": _lengths(asked), "answer": _lengths(answers)},
            _repeated(asked),
        )
    sources = [pair.source for pair in corpora.parallel]
    targets = [pair.target for pair in corpora.parallel]
    return Description(
        "parallel",
        len(sources),
        dict(Counter(f"{pair.source_lang}-{pair.target_lang}" for pair in corpora.parallel)),
        {"source": _lengths(sources), "target": _lengths(targets)},
        _suspicious_pairs(sources, targets),
    )


def _kind_of(path: Path) -> Kind:
    """By the fields of the first row; a file that is no JSON lines is parallel text."""
    if path.suffix.lower() != ".jsonl":
        return "parallel"
    first = next((line for line in read_lines(path) if line.strip()), "")
    try:
        row = json.loads(first)
    except ValueError:
        return "parallel"  # whose reader names the fault
    if isinstance(row, dict) and "source" not in row:
        if "messages" in row:
            return "instructions"
        if "text" in row:
            return "monolingual"
        if "pivot_question" in row:
            return "questions"
    return "parallel"


def _lengths(texts: Sequence[str]) -> Lengths:
    sizes = [len(text) for text in texts]
    return Lengths(fmean(sizes), median(sizes), max(sizes))


def _repeated(texts: Sequence[str]) -> dict[str, int]:
    repeated = len(texts) - len(set(texts))
    return {"a text that an earlier row has": repeated} if repeated else {}


def _suspicious_pairs(sources: Sequence[str], targets: Sequence[str]) -> dict[str, int]:
    pairs = list(zip(sources, targets, strict=True))
    counts = {
        "a pair that an earlier row has": len(pairs) - len(set(pairs)),
        "a source that an earlier row translates otherwise": len(set(pairs)) - len(set(sources)),
        "a target that is its source": sum(source == target for source, target in pairs),
        f"one side over {LONG_RATIO:g} times as long as the other": sum(
            _is_lopsided(source, target) for source, target in pairs
        ),
    }
    return {what: count for what, count in counts.items() if count}


def _is_lopsided(source: str, target: str) -> bool:
    short, long = sorted((len(source), len(target)))
    return long > LONG_RATIO * short and long > _SHORT
