"""Thoughts of a model are kept beside its answers, through the store, and are not scored."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from harness.cli.main import main
from harness.evaluation.predict import predict, predict_stored
from harness.evaluation.score_file import OutputReading
from harness.models.generation.completions import StoredGenerator
from harness.models.thoughts import split_thoughts
from harness.records import Decoding
from harness.storage.files import write_rows
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


@pytest.mark.parametrize(
    ("thoughts", "answers"),
    [
        (None, ["4", "Use </think> at the end.", "<think>kept</think>4", "<p>a</p>4"]),
        (
            "off",
            ["[THINK]hm[/THINK]4", "Use </think> at the end.", "<think>kept</think>4", "<p>a</p>4"],
        ),
        (
            ("<p>", "</p>"),
            ["[THINK]hm[/THINK]4", "Use </think> at the end.", "<think>kept</think>4", "4"],
        ),
    ],
)
def test_thoughts_are_cut_off_outputs_of_others_that_come_without_an_answer(
    tmp_path, thoughts, answers
):
    outputs = [
        "[THINK]hm[/THINK]4",
        "Use </think> at the end.",
        "<think>kept</think>4",
        "<p>a</p>4",
    ]
    rows = [{"id": str(number), "output": output} for number, output in enumerate(outputs)]
    rows[2]["answer"] = outputs[2]
    write_rows(tmp_path / "said.jsonl", rows)
    read = OutputReading(thoughts=thoughts).rows(tmp_path / "said.jsonl")
    assert [row.answer for row in read] == answers
    assert [row.output for row in read] == outputs


def test_thoughts_are_cut_off_lines_of_plain_text(tmp_path):
    (tmp_path / "said.txt").write_text("<think>hm</think>4\nfive\n")
    (tmp_path / "right.txt").write_text("4\n5\n")
    read = OutputReading(references=(tmp_path / "right.txt",)).rows(tmp_path / "said.txt")
    assert [row.answer for row in read] == ["4", "five"]


def test_marks_that_are_none_are_refused(tmp_path):
    (tmp_path / "said.jsonl").write_text('{"id": "1", "output": "4", "target": "4"}\n')
    asked = ["score", str(tmp_path / "said.jsonl"), "--metric", "exact_match", "--thoughts", "<p>"]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 2
    assert "--thoughts: found '<p>', allowed: two marks" in result.output
