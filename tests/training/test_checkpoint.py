import logging

import pytest
import torch

from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.records import Role, TokenRow
from harness.training.checkpoint import FILE, Checkpoints
from harness.training.loop import Hooks, Renewal, fit
from harness.training.objective import LossTerms
from harness.training.penalties.reverse_kl import ReverseKlSpec
from harness.training.spec import TrainSpec

SPEC = TrainSpec(learning_rate=1e-2, steps=7, batch_size=3, log_every=2, checkpoint_every=3)
WEIGHTS = {Role.TRANSLATION: 1.0, Role.RATIONALE: 0.5}
ROLES = (Role.PROMPT,) * 3 + (Role.TRANSLATION,) * 3 + (Role.RATIONALE,) * 7


class Killed(Exception):
    pass


def some_rows(offset=0):
    return [
        TokenRow(
            f"r{index}",
            tuple((7 * index + 3 * place + offset) % 250 + 5 for place in range(8 + index % 5)),
            ROLES[: 8 + index % 5],
            teacher_prompt=(9, 8, 7, 6 + index),
        )
        for index in range(10)
    ]


@pytest.fixture
def train(tiny_model_dir, tmp_path):
    """Trains until ``dies_at``; says which steps were taken, and what came of it."""

    def run(
        dies_at=None, *, spec=SPEC, keep=True, penalty=None, identity="it", renewal=None, **settings
    ):
        base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
        model = attach(base, LoraSpec(rank=4, dropout=0.3), seed=1).model
        taken, events = [], []

        def count(module, arguments):
            if module.training:  # a teacher's pass is not
                taken.append(1)

        model.register_forward_pre_hook(count)

        def on_event(event):
            events.append(event)
            if event.step == dies_at:
                raise Killed

        arguments = {
            "rows": some_rows(),
            "seed": 1,
            "pad_id": 0,
            "validation": some_rows(5),
            "checkpoints": Checkpoints(tmp_path / "kept", {"stage": identity}) if keep else None,
        } | settings
        terms = LossTerms(
            arguments.pop("weights", WEIGHTS), None if penalty is None else penalty.build(model, [])
        )
        hooks = Hooks(on_event, renewal=renewal)
        try:
            report = fit(model, spec=spec, terms=terms, hooks=hooks, **arguments)
        except Killed:
            return len(taken)
        adapter = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
        return len(taken), adapter, events, report

    return run


def timeless(metrics):
    return {
        name: value
        for name, value in metrics.items()
        if "seconds" not in name and "per_second" not in name
    }


def same(some, others):
    (_, adapter, events, report), (_, expected, told, usual) = some, others
    assert all(torch.equal(value, expected[name]) for name, value in adapter.items())
    assert [(e.step, timeless(e.metrics)) for e in events] == [
        (e.step, timeless(e.metrics)) for e in told
    ]
    assert timeless(report.facts()) == timeless(usual.facts())


@pytest.mark.parametrize("dies_at", [4, 6])
def test_a_training_goes_on_to_the_bits_of_one_undisturbed(train, dies_at):
    whole = train(keep=False)
    assert train(dies_at) == dies_at
    again = train()
    assert again[0] == 4  # what is told at a step is told before it is kept
    same(again, whole)


def test_it_can_die_and_go_on_again_and_again(train):
    spec = SPEC.replace(checkpoint_every=1, log_every=1)
    assert [train(dies_at, spec=spec) for dies_at in (2, 3, 5)] == [2, 2, 3]
    again = train(spec=spec)
    assert again[0] == 3
    same(again, train(spec=spec, keep=False))


def test_a_teacher_that_moves_is_where_it_was(train):
    settings = {"penalty": ReverseKlSpec(teacher_decay=0.5), "weights": {Role.TRANSLATION: 1.0}}
    whole = train(keep=False, **settings)
    train(4, **settings)
    again = train(**settings)
    assert again[0] == 4
    same(again, whole)


def test_rows_that_were_renewed_are_kept(train):
    asked = []

    def renew(step):
        asked.append(step)
        return some_rows(offset=11 * step)

    settings = {"renewal": Renewal(2, renew), "spec": SPEC.replace(log_every=1)}
    whole = train(keep=False, **settings)
    train(4, **settings)
    asked.clear()
    same(train(**settings), whole)
    assert asked == [4, 6]


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 2},
        {"weights": {Role.TRANSLATION: 1.0}},
        {"rows": some_rows(offset=1)},
        {"spec": SPEC.replace(learning_rate=2e-2)},
        {"identity": "another stage, or other libraries"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_checkpoint_of_another_training_is_never_used(train, other, caplog):
    caplog.set_level(logging.WARNING)
    train(4)
    again = train(**other)
    assert again[0] == 7
    assert "the checkpoint is of another training" in caplog.text
    same(again, train(**{**other, "keep": False}))


def test_how_often_is_no_part_of_what_a_training_is(train):
    train(4)
    assert train(spec=SPEC.replace(checkpoint_every=2))[0] == 4


def test_a_broken_checkpoint_is_not_used(train, tmp_path, caplog):
    train(4)
    file = tmp_path / "kept" / FILE
    file.write_bytes(file.read_bytes()[:1000])
    assert train()[0] == 7
    assert "cannot be read" in caplog.text


@pytest.mark.parametrize("every", [0, None])
def test_short_trainings_and_those_that_ask_for_none_leave_nothing(train, tmp_path, every):
    train(4, spec=SPEC.replace(checkpoint_every=every))
    assert not (tmp_path / "kept").exists()


def test_the_usual_is_no_part_of_what_a_training_is_known_by():
    assert "checkpoint_every" not in TrainSpec().plain()
    assert TrainSpec(checkpoint_every=0).plain()["checkpoint_every"] == 0
