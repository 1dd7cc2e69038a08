import logging

import pytest
import torch
from torch import nn

from harness.errors import EXIT_FAILED, TrainingError
from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.records import Role, TokenRow
from harness.training.loop import Hooks, fit
from harness.training.objective import LossTerms
from harness.training.penalties.reverse_kl import ReverseKlSpec
from harness.training.spec import TrainSpec

SPEC = TrainSpec(learning_rate=1e-2, steps=4, batch_size=6, log_every=1, gradient_cosine_points=2)
WEIGHTS = {Role.TRANSLATION: 1.0, Role.RATIONALE: 0.5}
ROLES = (Role.PROMPT,) * 3 + (Role.TRANSLATION,) * 4 + (Role.RATIONALE,) * 9


def some_rows(count=14, shown=None):
    return [
        TokenRow(
            f"r{index}",
            tuple((7 * index + 3 * place) % 250 + 5 for place in range(9 + index % 5)),
            ROLES[: 9 + index % 5],
            teacher_prompt=shown,
        )
        for index in range(count)
    ]


class Memory(nn.Module):
    """A layer in front of the model that has room for so many tokens, and is asked at both ends.

    The fault comes where a real one would: within the model, in the forward pass or, one token
    earlier, in the backward pass.
    """

    def __init__(self, embeddings, room):
        super().__init__()
        self.embeddings, self.room, self.seen = embeddings, room, []

    def forward(self, ids_BT):
        self.seen.append(ids_BT.numel())
        if ids_BT.numel() > self.room:
            raise torch.OutOfMemoryError("Tried to allocate 20.00 GiB.\nand more")
        return self.embeddings(ids_BT)


@pytest.fixture
def train(tiny_model_dir):
    def run(room=None, spec=SPEC, dropout=0.0, penalty=None, shown=None, in_backward=None):
        base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
        model = attach(base, LoraSpec(rank=4, dropout=dropout), seed=1).model
        body = model.get_base_model().model
        if room is not None:
            body.embed_tokens = Memory(body.embed_tokens, room)
        if in_backward is not None:
            fail_in_backward(model, in_backward)
        events = []
        report = fit(
            model,
            some_rows(shown=shown),
            spec,
            LossTerms(WEIGHTS, None if penalty is None else penalty.build(model, [])),
            seed=1,
            pad_id=0,
            validation=some_rows(7),
            hooks=Hooks(events.append),
        )
        adapter = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
        return report, adapter, events, body.embed_tokens

    return run


def fail_in_backward(model, times):
    """The last micro-batches' gradients do not fit, when others have left theirs already."""
    left = [times]

    def hook(module, inputs, output):
        if not output.requires_grad or not left[0] or len(output) > 2:
            return

        def full(gradient):
            if left[0]:
                left[0] -= 1
                raise torch.OutOfMemoryError("Tried to allocate 1 GiB")

        output.register_hook(full)

    model.get_base_model().model.norm.register_forward_hook(hook)


def near(some, others):
    return all(torch.allclose(value, others[name], atol=2e-5) for name, value in some.items())


def test_the_micro_batch_is_halved_and_the_adapter_is_the_same_to_rounding(train, caplog):
    caplog.set_level(logging.WARNING)
    report, adapter, events, memory = train(room=30)
    usual, expected, told, _ = train()
    assert near(adapter, expected)
    assert report.losses == pytest.approx(usual.losses, abs=1e-5)
    assert report.validation_losses == pytest.approx(usual.validation_losses, abs=1e-5)
    assert report.role_tokens == usual.role_tokens
    for event, other in zip(events, told, strict=True):
        for name in ("train/loss", "train/gradient_norm"):
            assert event.metrics[name] == pytest.approx(other.metrics[name], abs=1e-5)
    # a step has 6 rows of at most 13 tokens: 78 or less do not fit, then 39, then 19 do
    assert report.num_halvings == sum(tokens > 30 for tokens in memory.seen) > 0
    assert report.micro_batch_tokens <= 30
    assert report.facts()["train/out_of_memory"] == report.num_halvings
    assert "Tried to allocate 20.00 GiB." in caplog.text
    assert f"train.micro_batch_tokens {report.micro_batch_tokens}" in caplog.text


@pytest.mark.slow
def test_the_smaller_budget_is_kept_for_the_rest_of_the_run(train):
    *_, memory = train(room=30)
    last = max(place for place, tokens in enumerate(memory.seen) if tokens > 30)
    assert last < len(memory.seen) / 2
    assert max(memory.seen[last + 1 :]) <= 30


def test_gradients_that_a_failed_step_left_are_dropped(train):
    spec = SPEC.replace(micro_batch_tokens=26, gradient_cosine_points=0)
    report, adapter, *_ = train(spec=spec, in_backward=1)
    assert report.num_halvings == 1
    assert near(adapter, train(spec=spec)[1])


@pytest.mark.slow
def test_dropout_goes_on_from_where_the_failed_step_began(train):
    once = train(room=13, dropout=0.3, spec=SPEC.replace(gradient_cosine_points=0))
    rows = SPEC.replace(gradient_cosine_points=0, micro_batch_tokens=13)
    again = train(room=13, dropout=0.3, spec=rows)
    assert once[0].num_halvings > 0
    assert again[0].num_halvings == 0
    assert all(torch.equal(value, again[1][name]) for name, value in once[1].items())


def test_a_teacher_that_moves_at_every_step_moves_once(train):
    penalty, shown = ReverseKlSpec(teacher_decay=0.5), (9, 8, 7, 6)
    spec = SPEC.replace(gradient_cosine_points=0)
    report, adapter, *_ = train(room=45, penalty=penalty, shown=shown, spec=spec)
    assert report.num_halvings > 0
    assert near(adapter, train(penalty=penalty, shown=shown, spec=spec)[1])


def test_a_single_row_that_does_not_fit_ends_the_training(train):
    with pytest.raises(
        TrainingError, match=r"one row at a time, the longest of \d+ tokens: Tried to allocate"
    ) as caught:
        train(room=5)
    assert caught.value.exit_code == EXIT_FAILED
    assert "train.max_length" in str(caught.value)


def test_nothing_is_said_of_memory_that_sufficed(train):
    report, *_ = train()
    assert (report.num_halvings, report.micro_batch_tokens) == (0, SPEC.micro_batch_tokens)
    assert not any("memory" in name or "micro" in name for name in report.facts())


def test_memory_that_is_full_while_drift_is_measured_says_what_to_lower(tiny_model_dir):
    base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    model = attach(base, LoraSpec(rank=4), seed=1).model

    def watch():
        raise torch.OutOfMemoryError("Tried to allocate 20.00 GiB.")

    with pytest.raises(TrainingError, match=r"20\.00 GiB.*\n.*lower train\.drift_chats"):
        fit(
            model,
            some_rows(),
            SPEC.replace(drift_points=1),
            LossTerms(WEIGHTS),
            seed=1,
            pad_id=0,
            hooks=Hooks(watch=watch),
        )
