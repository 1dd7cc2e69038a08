"""Thoughts of a model are kept beside its answers, through the store, and are not scored."""

import json
from dataclasses import replace

from harness.evaluation.predict import predict, predict_stored
from harness.models.generation.completions import StoredGenerator
from harness.models.thoughts import split_thoughts
from harness.records import Decoding
from harness.storage.store import Store
from tests.fakes import ScriptedGenerator

SAID = {"Norland": "<think>Norland, hm</think>\n\nToral.", "Sudland": "<think>I do not"}


class Thinker(ScriptedGenerator):
    """Answers as a model does whose chat template knows of thoughts."""

    def generate(self, prompts, decoding):
        return [self._cut(one) for one in super().generate(prompts, decoding)]

    def _cut(self, generation):
        thoughts, text = split_thoughts(generation.text)
        return replace(generation, text=text, thoughts=thoughts)


def thinker():
    return Thinker(
        lambda prompt: next((said for name, said in SAID.items() if name in prompt), "5")
    )


def test_what_is_scored_is_what_follows_the_thoughts(benchmarks):
    benchmarks.write()
    (found,) = predict(benchmarks.find(), thinker()).values()
    assert [(row.output, row.answer) for row in found] == [
        ("Toral.", "Toral."),
        ("", ""),
        ("5",) * 2,
    ]
    assert [row.extra.get("thoughts") for row in found] == [
        "<think>Norland, hm</think>",
        "<think>I do not",
        None,
    ]


def test_how_many_items_were_thought_about_aloud_is_a_fact(benchmarks, tmp_path):
    benchmarks.write()
    store = Store(tmp_path / "store")
    (built,) = predict_stored(benchmarks.find(), {}, store, thinker).values()
    assert built.facts["thought_aloud"] == 2


def test_stored_completions_keep_thoughts_and_write_none_where_there_are_none(tmp_path):
    inner, store = thinker(), Store(tmp_path)
    prompts = [inner.tokenizer.encode("Norland"), inner.tokenizer.encode("2 + 3")]
    for _ in range(2):
        stored = StoredGenerator({}, lambda: None, lambda: inner, store)
        found = stored.generate(prompts, Decoding(60))
        assert [one.thoughts for one in found] == ["<think>Norland, hm</think>", ""]
    (built,) = stored.built
    assert built.reused
    (file,) = built.path.glob("*.jsonl")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [sorted(row) for row in rows] == [
        ["finished", "text", "thoughts", "token_ids"],
        ["finished", "text", "token_ids"],
    ]
