"""Mixtures of experts whose weights are parameters: adapted, folded, penalised as matrices."""

from pathlib import Path

import pytest
import torch
from peft.tuners.lora import ParamWrapper

from harness.models.lora import adapted_layers, attach, detach
from harness.models.spec import LoraSpec
from harness.models.speed import quick
from harness.models.updates import low_rank_updates
from harness.records import Role, TokenRow
from harness.training.penalties.ewc import EwcSpec
from harness.training.prepare import prepare
from tests.models.test_limits import as_architecture, loaded

COMMON = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4,
    "num_key_value_heads": 2, "num_experts_per_tok": 2, "max_position_embeddings": 256,
}  # fmt: skip
KINDS = {
    "mixtral": {"num_local_experts": 4},
    "qwen3_moe": {"num_experts": 4, "moe_intermediate_size": 40, "head_dim": 8},
    "olmoe": {"num_experts": 4},
    "gpt2": {"n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 64},
}


@pytest.fixture(scope="module", params=KINDS)
def tuned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """With an adapter that has moved."""
    common = {} if request.param == "gpt2" else COMMON
    folder: Path = tmp_path_factory.mktemp(request.param)
    model = loaded(as_architecture(folder, request.param, **{**common, **KINDS[request.param]}))
    made = attach(model, LoraSpec(rank=2, alpha=6, dropout=0.0), 1)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        for parameter in made.model.parameters():
            if parameter.requires_grad:
                parameter.data += 0.1 * torch.randn_like(parameter)
    yield made
    detach(made)


IDS = torch.tensor([[5, 9, 7, 33, 21, 8]])


def layers(model):
    return {
        name: module
        for name, module in model.named_modules()
        if hasattr(module, "lora_A") and hasattr(module, "get_delta_weight")
    }


def test_every_matrix_of_every_layer_has_its_update(tuned):
    whole = {id(layer): layer.get_delta_weight("default") for layer in layers(tuned.model).values()}
    squared = sum(float(delta.detach().square().sum()) for delta in whole.values())
    updates = low_rank_updates(tuned.model, "the test")
    assert len({update.name for update in updates}) == len(updates)
    found = sum(float(update.squared_norm().detach()) for update in updates)
    assert found == pytest.approx(squared, rel=1e-5)
    for layer in layers(tuned.model).values():
        delta = layer.get_delta_weight("default")
        is_of_experts = isinstance(layer, ParamWrapper)
        parameter = layer.get_param() if is_of_experts else layer.get_base_layer().weight
        own = [update for update in updates if update.parameter is parameter]
        assert len(own) == (delta.shape[0] if delta.ndim == 3 else 1)
        for update in own:
            torch.testing.assert_close(update.delta_OI(), update.own_OI(delta))


def test_folded_into_the_weights_it_says_the_same_and_they_are_back_afterwards(tuned):
    before = {name: value.clone() for name, value in tuned.model.state_dict().items()}
    with torch.inference_mode():
        beside = tuned.model.eval()(input_ids=IDS).logits
        with quick(tuned.model) as model:
            folded = model(input_ids=IDS).logits
        again = tuned.model(input_ids=IDS).logits
    torch.testing.assert_close(folded, beside, rtol=1e-4, atol=1e-5)
    assert torch.equal(again, beside)
    for name, value in tuned.model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_ewc_weighs_every_matrix_by_the_squared_gradients_of_its_weights(tuned):
    row = TokenRow("a", (5, 9, 7, 33, 21), (Role.PROMPT,) * 2 + (Role.TRANSLATION,) * 3)
    probes = prepare([row], {Role.TRANSLATION: 1.0})
    penalty = EwcSpec(strength=2.0).build(tuned.model, probes)
    expected = 0.0
    with tuned.model.disable_adapter():
        weights = {id(update.parameter): update.parameter for update in penalty.updates}
        for weight in weights.values():
            weight.requires_grad_(True)
        logs = tuned.model(input_ids=torch.tensor([row.ids])).logits[0].log_softmax(-1)
        loss = -sum(logs[place - 1, row.ids[place]] for place in (2, 3, 4))
        gradients = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        for weight in weights.values():
            weight.requires_grad_(False)
    of = dict(zip(weights, gradients, strict=True))
    for layer in layers(tuned.model).values():
        is_of_experts = isinstance(layer, ParamWrapper)
        parameter = layer.get_param() if is_of_experts else layer.get_base_layer().weight
        if of[id(parameter)] is not None:
            squared = layer.get_delta_weight("default").detach().square()
            expected += float((of[id(parameter)].square() * squared).sum())
    assert float(penalty.value(0).detach()) == pytest.approx(expected, rel=1e-4)


def test_what_was_adapted_is_said(tuned):
    said = adapted_layers(tuned.model)
    if tuned.model.config.model_type == "gpt2":
        assert said == ["c_attn x 1", "c_proj x 2", "c_fc x 1"]
    else:
        assert {"q_proj x 1", "experts.gate_up_proj x 1", "experts.down_proj x 1"} <= {*said}
