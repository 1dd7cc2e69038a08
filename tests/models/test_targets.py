"""LoRA on chosen layers, with every way of scaling, on the toy models of all families."""

import itertools

import pytest
import torch

from harness.errors import ConfigError
from harness.models.load import load_chat_model
from harness.models.lora import attach, detach
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.targets import target_modules
from tests.toys.families import FAMILIES, save_toy

ALL = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def chosen(chat_model, *wanted):
    found = target_modules(chat_model.model, LoraSpec(target_modules=wanted))
    return set(found)


def test_patterns_choose_layers_by_their_whole_names(tiny_chat_model):
    mlp = {f"model.layers.0.mlp.{name}_proj" for name in ("gate", "up", "down")}
    assert chosen(tiny_chat_model, "*.0.mlp.*") == mlp
    assert chosen(tiny_chat_model, r"re:.*\.0\.mlp\.\w+") == mlp
    assert chosen(tiny_chat_model, "*.1.mlp.u*", "model.layers.0.self_attn.q_proj") == {
        "model.layers.1.mlp.up_proj",
        "model.layers.0.self_attn.q_proj",
    }


def test_a_pattern_may_be_of_last_names_and_never_means_the_head(tiny_chat_model):
    whole = chosen(tiny_chat_model, "*")
    assert {name.rpartition(".")[2] for name in whole} == ALL
    assert len(whole) == 2 * len(ALL)
    assert len(chosen(tiny_chat_model, "?_proj")) == 2 * 4
    assert chosen(tiny_chat_model, "lm_head") == {"lm_head"}


def test_names_go_to_peft_as_they_are(tiny_chat_model):
    assert chosen(tiny_chat_model, "q_proj", "self_attn.v_proj") == {"q_proj", "self_attn.v_proj"}


@pytest.mark.parametrize("wanted", ["query", "*.attention.*", "re:.*query", "norm"])
def test_what_fits_nothing_is_told_with_the_names_there_are(tiny_chat_model, wanted):
    with pytest.raises(ConfigError) as caught:
        attach(tiny_chat_model, LoraSpec(target_modules=("q_proj", wanted)), 1)
    message = caught.value.message
    assert f"found {wanted}," in message
    assert all(name in message for name in ALL)
    assert "model.layers.0.self_attn.q_proj" in message


def test_one_name_needs_no_list_and_all_linear_stands_alone():
    assert LoraSpec(target_modules="*_proj").target_modules == ("*_proj",)
    assert LoraSpec(target_modules=("all-linear",)).target_modules == "all-linear"
    with pytest.raises(ValueError, match="beside names"):
        LoraSpec(target_modules=("all-linear", "q_proj"))
    with pytest.raises(ValueError, match="no regular expression"):
        LoraSpec(target_modules="re:(")


def train(chat_model, spec, steps=8):
    """The losses of a few steps on one row."""
    tuned = attach(chat_model, spec, 1)
    parameters = [one for one in tuned.model.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=0.02)
    ids = torch.arange(12, 36)[None]
    losses = []
    for _ in range(steps):
        loss = tuned.model(input_ids=ids, labels=ids).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    detach(tuned)
    return losses


@pytest.mark.parametrize(
    ("rslora", "dora", "targets"),
    [*itertools.product([False, True], [False, True], ["all-linear", "q_proj", "*.mlp.*"])],
)
def test_every_way_of_scaling_trains_on_every_choice_of_layers(
    tiny_chat_model, rslora, dora, targets
):
    spec = LoraSpec(rank=4, alpha=8, rslora=rslora, dora=dora, target_modules=targets)
    losses = train(tiny_chat_model, spec)
    assert losses[-1] < losses[0] - 0.01


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_trains_in_all_its_layers(tmp_path, name):
    chat_model = load_chat_model(ModelSpec(path=str(save_toy(tmp_path, name)), device="cpu"))
    before = {key: value.clone() for key, value in chat_model.model.state_dict().items()}
    losses = train(chat_model, LoraSpec(rank=4, alpha=8))
    assert losses[-1] < losses[0] - 0.1
    after = chat_model.model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
