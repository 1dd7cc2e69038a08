import itertools
import json
from pathlib import Path

import pytest
import torch

from harness.pocket.base_training import (
    BaseRecipe,
    batches,
    collate,
    encode,
    fit,
    learning_rate,
    new_model,
    train_base,
)
from harness.pocket.build import FILES
from harness.pocket.examples import BaseExample
from harness.pocket.scoring import chat_with
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


def test_the_shipped_model_is_of_the_default_architecture(tokenizer, tmp_path: Path) -> None:
    new_model(tokenizer, BaseRecipe()).save_pretrained(tmp_path)
    assert described(tmp_path) == described(FILES / "base")


def described(folder: Path) -> dict[str, object]:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return {name: value for name, value in config.items() if name != "transformers_version"}


def test_the_other_architecture_differs_in_kind_and_not_in_size(tokenizer) -> None:
    llama = new_model(tokenizer, BaseRecipe())
    other = new_model(tokenizer, BaseRecipe("gpt_neox"))
    layer = other.base_model.layers[0]
    assert layer.use_parallel_residual
    assert isinstance(layer.input_layernorm, torch.nn.LayerNorm)
    assert layer.attention.query_key_value.weight.shape == (3 * 128, 128)
    assert layer.attention.rotary_ndims == 8  # a quarter of a head's 32
    matrices = [sum(p.numel() for p in m.parameters() if p.ndim > 1) for m in (llama, other)]
    assert matrices == [966_656, 966_656]


@pytest.mark.parametrize("architecture", ["llama", "gpt_neox"])
def test_a_model_learns_the_answer_it_is_shown_again_and_again(
    tokenizer, architecture: str
) -> None:
    chat = [{"role": "user", "content": "What is 3 plus 4?"}]
    row = encode(tokenizer, BaseExample("sums", chat, "3 plus 4 is 7."), question_weight=0.1)
    recipe = BaseRecipe(architecture, steps=30, warmup_steps=1)
    model = new_model(tokenizer, recipe)
    fit(model, itertools.repeat([row]), recipe)
    assert chat_with(model, tokenizer)([chat], 20) == ["3 plus 4 is 7."]


@pytest.mark.slow
def test_training_twice_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "other"):
        train_base(draw_world(5), tmp_path / name, RECIPE)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name
