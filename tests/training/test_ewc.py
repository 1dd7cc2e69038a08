import copy

import pytest
import torch
from peft import LoraConfig, get_peft_model

from harness.errors import ConfigError, DataError
from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.updates import low_rank_updates
from harness.protocols import Penalty
from harness.records import Role, TokenRow
from harness.settings import plugins
from harness.training.penalties.ewc import fisher_information
from harness.training.prepare import prepare


def sample(index):
    ids = tuple((13 * index + 7 * place) % 250 + 5 for place in range(6 + index))
    return TokenRow(f"s{index}", ids, (Role.PROMPT,) * 3 + (Role.REPLY,) * (3 + index), task=False)


PROBES = prepare([sample(index) for index in range(4)], dict.fromkeys(Role, 1.0))


def ewc(model, probes=PROBES, strength=2.0):
    return plugins.load("penalty", "ewc")(strength=strength).build(model, probes)


@pytest.fixture
def tuned(tiny_model_dir):
    """A model whose adapter has moved, in train mode with dropout."""
    base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    model = attach(base, LoraSpec(rank=3, alpha=7, dropout=0.3), seed=1).model
    generator = torch.Generator().manual_seed(3)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    return model.train()


def reference_fisher(model):
    """Squared gradients of one sample at a time, float64, on a model without an adapter."""
    base = copy.deepcopy(model).double().eval().unload().requires_grad_()
    layers = {name for name, _ in base.named_modules() if name.endswith("_proj")}
    sums = dict.fromkeys(layers, 0.0)
    for probe in PROBES:
        base.zero_grad()
        log_p_TV = base(input_ids=probe.ids_T[None]).logits[0].log_softmax(-1)
        places = [place for place in range(len(probe) - 1) if probe.loss_T[place]]
        sum(log_p_TV[place, probe.ids_T[place + 1]] for place in places).backward()
        for name in layers:
            sums[name] = sums[name] + base.get_submodule(name).weight.grad ** 2 / len(PROBES)
    return sums


def test_fisher_information_is_the_mean_of_squared_gradients_of_single_samples(tuned):
    expected = reference_fisher(tuned)
    updates = low_rank_updates(tuned, "a test")
    found = fisher_information(tuned, [update.parameter for update in updates], PROBES)
    assert {update.name for update in updates} == set(expected)
    for update, fisher in zip(updates, found, strict=True):
        assert fisher.dtype == torch.float32
        assert torch.allclose(fisher.double(), expected[update.name], rtol=1e-3, atol=1e-9)


def explicit_value(model, fisher):
    """(s / 2) sum of F dW^2 of dW formed from A and B, by autograd."""
    total = 0.0
    for name, module in model.named_modules():
        if name.removeprefix("base_model.model.") in fisher:
            delta = 7 / 3 * (module.lora_B["default"].weight @ module.lora_A["default"].weight)
            total = (
                total + (fisher[name.removeprefix("base_model.model.")].float() * delta**2).sum()
            )
    return total


def test_value_and_gradient_are_those_of_the_explicit_update(tuned):
    parameters = [p for p in tuned.parameters() if p.requires_grad]
    expected = explicit_value(tuned, reference_fisher(tuned))
    gradients = torch.autograd.grad(expected, parameters)
    penalty = ewc(tuned)
    assert isinstance(penalty, Penalty)
    value = penalty.value(0)
    assert value.item() == pytest.approx(expected.item(), rel=1e-3)
    for mine, theirs in zip(torch.autograd.grad(value, parameters), gradients, strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-2, atol=1e-3 * float(theirs.abs().max()))


def test_the_update_a_layer_computes_is_the_one_that_is_held(tuned):
    penalty = ewc(tuned)
    for update in penalty.updates:
        module = tuned.get_submodule(f"base_model.model.{update.name}")
        assert torch.allclose(update.delta_OI(), module.get_delta_weight("default"))


def test_building_it_leaves_the_model_as_it_was(tuned):
    for parameter in tuned.parameters():
        parameter.grad = torch.ones_like(parameter)
    tuned.base_model.model.model.layers[0].eval()
    before = {
        name: (parameter.requires_grad, parameter.detach().clone())
        for name, parameter in tuned.named_parameters()
    }
    modes = {name: module.training for name, module in tuned.named_modules()}
    state = torch.random.get_rng_state()
    ewc(tuned)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert {name: module.training for name, module in tuned.named_modules()} == modes
    for name, parameter in tuned.named_parameters():
        asked, value = before[name]
        assert parameter.requires_grad == asked
        assert torch.equal(parameter, value)
        assert torch.equal(parameter.grad, torch.ones_like(parameter))


def test_the_adapter_does_not_enter_into_what_matters(tuned):
    moved = ewc(tuned).fisher
    with torch.no_grad():
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.zero_()
    fresh = ewc(tuned).fisher
    assert all(torch.equal(one, other) for one, other in zip(moved, fresh, strict=True))


def test_strength_zero_needs_no_probes_and_is_off(tuned):
    assert ewc(tuned, probes=[], strength=0.0).value(0) is None


def test_without_probes_it_says_so(tuned):
    with pytest.raises(DataError, match="no samples"):
        ewc(tuned, probes=[])


def test_an_adapter_that_is_not_a_product_is_refused(tiny_model_dir):
    base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    with pytest.raises(ConfigError, match=r"lora\.dora: ewc"):
        ewc(attach(base, LoraSpec(rank=2, dora=True), seed=1).model)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`")  # peft 0.21 reads it
def test_layers_trained_whole_are_refused(tiny_model_dir):
    base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu")).model
    base.config.tie_word_embeddings = False
    lora = LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["lm_head"])
    with pytest.raises(ConfigError, match=r"ewc needs .*lm_head is trained whole"):
        ewc(get_peft_model(base, lora))
