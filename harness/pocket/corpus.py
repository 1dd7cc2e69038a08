"""Writes the corpora: parallel text, texts of one language, English chats, German questions."""

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.pocket.skills.catalogue import GENERAL, SAFETY
from harness.pocket.skills.german import german_harm, german_question
from harness.pocket.skills.question import draw
from harness.pocket.skills.translation import Translation, translation
from harness.pocket.world.sentences import pairs
from harness.pocket.world.splits import SentenceSplit
from harness.pocket.world.world import World

CORPUS_SEED = 11
TRAIN_PAIRS = 1200
VALIDATION_PAIRS = 180
DIRECTIONS = ("en", "en", "de")
"""Source languages in turn: twice as much into German, the harder direction."""

TEXT_SENTENCES = {"de": 600, "en": 300}
GERMAN_STATEMENTS = 200
INSTRUCTIONS_PER_SKILL = 60
GERMAN_QUESTIONS = 1200
GERMAN_HARM_SHARE = 0.125
"""Of those, harmful requests with refusals: the English chats hold some too."""


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes JSON lines, UTF-8, keys in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def translations(world: World, split: SentenceSplit, count: int) -> list[Translation]:
    """Parallel sentences, every sentence in one direction only."""
    return [
        translation(world, pair, DIRECTIONS[place % len(DIRECTIONS)])
        for place, pair in enumerate(pairs(world, count, CORPUS_SEED, split))
    ]


def parallel_rows(world: World, split: SentenceSplit, count: int) -> list[dict[str, str]]:
    return [
        {
            "id": f"{split}-{place:05d}",
            "source": asked.source,
            "target": asked.target,
            "source_lang": asked.source_lang,
            "target_lang": asked.target_lang,
        }
        for place, asked in enumerate(translations(world, split, count))
    ]


def text_rows(world: World) -> list[dict[str, str]]:
    """Text without translation: German sentences, German answers of training, English sentences."""
    sentences = pairs(world, sum(TEXT_SENTENCES.values()), CORPUS_SEED, "base")
    german = [pair.german for pair in sentences[: TEXT_SENTENCES["de"]]]
    german += [row["answer"] for row in german_question_rows(world)[:GERMAN_STATEMENTS]]
    english = [pair.english for pair in sentences[TEXT_SENTENCES["de"] :]]
    return [
        {"id": f"text-{language}-{place:05d}", "text": text, "language": language}
        for language, texts in (("de", german), ("en", english))
        for place, text in enumerate(texts)
    ]


def instruction_rows(world: World) -> list[dict[str, Any]]:
    """English chats of every skill with their answers, from the training split."""
    rng = random.Random(f"instructions:{world.seed}")
    found: dict[str, dict[str, Any]] = {}
    for name, skill in (GENERAL | SAFETY).items():
        before = len(found)
        while len(found) < before + INSTRUCTIONS_PER_SKILL:
            question = draw(skill, world, rng, "train")
            messages = question.messages()
            row = {"messages": messages, "answer": question.answer, "skill": name}
            found.setdefault(json.dumps(messages), row)
    chats = list(found.values())
    rng.shuffle(chats)
    return [{"id": f"instruction-{place:05d}", **chat} for place, chat in enumerate(chats)]


def german_question_rows(world: World) -> list[dict[str, str]]:
    """German requests of the training split with answers, each beside its English counterpart."""
    rng = random.Random(f"german questions:{world.seed}:train")
    found: dict[str, dict[str, str]] = {}
    while len(found) < GERMAN_QUESTIONS:
        ask = german_harm if rng.random() < GERMAN_HARM_SHARE else german_question
        asked = ask(world, rng)
        if asked.split == "train":
            row = {
                "id": f"german-question-{len(found):05d}",
                "question": asked.prompt,
                "answer": asked.answer,
                "language": "de",
                "pivot_question": asked.english.prompt,
                "pivot_answer": asked.english.answer,
                "pivot_language": "en",
            }
            found.setdefault(asked.prompt, row)
    return list(found.values())


def write_corpora(world: World, folder: Path) -> None:
    """Writes every corpus into the folder."""
    write_rows(folder / "train.jsonl", parallel_rows(world, "train", TRAIN_PAIRS))
    write_rows(folder / "validation.jsonl", parallel_rows(world, "validation", VALIDATION_PAIRS))
    write_rows(folder / "texts.jsonl", text_rows(world))
    write_rows(folder / "questions.jsonl", german_question_rows(world))
    write_rows(folder / "instructions.jsonl", instruction_rows(world))
