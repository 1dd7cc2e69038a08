import contextlib
import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.updates import low_rank_updates
from harness.records import Role, TokenRow
from harness.training.drift import Drift, layer
from harness.training.loop import Hooks, fit
from harness.training.objective import LossTerms
from harness.training.spec import TrainSpec
from tests.training.bigram import Bigram, row


class Tuned(Bigram):
    """Says P(. | 1) = 1/8 1/8 3/4 until its adapter is switched off."""

    def __init__(self) -> None:
        super().__init__()
        self.before = self.head.weight.data.clone()
        self.head.weight.data[:, 1] = torch.tensor([1, 1, 6]).log()

    @contextlib.contextmanager
    def disable_adapter(self):
        now, self.head.weight.data = self.head.weight.data, self.before
        yield
        self.head.weight.data = now


def kl(before: list[float], now: list[float]) -> float:
    return sum(q * math.log(q / p) for q, p in zip(before, now, strict=True))


def test_the_divergence_is_the_mean_over_answer_tokens():
    # Four answer tokens: behind 0 and 1, behind 0, behind 1; what follows 1 has moved.
    answered = {"a": [row("0010", "ppaa"), row("00", "pa")], "b": [row("0110", "pppa")]}
    found = Drift(Tuned(), answered, max_tokens=64, pad_id=0)()
    moved = kl([1 / 2, 1 / 4, 1 / 4], [1 / 8, 1 / 8, 3 / 4])
    assert found["train/drift/kl"] == pytest.approx(2 * moved / 4, rel=1e-6)


def test_a_chat_agrees_when_every_token_of_its_answer_is_still_the_likeliest():
    # Behind 1 the likeliest was 0 and is 2; behind 2 it is 2 as before.
    answered = {
        "kept": [row("0122", "ppaa"), row("022", "ppa")],
        "half": [row("0122", "ppaa"), row("0120", "ppaa")],
        "lost": [row("010", "ppa")],
    }
    found = Drift(Tuned(), answered, max_tokens=64, pad_id=0)()
    assert found["train/drift/agreement/kept"] == 1
    assert found["train/drift/agreement/half"] == 0.5
    assert found["train/drift/agreement/lost"] == 0
    assert found["train/drift/agreement"] == 0.5


def test_neither_padding_nor_micro_batches_change_it():
    rows = [row("0122", "ppaa"), row("010", "ppa"), row("0102210", "paaaaaa"), row("01", "pa")]
    wide = Drift(Tuned(), {"a": rows}, max_tokens=64, pad_id=0)()
    narrow = Drift(Tuned(), {"a": rows}, max_tokens=1, pad_id=0)()
    assert wide == pytest.approx(narrow, rel=1e-6)


def test_a_layer_goes_by_type_and_depth():
    assert layer("model.layers.12.mlp.down_proj") == "down_proj/12"
    assert layer("transformer.h.0.attn.c_attn") == "c_attn/0"
    assert layer("lm_head") == "lm_head"


@pytest.fixture
def tuned(tiny_model_dir):
    base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    return attach(base, LoraSpec(rank=4, alpha=8, dropout=0.3), seed=1)


def answers(model) -> dict[str, list[TokenRow]]:
    """Four prompts and what the model, as it is, says greedily."""
    rows = []
    for number in range(4):
        ids = [7 * number + place for place in range(5, 11)]
        for _ in range(3 + number):
            with torch.inference_mode():
                ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
        roles = (Role.PROMPT,) * 6 + (Role.REPLY,) * (len(ids) - 6)
        rows.append(TokenRow(f"c{number}", tuple(ids), roles))
    return {"one": rows[:2], "two": rows[2:]}


def test_a_fresh_adapter_has_not_drifted(tuned):
    tuned.model.eval()
    found = Drift(tuned.model, answers(tuned.model), 4096, 0)()
    assert found["train/drift/kl"] == 0
    assert {found[f"train/drift/agreement/{skill}"] for skill in ("one", "two")} == {1.0}
    assert found["train/drift/norm"] == 0


def test_it_is_what_float64_says_of_a_moved_adapter(tuned):
    model = tuned.model.eval()
    answered = answers(model)
    chance = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "lora_B" in name:
                value.copy_(0.05 * torch.randn(value.shape, generator=chance))
    found = Drift(model, answered, 4096, 0)()
    divergences = []
    model.double()
    for one in (one for rows in answered.values() for one in rows):
        ids = torch.tensor([one.ids])
        with torch.inference_mode():
            now = model(ids).logits[0].log_softmax(-1)
            with model.disable_adapter():
                before = model(ids).logits[0].log_softmax(-1)
        values = (before.exp() * (before - now)).sum(-1)
        divergences += values[5:-1].tolist()
    mean = sum(divergences) / len(divergences)
    assert mean > 0.01
    assert found["train/drift/kl"] == pytest.approx(mean, rel=1e-5)
    updates = low_rank_updates(model, "a test")
    norms = {layer(one.name): float(one.delta_OI().detach().norm()) for one in updates}
    assert len(norms) == 14
    for name, norm in norms.items():
        assert found[f"train/drift/norm/{name}"] == pytest.approx(norm, rel=1e-5)
    whole = math.sqrt(sum(norm**2 for norm in norms.values()))
    assert found["train/drift/norm"] == pytest.approx(whole, rel=1e-5)


def test_with_dora_there_is_no_norm_and_the_rest_is_measured(tiny_model_dir):
    base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    model = attach(base, LoraSpec(rank=4, dora=True), seed=1).model.eval()
    found = Drift(model, answers(model), 4096, 0)()
    assert found["train/drift/kl"] == pytest.approx(0, abs=1e-9)
    assert not [key for key in found if "norm" in key]


def test_measuring_changes_nothing_that_is_trained(tiny_model_dir):
    spec = TrainSpec(learning_rate=1e-2, steps=5, batch_size=2, log_every=1, drift_points=3)
    task = [
        TokenRow(f"r{n}", tuple(range(5 + n, 13 + n)), (Role.PROMPT,) * 3 + (Role.TRANSLATION,) * 5)
        for n in range(6)
    ]

    def run(watching: bool) -> SimpleNamespace:
        base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
        model = attach(base, LoraSpec(rank=4, dropout=0.3), seed=1).model
        drift = Drift(model, answers(model.eval()), 4096, 0)
        events = []
        fit(
            model,
            task,
            spec,
            LossTerms({Role.TRANSLATION: 1.0}),
            seed=1,
            pad_id=0,
            hooks=Hooks(events.append, watch=drift if watching else None),
        )
        weights = [value for name, value in model.named_parameters() if "lora_" in name]
        return SimpleNamespace(events=events, weights=weights)

    watched, alone = run(True), run(False)
    assert all(map(torch.equal, watched.weights, alone.weights))
    points = [event for event in watched.events if "train/drift/kl" in event.metrics]
    assert [event.step for event in points] == [1, 3, 5]
    curve = [event.metrics["train/drift/kl"] for event in points]
    assert 0 < curve[0] < curve[-1]


def test_the_model_is_left_in_the_mode_it_was_in(tuned):
    model = tuned.model.train()
    Drift(model, answers(tuned.model), 4096, 0)()
    assert all(module.training for module in model.modules() if isinstance(module, nn.Dropout))
