"""Models that cannot be talked to here are told before they are trained; others adapted in part."""

import pytest
import torch

from harness.errors import ConfigError
from harness.models.folder import model_folder
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from tests.models.test_limits import COMMON_SIZES, as_architecture, changed, loaded
from tests.toys.families import save_toy


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"layer_types": ["full_attention", "conv"]}, "layers of type conv, allowed full_att"),
        ({"text_config": {"layer_types": ["linear_attention"]}}, "layers of type linear_attention"),
        ({"model_type": "rwkv"}, "is a rwkv, allowed attention in every layer"),
        ({"text_config": {"model_type": "falcon_h1"}}, "is a falcon_h1, allowed attention in"),
        ({"is_encoder_decoder": True, "model_type": "t5"}, r"has an encoder \(t5\)"),
    ],
)
def test_what_cannot_be_decoded_is_told_by_the_folder_alone(tmp_path, settings, fault):
    folder = changed(save_toy(tmp_path / "toy", "llama"), **settings)
    with pytest.raises(ConfigError, match=fault):
        model_folder(ModelSpec(path=str(folder), device="cpu"))


def test_layers_that_only_the_loaded_configuration_tells_are_told_when_loading(tmp_path):
    sizes = {**COMMON_SIZES, "layer_types": ["conv", "conv"], "conv_L_cache": 3}
    folder = as_architecture(tmp_path / "lfm2", "lfm2", **sizes)
    with pytest.raises(ConfigError, match="layers of type conv"):
        loaded(folder)


def test_models_that_keep_no_keys_and_values_are_told_when_loading(tmp_path):
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    folder = as_architecture(tmp_path / "gpt", "openai-gpt", **sizes)
    with pytest.raises(ConfigError, match="OpenAIGPTLMHeadModel keeps no keys and values"):
        loaded(folder)


def test_a_router_that_gives_more_than_a_tensor_is_told_before_the_first_step(tmp_path):
    sizes = {**COMMON_SIZES, "num_local_experts": 4, "num_experts_per_tok": 2}
    model = loaded(as_architecture(tmp_path / "phimoe", "phimoe", **sizes))
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    with pytest.raises(ConfigError, match=r"PEFT cannot put an adapter on .*'tuple'") as caught:
        attach(model, LoraSpec(rank=2, alpha=4, dropout=0.0), 1)
    assert "lora.target_modules" in str(caught.value.hint)
    assert all(torch.equal(model.model.state_dict()[name], each) for name, each in before.items())
    attach(model, LoraSpec(rank=2, alpha=4, dropout=0.0, target_modules=("q_proj", "v_proj")), 1)


def test_what_peft_cannot_adapt_is_a_fault_of_the_settings(tmp_path):
    sizes = {**COMMON_SIZES, "num_local_experts": 4, "num_experts_per_tok": 2}
    model = loaded(as_architecture(tmp_path / "mixtral", "mixtral", **sizes))
    with pytest.raises(ConfigError, match=r"PEFT cannot put an adapter on .*dropout") as caught:
        attach(model, LoraSpec(rank=2, alpha=4, dropout=0.1), 1)
    assert "lora.target_modules" in str(caught.value.hint)


def test_a_tower_for_pictures_gets_no_adapter(tmp_path):
    tuned = attach(
        loaded(save_toy(tmp_path / "gemma", "gemma3, with pictures")), LoraSpec(rank=2, alpha=4), 1
    )
    trained = {name for name, one in tuned.model.named_parameters() if one.requires_grad}
    assert len(trained) == 2 * 2 * 7  # A and B of seven linear layers in two blocks
    assert not [name for name in trained if "vision" in name or "projector" in name]
