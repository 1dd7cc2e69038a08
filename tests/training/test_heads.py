"""Logits in parts: what comes of it is what comes of all logits at once."""

import copy

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    OPTConfig,
    OPTForCausalLM,
)

from harness.records import Role, TokenRow
from harness.settings import plugins
from harness.training.batches import micro_batches
from harness.training.drift import Drift
from harness.training.heads import chunks
from harness.training.loop import fit
from harness.training.objective import LossTerms, coefficients
from harness.training.passes import role_sums
from harness.training.penalties.ewc import fisher_information
from harness.training.prepare import count_roles, prepare
from harness.training.spec import TrainSpec
from tests.toys.tiny import tiny_model

# peft 0.21 reads an attribute that transformers 5.23 has renamed.
pytestmark = pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning",
    "ignore:Model has `tie_word_embeddings=True`:UserWarning",
)

WEIGHTS = {Role.TRANSLATION: 1.0, Role.RATIONALE: 0.5, Role.UNWANTED: 0.2}
NAMES = (Role.PROMPT,) * 3 + (Role.TRANSLATION,) * 4 + (Role.RATIONALE,) * 2 + (Role.UNWANTED,)


def row(index, length):
    ids = tuple((17 * index + 5 * place) % 90 + 3 for place in range(length))
    return TokenRow(f"r{index}", ids, NAMES[:length], teacher_prompt=(9, 8, 7, 6, index + 3))


ROWS = prepare([row(index, 6 + index) for index in range(5)], WEIGHTS)
SMALL = {
    "vocab_size": 100,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": None,
}
MODELS = {
    "llama, tied": lambda: tiny_model(vocabulary=100),
    "gemma2, soft-capped": lambda: Gemma2ForCausalLM(
        Gemma2Config(**SMALL, final_logit_softcapping=2.0, attn_implementation="eager")
    ),
    "opt, past its body": lambda: OPTForCausalLM(
        OPTConfig(
            **SMALL, ffn_dim=32, word_embed_proj_dim=16, max_position_embeddings=64, dropout=0.0
        )
    ),
    "granite, scaled": lambda: GraniteForCausalLM(GraniteConfig(**SMALL, logits_scaling=3.0)),
}
ADAPTERS = {
    "lora": {"target_modules": "all-linear"},
    "dora": {"target_modules": "all-linear", "use_dora": True},
    "head": {"target_modules": ["q_proj", "lm_head"]},
    "rows": {
        "target_modules": ["q_proj"],
        "trainable_token_indices": {"embed_tokens": [5, 20], "lm_head": [5, 20]},
    },
}


def tuned(model="llama, tied", adapter="lora"):
    """In float64, with an adapter that has moved."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        base = MODELS[model]()
        made = get_peft_model(base, LoraConfig(r=2, task_type="CAUSAL_LM", **ADAPTERS[adapter]))
        for parameter in made.parameters():
            if parameter.requires_grad:
                parameter.data += 0.1 * torch.randn_like(parameter)
    return made.double().eval()


def measured(model, max_logits, penalty=None, max_tokens=4096):
    """Loss sums, the penalty, and the gradient of every trained parameter."""
    model.zero_grad()
    factors = coefficients(count_roles(ROWS), WEIGHTS, "tokens")
    batches = micro_batches(ROWS, max_tokens, 0)
    sums, penalised = role_sums(
        model, batches, factors, backward=True, penalty=penalty, max_logits=max_logits
    )
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return sums, penalised, gradients


def by_definition(model):
    """The loss of all rows one by one, from all logits of the model as it is called by anyone."""
    model = copy.deepcopy(model)
    model.zero_grad()
    factors = coefficients(count_roles(ROWS), WEIGHTS, "tokens")
    loss = 0.0
    for one in ROWS:
        logs = model(input_ids=one.ids_T[None]).logits[0].log_softmax(-1)[one.loss_T]
        for log, target, role in zip(logs, one.targets_N, one.roles_N, strict=True):
            name = tuple(Role)[int(role)]
            cost = -torch.log1p(-log[target].exp()) if name is Role.UNWANTED else -log[target]
            loss = loss + factors[name] * cost
    loss.backward()
    return loss.item(), {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def agree(some, others, tolerance=1e-12):
    assert set(some) == set(others)
    for name, value in some.items():
        assert torch.allclose(value, others[name], rtol=tolerance, atol=tolerance), name


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_loss_and_gradients_in_parts_are_those_of_all_logits_in_float64(model, adapter):
    made = tuned(model, adapter)
    loss, gradients = by_definition(made)
    whole, _, expected = measured(made, 2**26)
    for max_logits in (100, 700):  # one position at a time, seven
        sums, _, found = measured(made, max_logits)
        assert sums == pytest.approx(whole, rel=1e-12)
        agree(found, expected)
    factors = coefficients(count_roles(ROWS), WEIGHTS, "tokens")
    assert sum(factors[role] * whole[role] for role in whole) == pytest.approx(loss, rel=1e-7)
    # the coefficients are float32, and Gemma's attention is whatever the weights are
    agree(expected, gradients, tolerance=3e-7)


@pytest.mark.parametrize("kind", ["kl", "reverse_kl"])
@pytest.mark.parametrize("max_tokens", [20, 4096])
def test_token_penalties_see_the_same_in_parts(kind, max_tokens):
    def at(max_logits):
        model = tuned()
        settings = {"kl": {"strength": 0.7}, "reverse_kl": {"teacher_decay": 0.9}}[kind]
        penalty = plugins.load("penalty", kind)(**settings).build(model, [])
        for parameter in model.parameters():  # away from the teacher
            if parameter.requires_grad:
                parameter.data *= 1.5
        return measured(model, max_logits, penalty, max_tokens)

    (_, penalised, gradients), (_, whole, expected) = at(300), at(2**26)
    assert whole != 0
    assert penalised == pytest.approx(whole, rel=1e-12)
    agree(gradients, expected)


def test_the_body_runs_once_whatever_the_number_of_parts():
    model = tuned()
    ran = []
    layer = model.get_base_model().model.layers[0]
    layer.register_forward_hook(lambda *_: ran.append(1))
    penalty = plugins.load("penalty", "kl")(strength=0.7).build(model, [])
    measured(model, 100, penalty)
    assert len(ran) == 2  # the model and, for the penalty, the untuned model


def test_a_body_that_was_replaced_is_given_back():
    model = tuned()
    body = model.get_base_model().model
    own = body.forward

    def replaced(*arguments, **named):
        return own(*arguments, **named)

    body.forward = replaced
    measured(model, 100)
    assert body.forward is replaced
    del body.forward
    measured(model, 100)
    assert "forward" not in body.__dict__


def test_positions_are_cut_evenly_and_only_where_they_are_too_many():
    model = tiny_model(vocabulary=100)
    assert chunks(model, 10, 1000) == [slice(0, 10)]
    assert chunks(model, 11, 1000) == [slice(0, 6), slice(6, 12)]
    assert chunks(model, 3, 10) == [slice(0, 1), slice(1, 2), slice(2, 3)]


def test_measures_without_gradients_are_the_same_in_parts(monkeypatch):
    model = tuned()
    rows = {"a": [row(index, 10) for index in range(3)]}
    weights = [model.get_base_model().model.layers[0].self_attn.q_proj.base_layer.weight]

    def measures():
        return Drift(model, rows, 4096, 0)(), fisher_information(model, weights, ROWS)

    (drift, (fisher,)) = measures()
    monkeypatch.setattr("harness.training.passes.chunks", lambda *_: [slice(0, 2), slice(2, 99)])
    (in_parts, (fisher_in_parts,)) = measures()
    assert drift["train/drift/kl"] > 0
    assert in_parts == pytest.approx(drift, rel=1e-12)
    assert torch.allclose(fisher_in_parts, fisher, rtol=1e-6)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_training_in_parts_gives_the_same_adapter_to_rounding(checkpointing):
    def trained(**settings):
        base = tiny_model(vocabulary=2**15)
        config = LoraConfig(r=2, lora_dropout=0.1, target_modules="all-linear")
        with torch.random.fork_rng():
            torch.manual_seed(1)
            model = get_peft_model(base, config)
        rows = [row(index, 10) for index in range(6)]
        spec = TrainSpec(
            learning_rate=1e-2,
            steps=3,
            batch_size=3,
            gradient_checkpointing=checkpointing,
            validate_every=3,
            **settings,
        )
        report = fit(model, rows, spec, LossTerms(WEIGHTS), seed=1, pad_id=0, validation=rows[:2])
        return report, {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}

    (whole, adapter), (parts, same) = trained(), trained(logits_mib=1)  # eight positions at once
    agree(same, adapter, tolerance=1e-5)
    assert parts.losses == pytest.approx(whole.losses, rel=1e-6)
    assert parts.validation_losses == pytest.approx(whole.validation_losses, rel=1e-6)


def test_the_usual_limit_is_no_part_of_what_a_training_is_known_by():
    assert "logits_mib" not in TrainSpec().plain()
    assert TrainSpec(logits_mib=64).plain()["logits_mib"] == 64
