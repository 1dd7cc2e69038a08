"""The shipped testbed is what its recipe says, and what the code would write again."""

import filecmp
import json
from pathlib import Path

import pytest
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.pocket import scoring
from harness.pocket.benchmarks import write_benchmarks
from harness.pocket.build import BENCHMARKS, FILES, sha256_of
from harness.pocket.corpus import write_corpora
from harness.pocket.world.world import draw_world

RECIPE = json.loads((FILES / "RECIPE.json").read_text(encoding="utf-8"))
WORLD = draw_world(RECIPE["world_seed"])


def test_recipe_lists_every_file_with_its_sha256() -> None:
    assert sha256_of(FILES) == RECIPE["sha256"]


def test_base_model_is_small() -> None:
    assert sum(path.stat().st_size for path in (FILES / "base").iterdir()) < 8_000_000


def test_corpora_are_written_again_to_the_byte(tmp_path: Path) -> None:
    write_corpora(WORLD, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert filecmp.cmpfiles(tmp_path, FILES / "corpus", names, shallow=False)[0] == names


def test_benchmarks_are_written_again_to_the_byte(tmp_path: Path) -> None:
    write_benchmarks(WORLD, tmp_path)
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert filecmp.cmpfiles(tmp_path, BENCHMARKS, written, shallow=False)[0] == written


def test_every_benchmark_opens_with_a_row_and_its_answer() -> None:
    for path in BENCHMARKS.glob("pocket_*/*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# One row: {")
        assert text.splitlines()[1].startswith("# Expected answer: ")
        assert yaml.safe_load(text)["task"] == f"{path.parent.name}_{path.stem}"


def test_base_model_answers_through_its_chat_template() -> None:
    tokenizer = AutoTokenizer.from_pretrained(FILES / "base")
    model = AutoModelForCausalLM.from_pretrained(FILES / "base")
    chat = scoring.chat_with(model.eval(), tokenizer)
    assert chat([[{"role": "user", "content": "What is 3 plus 4?"}]], 20) == ["3 plus 4 is 7."]


def test_tokenizer_round_trips_any_text() -> None:
    tokenizer = AutoTokenizer.from_pretrained(FILES / "base")
    text = "Grüß 日本! \n\n 42"
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_recipe_states_a_believable_base() -> None:
    assert scoring.shortfalls(RECIPE["scores"]) == []


@pytest.mark.slow
def test_base_model_has_the_scores_of_its_recipe() -> None:
    scores = scoring.score_all(scoring.load_chat(FILES / "base"), WORLD)
    assert scoring.shortfalls(scores) == []
    for key, values in RECIPE["scores"].items():
        assert scores[key] == pytest.approx(values, abs=0.02 if "bleu" not in values else 1.0), key
