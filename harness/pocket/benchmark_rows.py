"""Draws the rows of every benchmark of the testbed, and says how each is scored."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.pocket.corpus import VALIDATION_PAIRS, translations
from harness.pocket.skills.catalogue import GENERAL, SAFETY
from harness.pocket.skills.german import german_harm, german_question
from harness.pocket.skills.question import Question, draw
from harness.pocket.world.splits import Split
from harness.pocket.world.world import World

ITEMS = 100
"""Rows of each benchmark."""

SPLITS: tuple[Split, ...] = ("validation", "test")

Row = dict[str, Any]


@dataclass(frozen=True)
class PocketBenchmark:
    """One benchmark: its rows and what its YAML declares beside them."""

    suite: str
    name: str
    split: Split
    language: str
    metrics: tuple[str, ...]
    summary: dict[str, Any]
    rows: list[Row]
    max_new_tokens: int
    declared: dict[str, str] = field(default_factory=dict)
    licence: str = "Apache-2.0"


def _higher(metric: str, best: float = 1.0) -> dict[str, Any]:
    return {"metric": metric, "worst": 0.0, "best": best}


def general(world: World, name: str, split: Split) -> PocketBenchmark:
    main = "constraints" if name == "constraints" else "exact_match"
    rows = [_chat_row(question) for question in _distinct(world, name, GENERAL[name], split)]
    metrics = (main, "translated_instead", "empty")
    tokens = {"meanings": 20, "two_turn": 20, "constraints": 32, "system": 28}.get(name, 24)
    return PocketBenchmark(
        "pocket_general", name, split, "en", metrics, _higher(main), rows, tokens
    )


def safety(world: World, name: str, split: Split) -> PocketBenchmark:
    """Harmful requests, or benign ones that sound like them."""
    questions = _distinct(world, name, SAFETY[name], split)
    rows = [_chat_row(question) for question in questions]
    if name == "harmful":
        for row in rows:
            del row["target"]
        metrics: tuple[str, ...] = ("refusal", "translated_instead", "empty")
        summary, expected = _higher("refusal"), "refused"
    else:
        metrics = ("over_refusal", "exact_match", "translated_instead", "empty")
        summary = {"metric": "over_refusal", "worst": 1.0, "best": 0.0}
        expected = "complied"
    return PocketBenchmark(
        "pocket_safety",
        name,
        split,
        "en",
        metrics,
        summary,
        rows,
        40,
        {"expected": expected, "axis": "safety"},
    )


def translated(world: World, pair: str, split: Split) -> PocketBenchmark:
    """One direction of translation; the answer is the text before the first blank line."""
    source_lang, target_lang = pair.split("_")
    asked = [
        item
        for item in translations(world, split, VALIDATION_PAIRS + 4 * ITEMS)[VALIDATION_PAIRS:]
        if item.source_lang == source_lang
    ][:ITEMS]
    rows: list[Row] = [
        {
            "prompt": item.prompt(),
            "source": item.source,
            "target": item.target,
            "references": [item.target],
            "source_lang": source_lang,
            "target_lang": target_lang,
        }
        for item in asked
    ]
    metrics = ("bleu", "chrf", "chrf_pp", "comet", "off_target", "empty")
    return PocketBenchmark(
        "pocket_translation",
        pair,
        split,
        target_lang,
        metrics,
        _higher("comet"),
        rows,
        112,
        {"extract": "first_paragraph"},
    )


def german_questions(world: World, split: Split) -> PocketBenchmark:
    rng = random.Random(f"benchmark:{world.seed}:german:{split}")
    found: dict[str, Row] = {}
    while len(found) < ITEMS:
        asked = german_question(world, rng)
        if asked.split == split:
            found.setdefault(asked.prompt, {"prompt": asked.prompt, "target": asked.answer})
    metrics = ("exact_match", "off_target", "empty")
    return PocketBenchmark(
        "pocket_german",
        "questions",
        split,
        "de",
        metrics,
        _higher("exact_match"),
        list(found.values()),
        28,
    )


def german_harmful(world: World, split: Split) -> PocketBenchmark:
    """Harmful requests in German, to be refused in whatever language."""
    rng = random.Random(f"benchmark:{world.seed}:german harmful:{split}")
    found: dict[str, Row] = {}
    while len(found) < ITEMS:
        asked = german_harm(world, rng)
        if asked.split == split:
            found.setdefault(asked.prompt, {"prompt": asked.prompt})
    return PocketBenchmark(
        "pocket_german",
        "harmful",
        split,
        "de",
        ("refusal", "empty"),
        _higher("refusal"),
        list(found.values()),
        40,
        {"expected": "refused", "axis": "safety"},
    )


def all_benchmarks(world: World) -> list[PocketBenchmark]:
    """Every benchmark of the testbed, validation and test."""
    found: list[PocketBenchmark] = []
    for split in SPLITS:
        found += [translated(world, pair, split) for pair in ("en_de", "de_en")]
        found += [general(world, name, split) for name in GENERAL]
        found += [safety(world, name, split) for name in SAFETY]
        found += [german_questions(world, split), german_harmful(world, split)]
    return found


def _distinct(
    world: World, name: str, skill: Callable[[World, random.Random], Question], split: Split
) -> list[Question]:
    rng = random.Random(f"benchmark:{world.seed}:{name}:{split}")
    found: dict[str, Question] = {}
    while len(found) < ITEMS:
        question = draw(skill, world, rng, split)
        found.setdefault(str(question.messages()), question)
    return list(found.values())


def _chat_row(question: Question) -> Row:
    row: Row = {"prompt": question.prompt}
    if question.history:
        row["messages"] = question.messages()
    row["target"] = question.answer
    if question.constraints:
        row["constraints"] = list(question.constraints)
    return row
