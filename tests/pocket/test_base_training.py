import itertools
from pathlib import Path

import pytest

from harness.pocket.base_training import (
    BaseRecipe,
    batches,
    collate,
    encode,
    learning_rate,
    train_base,
)
from harness.pocket.build import FILES
from harness.pocket.examples import BaseExample
from harness.pocket.world.world import draw_world

RECIPE = BaseRecipe(steps=3, warmup_steps=1, batch_tokens=300, pool_batches=2)


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(FILES / "base")


def weighing(tokenizer, skill: str, weight: float) -> str:
    chat = [{"role": "user", "content": "What is 3 plus 4?"}]
    row = encode(tokenizer, BaseExample(skill, chat, "3 plus 4 is 7."), question_weight=0.25)
    assert tokenizer.decode(row.ids).endswith("<|assistant|>3 plus 4 is 7.<|end|>")
    pairs = zip(row.ids, row.weights, strict=True)
    return tokenizer.decode([token for token, found in pairs if found == weight])


def test_the_answer_and_its_end_weigh_one_and_the_question_a_little(tokenizer) -> None:
    assert weighing(tokenizer, "sums", 1.0) == "3 plus 4 is 7.<|end|>"
    assert weighing(tokenizer, "sums", 0.25) == "What is 3 plus 4?<|end|><|assistant|>"


def test_a_request_for_translation_is_not_learnt(tokenizer) -> None:
    assert weighing(tokenizer, "translation", 0.0).endswith("What is 3 plus 4?<|end|><|assistant|>")


def test_batches_keep_to_their_number_of_tokens(tokenizer) -> None:
    for rows in itertools.islice(batches(draw_world(5), tokenizer, RECIPE), 20):
        ids, weights = collate(rows, tokenizer.pad_token_id)
        assert ids.shape == weights.shape
        assert ids.numel() <= RECIPE.batch_tokens


def test_learning_rate_warms_up_and_falls() -> None:
    recipe = BaseRecipe(steps=100, warmup_steps=10)
    rates = [learning_rate(step, recipe) for step in range(100)]
    assert max(rates) == rates[10] == recipe.learning_rate
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.slow
def test_training_twice_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "other"):
        train_base(draw_world(5), tmp_path / name, RECIPE)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name
