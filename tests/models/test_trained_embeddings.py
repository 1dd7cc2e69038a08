import pytest
import torch

from harness.errors import ConfigError
from harness.models.lora import (
    adapter_facts,
    attach,
    detach,
    load_adapter,
    load_weights,
    merged,
    save_adapter,
)
from harness.models.spec import LoraSpec
from harness.models.speed import quick
from harness.models.updates import low_rank_updates
from tests.models.moved import load, moved, write_tiny

SPEC = LoraSpec(rank=2, embeddings=True)
IDS_BT = torch.tensor([[5, 6, 7, 260]])


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def model_dir(request, tmp_path):
    return write_tiny(tmp_path / "model", tied=request.param)


def logits(model):
    with torch.no_grad():
        return model(input_ids=IDS_BT).logits


def trained(model):
    return {name for name, value in model.named_parameters() if value.requires_grad}


def test_embeddings_and_head_are_trained_in_float32_beside_the_adapter(model_dir):
    for dtype in ("float32", "bfloat16"):
        model = attach(load(model_dir, dtype), SPEC, seed=1).model
        rows = {name for name in trained(model) if "lora_" not in name}
        untied = not model.config.tie_word_embeddings
        assert len(rows) == 1 + untied
        assert all(
            (value.dtype, value.shape) == (torch.float32, (261, 32))
            for name, value in model.named_parameters()
            if name in rows
        )


def test_every_row_gets_a_gradient(model_dir):
    model = attach(load(model_dir), SPEC, seed=1).model.train()
    model(input_ids=IDS_BT).logits.logsumexp(-1).sum().backward()
    rows = [value for name, value in model.named_parameters() if "trainable_tokens" in name]
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in rows)


def test_they_begin_as_the_base_model_and_leave_it_as_it_was(model_dir):
    chat_model = load(model_dir)
    before = {name: value.clone() for name, value in chat_model.model.state_dict().items()}
    expected = logits(chat_model.model)
    assert torch.equal(logits(attach(chat_model, SPEC, seed=1).model.eval()), expected)
    tuned = moved(load(model_dir), SPEC)
    assert not torch.allclose(logits(tuned.model), expected)
    after = detach(tuned).model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_they_are_saved_with_the_adapter_and_training_goes_on_from_them(model_dir, tmp_path):
    tuned = moved(load(model_dir), SPEC)
    expected = logits(tuned.model)
    save_adapter(tuned, tmp_path / "adapter")
    assert torch.equal(logits(load_adapter(load(model_dir), tmp_path / "adapter").model), expected)
    fresh = attach(load(model_dir), SPEC, seed=2)
    load_weights(fresh, tmp_path / "adapter")
    assert torch.equal(logits(fresh.model.eval()), expected)
    assert trained(fresh.model) == trained(tuned.model)


def test_folding_and_merging_take_them_along(model_dir):
    tuned = moved(load(model_dir), SPEC)
    expected = logits(tuned.model)
    with torch.inference_mode(), quick(tuned.model) as base:
        assert torch.allclose(logits(base), expected, atol=1e-4)
    assert torch.equal(logits(tuned.model), expected)
    assert torch.allclose(logits(merged(tuned.model)), expected, atol=1e-4)


def test_an_adapter_with_them_does_not_go_on_as_one_without(model_dir, tmp_path):
    save_adapter(moved(load(model_dir), SPEC), tmp_path / "adapter")
    plain = attach(load(model_dir), LoraSpec(rank=2), seed=1)
    with pytest.raises(ConfigError, match="every training of a chain has the same lora settings"):
        load_weights(plain, tmp_path / "adapter")


def test_what_needs_a_low_rank_update_refuses_them(model_dir):
    with pytest.raises(ConfigError, match=r"embed_tokens is trained whole"):
        low_rank_updates(moved(load(model_dir), SPEC).model, "the penalty")


def test_the_size_of_the_adapter_counts_them(model_dir):
    plain = adapter_facts(attach(load(model_dir), LoraSpec(rank=2), seed=1))
    more = adapter_facts(attach(load(model_dir), SPEC, seed=1))
    rows = more["adapter_parameters"] - plain["adapter_parameters"]
    assert rows in (261 * 32, 2 * 261 * 32)


def test_left_out_they_leave_every_identity_as_it_was():
    assert "embeddings" not in LoraSpec().plain()
    assert LoraSpec.model_validate(SPEC.plain()) == SPEC
