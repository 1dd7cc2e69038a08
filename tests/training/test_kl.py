import copy
from dataclasses import replace

import pytest
import torch

from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.protocols import TokenPenalty
from harness.records import Role, TokenRow
from harness.settings import plugins
from harness.training.batches import micro_batches
from harness.training.objective import coefficients
from harness.training.passes import Pass, role_sums
from harness.training.prepare import count_roles, prepare
from harness.training.untuned import untuned, without_dropout

WEIGHTS = {Role.TRANSLATION: 1.0}
ROWS = prepare(
    [
        TokenRow(
            f"r{index}",
            tuple((11 * index + 5 * place) % 250 + 5 for place in range(7 + index)),
            (Role.PROMPT,) * 3 + (Role.TRANSLATION,) * (4 + index),
        )
        for index in range(5)
    ],
    WEIGHTS,
)


def kl(model, **settings):
    return plugins.load("penalty", "kl")(**settings).build(model, [])


@pytest.fixture
def tuned(tiny_model_dir):
    """A model whose adapter has moved, in train mode."""
    base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    model = attach(base, LoraSpec(rank=4, dropout=0.3), seed=1).model
    generator = torch.Generator().manual_seed(3)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    return model.train()


def reference_loss(model, strength, temperature):
    """Cross-entropy plus the penalty, row by row in float64, from two whole models."""
    tuned = copy.deepcopy(model).double().eval()
    base = copy.deepcopy(model).double().eval().unload()
    total, count = 0.0, 0
    for row in ROWS:
        p, q = (
            one(input_ids=row.ids_T[None]).logits[0][row.loss_T] / temperature
            for one in (tuned, base)
        )
        log_p, log_q = p.log_softmax(-1), q.detach().log_softmax(-1)
        divergence = (log_q.exp() * (log_q - log_p)).sum(-1)
        losses = -(p * temperature).log_softmax(-1).gather(1, row.targets_N[:, None])[:, 0]
        total = total + (losses + strength * temperature**2 * divergence).sum()
        count += len(row.targets_N)
    loss = total / count
    loss.backward()
    gradients = [p.grad.float() for _, p in tuned.named_parameters() if p.grad is not None]
    return float(loss.detach()), gradients


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("max_tokens", [8, 4096])
def test_loss_and_gradient_are_those_of_the_formula_in_float64(tuned, temperature, max_tokens):
    expected, gradients = reference_loss(tuned, 0.7, temperature)
    tuned.eval()  # the reference draws no dropout
    penalty = kl(tuned, strength=0.7, temperature=temperature)
    factors = coefficients(count_roles(ROWS), WEIGHTS, "tokens")
    sums, penalised = role_sums(
        tuned, micro_batches(ROWS, max_tokens, 0), factors, backward=True, penalty=penalty
    )
    assert isinstance(penalty, TokenPenalty)
    assert factors[Role.TRANSLATION] * sums[Role.TRANSLATION] + penalised == pytest.approx(expected)
    mine = [p.grad for p in tuned.parameters() if p.requires_grad]
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(mine, gradients, strict=True))


def test_an_adapter_that_has_not_moved_costs_nothing_and_pulls_nowhere(tiny_model_dir):
    base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    model = attach(base, LoraSpec(rank=4, dropout=0.3), seed=1).model.train()
    (batch,) = micro_batches(ROWS, 4096, 0)
    values = kl(model, strength=1.0).token_values(0, Pass(model, batch))
    values.sum().backward()
    assert values.detach().abs().max() < 1e-5
    assert all(not p.grad.any() for p in model.parameters() if p.requires_grad)


def test_strength_zero_asks_the_untuned_model_nothing(tuned):
    passes = []
    tuned.register_forward_pre_hook(lambda *_: passes.append(1))
    (batch,) = micro_batches(ROWS, 4096, 0)
    assert kl(tuned, strength=0.0).token_values(0, Pass(tuned, batch)) is None
    assert len(passes) == 1


def test_asking_the_untuned_model_leaves_the_tuned_one_and_the_dropout_stream_alone(tuned):
    before = {name: (p.requires_grad, p.detach().clone()) for name, p in tuned.named_parameters()}
    tuned.base_model.model.model.layers[0].eval()  # a layer with a mode of its own keeps it
    modes = {name: module.training for name, module in tuned.named_modules()}
    (batch,) = micro_batches(ROWS, 4096, 0)
    passed = Pass(tuned, batch)
    state = torch.random.get_rng_state()
    kl(tuned, strength=1.0).token_values(0, passed)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert {name: module.training for name, module in tuned.named_modules()} == modes
    for name, parameter in tuned.named_parameters():
        assert before[name][0] == parameter.requires_grad
        assert torch.equal(before[name][1], parameter)


def test_modes_are_given_back_when_something_fails(tuned):
    with pytest.raises(RuntimeError), without_dropout(tuned):
        raise RuntimeError
    assert tuned.training


def test_the_untuned_model_is_the_base_with_the_adapter_it_was_given(tuned, tiny_model_dir):
    ids = ROWS[0].ids_T[None]
    base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    with torch.no_grad(), untuned(tuned):
        switched_off = tuned(input_ids=ids).logits
    assert torch.equal(switched_off, base.model(input_ids=ids).logits)
    # what is given as model.adapter is merged when training begins, and stays
    with torch.no_grad():
        given = tuned.eval()(input_ids=ids).logits
    going_on = attach(replace(base, model=tuned), LoraSpec(rank=2), seed=2).model
    with torch.no_grad(), untuned(going_on):
        again = going_on(input_ids=ids).logits
    assert torch.allclose(again, given, atol=1e-4)
    assert not torch.allclose(again, switched_off, atol=1e-2)
