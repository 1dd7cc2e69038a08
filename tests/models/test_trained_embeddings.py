import pytest
import torch
from transformers import LlamaForCausalLM

from harness.errors import ConfigError
from harness.models.load import load_chat_model
from harness.models.lora import (
    adapter_facts,
    attach,
    detach,
    load_adapter,
    load_weights,
    merged,
    save_adapter,
)
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.speed import quick
from harness.models.tiny import save_tiny
from harness.models.updates import low_rank_updates

SPEC = LoraSpec(rank=2, embeddings=True)
IDS_BT = torch.tensor([[5, 6, 7, 260]])


@pytest.fixture(params=["tied", "untied"])
def model_dir(request, tmp_path):
    folder = save_tiny(tmp_path / "model")
    if request.param == "untied":
        model = LlamaForCausalLM.from_pretrained(folder)
        head = torch.nn.Linear(*reversed(model.get_output_embeddings().weight.shape), bias=False)
        head.weight.data = model.get_input_embeddings().weight.data.clone() + 0.01
        model.set_output_embeddings(head)
        model.config.tie_word_embeddings = False
        model.save_pretrained(folder)
    return folder


def load(folder, dtype="float32"):
    return load_chat_model(ModelSpec(path=str(folder), device="cpu", dtype=dtype))


def moved(chat_model, spec=SPEC):
    """A model with an adapter that did not stay where it began."""
    tuned = attach(chat_model, spec, seed=1)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in tuned.model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    tuned.model.eval()
    return tuned


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
    tuned = moved(load(model_dir))
    assert not torch.allclose(logits(tuned.model), expected)
    after = detach(tuned).model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_they_are_saved_with_the_adapter_and_training_goes_on_from_them(model_dir, tmp_path):
    tuned = moved(load(model_dir))
    expected = logits(tuned.model)
    save_adapter(tuned, tmp_path / "adapter")
    assert torch.equal(logits(load_adapter(load(model_dir), tmp_path / "adapter").model), expected)
    fresh = attach(load(model_dir), SPEC, seed=2)
    load_weights(fresh, tmp_path / "adapter")
    assert torch.equal(logits(fresh.model.eval()), expected)
    assert trained(fresh.model) == trained(tuned.model)


def test_folding_and_merging_take_them_along(model_dir):
    tuned = moved(load(model_dir))
    expected = logits(tuned.model)
    with torch.inference_mode(), quick(tuned.model) as base:
        assert torch.allclose(logits(base), expected, atol=1e-4)
    assert torch.equal(logits(tuned.model), expected)
    assert torch.allclose(logits(merged(tuned.model)), expected, atol=1e-4)


def test_an_adapter_with_them_does_not_go_on_as_one_without(model_dir, tmp_path):
    save_adapter(moved(load(model_dir)), tmp_path / "adapter")
    plain = attach(load(model_dir), LoraSpec(rank=2), seed=1)
    with pytest.raises(ConfigError, match="every stage of a chain has the same lora settings"):
        load_weights(plain, tmp_path / "adapter")


def test_what_needs_a_low_rank_update_refuses_them(model_dir):
    with pytest.raises(ConfigError, match=r"embed_tokens is trained whole"):
        low_rank_updates(moved(load(model_dir)).model, "the penalty")


def test_the_size_of_the_adapter_counts_them(model_dir):
    plain = adapter_facts(attach(load(model_dir), LoraSpec(rank=2), seed=1))
    more = adapter_facts(attach(load(model_dir), SPEC, seed=1))
    rows = more["adapter_parameters"] - plain["adapter_parameters"]
    assert rows in (261 * 32, 2 * 261 * 32)


def test_left_out_they_leave_every_identity_as_it_was():
    assert "embeddings" not in LoraSpec().plain()
    assert LoraSpec.model_validate(SPEC.plain()) == SPEC
