"""Training, validation and test share nothing, by construction and as shipped."""

import itertools
import json
import random
from pathlib import Path

import pytest

from harness.pocket.benchmark_rows import ITEMS, all_benchmarks
from harness.pocket.corpus import VALIDATION_PAIRS, parallel_rows
from harness.pocket.examples import base_examples
from harness.pocket.skills.catalogue import GENERAL, SAFETY
from harness.pocket.skills.question import OPENERS, openers
from harness.pocket.world.splits import sentence_split_of, split_of
from harness.pocket.world.world import draw_world

WORLD = draw_world(3)
BENCHMARKS = all_benchmarks(WORLD)


def chats(split: str) -> set[str]:
    return {
        json.dumps(row.get("messages", row["prompt"]))
        for benchmark in BENCHMARKS
        if benchmark.split == split
        for row in benchmark.rows
    }


def test_every_benchmark_has_a_hundred_different_items() -> None:
    for benchmark in BENCHMARKS:
        assert len({json.dumps(row) for row in benchmark.rows}) == ITEMS, benchmark.name


def test_validation_and_test_items_are_disjoint() -> None:
    assert not chats("validation") & chats("test")


def test_base_training_never_shows_a_benchmark_prompt() -> None:
    shown = {
        chat_text(example.messages) for example in itertools.islice(base_examples(WORLD, 1), 6_000)
    }
    held_out = {
        chat_text(row.get("messages") or [{"role": "user", "content": row["prompt"]}])
        for benchmark in BENCHMARKS
        for row in benchmark.rows
    }
    assert not shown & held_out


def chat_text(messages: list[dict[str, str]]) -> str:
    """A system prompt does not make a question another one; an earlier turn does."""
    return json.dumps([turn["content"] for turn in messages if turn["role"] != "system"])


def test_remarks_never_answer_a_benchmark_question() -> None:
    asked = {
        row["prompt"].removeprefix(opener)
        for benchmark in BENCHMARKS
        if benchmark.suite in ("pocket_general", "pocket_safety")
        for row in benchmark.rows
        if "messages" not in row
        for opener in OPENERS
        if opener and row["prompt"].startswith(opener)
    }
    said = "\n".join(
        example.answer
        for example in itertools.islice(base_examples(WORLD, 2), 4_000)
        if "\n\n" in example.answer
    )
    assert asked
    assert not [question for question in asked if question in said]


def test_an_entity_asked_about_in_three_phrasings_is_known_from_training() -> None:
    for entity in map(str, range(500)):
        splits = {split_of("facts", f"fact{number}", entity) for number in range(3)}
        assert "train" in splits


def test_openers_of_the_splits_are_disjoint() -> None:
    for phrasing in map(str, range(50)):
        train, validation, test = (
            set(openers("facts", phrasing, split)) for split in ("train", "validation", "test")
        )
        assert not train & validation
        assert not train & test
        assert not validation & test


@pytest.mark.parametrize("name", sorted(GENERAL | SAFETY))
def test_every_skill_draws_all_three_splits(name: str) -> None:
    rng = random.Random(0)
    drawn = {(GENERAL | SAFETY)[name](WORLD, rng).split for _ in range(500)}
    assert drawn == {"train", "validation", "test"}


def test_parallel_sentences_are_disjoint() -> None:
    train, validation = (
        {english(row) for row in parallel_rows(WORLD, split, VALIDATION_PAIRS)}
        for split in ("train", "validation")
    )
    benchmarks = {
        (benchmark.split, english(row))
        for benchmark in BENCHMARKS
        if benchmark.suite == "pocket_translation"
        for row in benchmark.rows
    }
    held_out = {sentence for _, sentence in benchmarks}
    assert not train & validation
    assert not (train | validation) & held_out
    for split, sentence in benchmarks:
        assert sentence_split_of(sentence) == split


def english(row: dict[str, str]) -> str:
    return row["source"] if row["source_lang"] == "en" else row["target"]


def test_shipped_corpus_and_benchmarks_share_no_sentence() -> None:
    root = Path(__file__).parents[2]
    corpus = root / "harness" / "pocket" / "files" / "corpus"
    sentences = {
        json.loads(line)["source"]
        for name in ("train", "validation")
        for line in (corpus / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    }
    for path in (root / "benchmarks" / "data" / "pocket_translation").glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert json.loads(line)["source"] not in sentences
