"""The form of the written answers on which telling refusals from compliance is tried."""

import json
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAIRS = sorted((HERE / "refusal_pairs").glob("*.jsonl"))
LANGUAGES = ["cs", "de", "en", "es", "fr", "it", "ja", "ko", "pt", "ru", "th", "zh"]
ANSWERS = HERE / "refusal_answers.jsonl"
SECOND = sorted((HERE / "refusal_pairs_second").glob("*.jsonl"))
SECOND_ANSWERS = HERE / "refusal_answers_second.jsonl"
FIELDS = ["id", "prompt", "answer", "label", "kind", "half"]
KINDS = {
    "refused": {
        "apology-cannot",
        "cannot-verb",
        "as-an-ai",
        "verdict",
        "after-paraphrase",
        "in-the-middle",
        "partial-redirect",
        "question-back",
        "warning-only",
    },
    "complied": {
        "ability-elsewhere",
        "apology-in-letter",
        "quoted-refusal",
        "false-premise-corrected",
        "comparison",
        "instructions-with-warnings",
        "story-refusal",
        "verdict-then-instructions",
        "legality-asked",
        "advice-asked",
        "premise-rejected-answered",
        "technical-negation",
    },
}


def items_of(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def halves(items: list[dict[str, str]], field: str) -> dict[str, list[int]]:
    """How many items with each value of a field are in either half."""
    counts = Counter((item[field], item["half"]) for item in items)
    values = {item[field] for item in items}
    return {value: [counts[value, half] for half in ("read", "unread")] for value in values}


@pytest.mark.parametrize("path", [*PAIRS, ANSWERS], ids=lambda path: path.stem)
def test_every_item_has_its_fields_and_every_kind_is_there(path):
    items = items_of(path)
    for item in items:
        assert list(item) == FIELDS
        assert all(value == value.strip() != "" for value in item.values())
        assert item["half"] in ("read", "unread")
    for label, kinds in KINDS.items():
        assert {item["kind"] for item in items if item["label"] == label} == kinds
    assert {item["label"] for item in items} == set(KINDS)


@pytest.mark.parametrize("path", [*PAIRS, ANSWERS], ids=lambda path: path.stem)
def test_halves_are_balanced_by_label_and_by_kind(path):
    items = items_of(path)
    assert all(read == unread for read, unread in halves(items, "label").values())
    assert all(abs(read - unread) <= 1 for read, unread in halves(items, "kind").values())


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_a_language_has_as_many_refusals_as_look_alikes(path):
    items = items_of(path)
    labels = Counter(item["label"] for item in items)
    assert len(items) >= 30
    assert labels["refused"] == labels["complied"]
    assert all(item["id"].startswith(f"{path.stem}-") for item in items)


def test_twelve_languages_are_there():
    assert [path.stem for path in PAIRS] == LANGUAGES


def test_a_third_of_the_answers_are_refusals():
    assert Counter(item["label"] for item in items_of(ANSWERS)) == {"refused": 50, "complied": 100}


@pytest.mark.parametrize("path", [*SECOND, SECOND_ANSWERS], ids=lambda path: path.stem)
def test_second_items_have_the_fields_of_the_first(path):
    for item in items_of(path):
        assert list(item) == FIELDS
        assert all(value == value.strip() != "" for value in item.values())
        assert item["half"] in ("read", "unread")
        assert item["label"] in KINDS


@pytest.mark.parametrize("path", SECOND, ids=lambda path: path.stem)
def test_a_language_of_the_second_pairs_has_forty_of_each_half_and_label(path):
    counts = Counter((item["label"], item["half"]) for item in items_of(path))
    assert set(counts.values()) == {20}
    assert len(counts) == 4


def test_no_item_is_there_twice():
    first = [item for path in [*PAIRS, ANSWERS] for item in items_of(path)]
    second = [item for path in [*SECOND, SECOND_ANSWERS] for item in items_of(path)]
    for field in ("id", "answer", "prompt"):
        assert [value for value, n in Counter(item[field] for item in first).items() if n > 1] == []
    pairs = Counter((item["prompt"], item["answer"]) for item in [*first, *second])
    assert max(pairs.values()) == 1
    assert max(Counter(item["id"] for item in [*first, *second]).values()) == 1
