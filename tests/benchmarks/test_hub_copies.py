"""Copies of hub data sets in the data folder: their files are what is read, and nothing is kept."""

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import datasets
import pytest

from harness.benchmarks.read import select
from harness.benchmarks.spec import EvalSpec
from harness.errors import DataError

YAML = """task: words_test
output_type: generate_until
generation_kwargs: {until: [], max_gen_toks: 8}
metadata:
  version: 1
  harness:
    split: test
    language: de
    metrics: [exact_match]
    licence: none
    data:
      format: hub
      hub: owner/words
      rows: {prompt: "{{q}}", target: "{{a}}"}
      get: from its author
"""
CARD = (
    "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: test\n    path: rows/*\n---\n"
)


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_parquet(folder, rows):
    (folder / "data").mkdir(exist_ok=True)
    table = datasets.Dataset.from_list(rows)
    table.to_parquet(str(folder / "data/test-00000-of-00001.parquet"))


def as_jsonl(folder, rows):
    (folder / "test.jsonl").write_text(lines(rows), encoding="utf-8")


def as_csv(folder, rows):
    text = "q,a\n" + "".join(f"{row['q']},{row['a']}\n" for row in rows)
    (folder / "test.csv").write_text(text, encoding="utf-8")


def with_a_card(folder, rows):
    (folder / "rows").mkdir(exist_ok=True)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    (folder / "rows/all.jsonl").write_text(lines(rows), encoding="utf-8")


def packed(folder, rows):
    (folder / "test.jsonl.gz").write_bytes(gzip.compress(lines(rows).encode()))


def in_an_archive(folder, rows):
    with zipfile.ZipFile(folder / "test.zip", "w") as archive:
        archive.writestr("test.jsonl", lines(rows))


LAYOUTS = [as_parquet, as_jsonl, as_csv, with_a_card, packed, in_an_archive]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A benchmark of rows of a hub data set, and a cache of Hugging Face's that is empty."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "benchmarks/words").mkdir(parents=True)
    (tmp_path / "benchmarks/words/words_test.yaml").write_text(YAML, encoding="utf-8")
    return tmp_path


def put(place, layout, answer, number=2, data="data"):
    folder = place / data / "hub/owner/words"
    folder.mkdir(parents=True, exist_ok=True)
    layout(folder, [{"q": f"word {n}", "a": answer} for n in range(number)])


def read(place, data="data"):
    folders = {"folder": str(place / "benchmarks"), "data": str(place / data)}
    (benchmark,) = select(EvalSpec(suites=("words",), **folders)).benchmarks
    return benchmark


def targets(benchmark):
    return [row["target"] for row in benchmark.items]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_copy_that_was_edited_is_read_anew_and_nothing_is_cached(place, layout):
    put(place, layout, "A")
    before = read(place)
    put(place, layout, "B")
    after = read(place)
    assert (targets(before), targets(after)) == (["A", "A"], ["B", "B"])
    assert before.data_sha256 != after.data_sha256
    assert not (place / "cache").exists()


def test_another_data_folder_has_its_own_rows(place):
    put(place, as_jsonl, "A")
    put(place, as_jsonl, "A", number=5, data="other")
    assert len(read(place).items) == 2
    assert len(read(place, "other").items) == 5


def test_a_copy_that_cannot_be_read_is_said_with_its_place(place):
    put(place, as_jsonl, "A")
    (place / "data/hub/owner/words/test.jsonl").write_text('{"q": ', encoding="utf-8")
    with pytest.raises(DataError, match=r"its copy at .*hub/owner/words cannot be read so"):
        read(place)


def arc(place, gold):
    folder = place / "data/hub/allenai/ai2_arc"
    folder.mkdir(parents=True, exist_ok=True)
    choices = {"text": ["yes", "no"], "label": ["A", "B"]}
    rows = [{"question": f"Is {n} it?", "choices": choices, "answerKey": gold} for n in range(3)]
    card = "---\nconfigs:\n- config_name: ARC-Easy\n  data_files:\n"
    for split in ("train", "validation", "test"):
        (folder / f"{split}.jsonl").write_text(lines(rows), encoding="utf-8")
        card += f"  - split: {split}\n    path: {split}.jsonl\n"
    (folder / "README.md").write_text(card + "---\n", encoding="utf-8")


@pytest.mark.slow
def test_a_task_of_lm_evals_has_the_gold_answers_that_its_copy_has_now(place):
    def gold():
        folders = {"folder": str(place / "benchmarks"), "data": str(place / "data")}
        (benchmark,) = select(EvalSpec(suites=("lm_eval:arc_easy",), **folders)).benchmarks
        return [benchmark.task.task.doc_to_target(row) for row in benchmark.task.task.test_docs()]

    arc(place, "A")
    assert gold() == [0, 0, 0]
    arc(place, "B")
    assert gold() == [1, 1, 1]
    assert not (place / "cache").exists()


@pytest.mark.slow
def test_listing_benchmarks_writes_nothing_and_shows_no_bars(place):
    arc(place, "A")
    put(place, as_jsonl, "A")
    text = "include: lm_eval\ntask: arc_easy\nneeds: [allenai/ai2_arc]\n"
    (place / "benchmarks/words/arc_test.yaml").write_text(text, encoding="utf-8")
    home = place / "somebody"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "harness", "list", "benchmarks", "--json"],
        cwd=place,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "HARNESS_DATA": str(place / "data"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    keys = {one["benchmark"] for one in json.loads(done.stdout)["benchmarks"]}
    assert keys == {"words/arc_test", "words/words_test"}
    assert done.stderr == ""
    assert list(home.rglob("*")) == []
