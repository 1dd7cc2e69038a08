import itertools
from pathlib import Path

import pytest

from harness.pocket.base_training import (
    IGNORED,
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


def test_loss_is_on_the_answer_and_its_end_only(tokenizer) -> None:
    chat = [{"role": "user", "content": "What is 3 plus 4?"}]
    row = encode(tokenizer, BaseExample("sums", chat, "3 plus 4 is 7."))
    learnt = [token for token in row.targets if token != IGNORED]
    assert tokenizer.decode(learnt) == "3 plus 4 is 7.<|end|>"
    assert tokenizer.decode(row.ids).endswith("<|assistant|>3 plus 4 is 7.<|end|>")


def test_batches_keep_to_their_number_of_tokens(tokenizer) -> None:
    for rows in itertools.islice(batches(draw_world(5), tokenizer, RECIPE), 20):
        ids, targets = collate(rows, tokenizer.pad_token_id)
        assert ids.shape == targets.shape
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
