import copy

import pytest
import torch

from harness.errors import TrainingError
from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.protocols import TokenPenalty
from harness.records import Role, StepEvent, TokenRow
from harness.settings import plugins
from harness.training.batches import micro_batches
from harness.training.loop import Hooks, fit
from harness.training.objective import LossTerms, coefficients
from harness.training.passes import Pass, role_sums
from harness.training.prepare import count_roles, prepare
from harness.training.spec import TrainSpec

WEIGHTS = {Role.TRANSLATION: 1.0}


def answered(index, shown=True):
    """A row whose teacher's prompt is the longer the shorter the row: sorting differs by prompt."""
    ids = tuple((11 * index + 5 * place) % 250 + 5 for place in range(7 + index))
    roles = (Role.PROMPT,) * 3 + (Role.TRANSLATION,) * (4 + index)
    prompt = tuple((3 * index + place) % 250 + 5 for place in range(20 - 3 * index))
    return TokenRow(f"r{index}", ids, roles, teacher_prompt=prompt if shown else None)


ROWS = [answered(index) for index in range(5)]


def fresh(folder, dropout=0.0):
    base = load_chat_model(ModelSpec(path=str(folder), device="cpu"))
    return attach(base, LoraSpec(rank=4, dropout=dropout), seed=1).model


def move(model, seed, size=0.1):
    """Gives the adapter other weights, as an optimiser step would: in place."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(size * torch.randn(parameter.shape, generator=generator))


def adapter(model):
    return [p.detach().clone() for p in model.parameters() if p.requires_grad]


def reverse_kl(model, teacher_decay):
    return plugins.load("penalty", "reverse_kl")(teacher_decay=teacher_decay).build(model, [])


def passed(model, rows=ROWS):
    (batch,) = micro_batches(prepare(rows, WEIGHTS), 4096, 0)
    return Pass(model, batch)


def reference_loss(student, teacher):
    """The mean over tokens of KL(student || teacher), row by row in float64, from two models."""
    student, teacher = (copy.deepcopy(one).double().eval() for one in (student, teacher))
    total, count = 0.0, 0
    for row in ROWS:
        num_tokens = row.roles.count(Role.TRANSLATION)
        shown = row.teacher_prompt + row.ids[3:]
        log_p, log_q = (
            model(input_ids=torch.tensor([ids])).logits[0][-num_tokens - 1 : -1].log_softmax(-1)
            for model, ids in ((student, row.ids), (teacher, shown))
        )
        total = total + (log_p.exp() * (log_p - log_q.detach())).sum()
        count += num_tokens
    (total / count).backward()
    return (total / count).item(), [p.grad for p in student.parameters() if p.requires_grad]


@pytest.mark.parametrize("max_tokens", [12, 4096])
def test_loss_and_gradient_are_those_of_a_student_beside_a_copied_teacher(
    tiny_model_dir, max_tokens
):
    student = fresh(tiny_model_dir)
    move(student, seed=1)
    teacher = copy.deepcopy(student)
    penalty = reverse_kl(student, teacher_decay=1.0)
    move(student, seed=2)
    expected, gradients = reference_loss(student, teacher)
    prepared = prepare(ROWS, WEIGHTS)
    factors = coefficients(count_roles(prepared), WEIGHTS, "tokens")
    batches = micro_batches(prepared, max_tokens, 0)
    _, value = role_sums(student, batches, factors, backward=True, step=1, penalty=penalty)
    assert isinstance(penalty, TokenPenalty)
    assert expected > 0.1
    assert value == pytest.approx(expected, rel=1e-4)
    mine = [p.grad for p in student.parameters() if p.requires_grad]
    for one, other in zip(mine, gradients, strict=True):
        assert torch.allclose(one.double(), other, atol=1e-5)


def test_the_teacher_is_the_average_moved_once_per_step(tiny_model_dir):
    student = fresh(tiny_model_dir)
    penalty = reverse_kl(student, teacher_decay=0.75)
    seen = [adapter(student)]
    for step in range(3):
        for _ in range(2):  # two micro-batches
            penalty.token_values(step, passed(student))
        move(student, seed=step)
        seen.append(adapter(student))
    # E0 = s0, E1 = .75 E0 + .25 s1, E2 = .75 E1 + .25 s2
    for index, average in enumerate(penalty.teacher):
        s0, s1, s2, _ = (weights[index] for weights in seen)
        expected = 0.75**2 * s0 + 0.75 * 0.25 * s1 + 0.25 * s2
        assert torch.allclose(average, expected, atol=1e-6)


def test_decay_one_leaves_the_teacher_where_training_began(tiny_model_dir):
    student = fresh(tiny_model_dir)
    move(student, seed=4)  # a chain goes on with an adapter that has moved
    penalty, began = reverse_kl(student, teacher_decay=1.0), adapter(student)
    for step in range(3):
        penalty.token_values(step, passed(student))
        move(student, seed=step)
    assert all(torch.equal(a, b) for a, b in zip(penalty.teacher, began, strict=True))


def test_a_student_that_reads_what_its_own_teacher_reads_agrees_with_it(tiny_model_dir):
    student = fresh(tiny_model_dir)
    penalty = reverse_kl(student, teacher_decay=0.0)
    move(student, seed=1)
    same = [TokenRow(r.example_id, r.ids, r.roles, teacher_prompt=r.ids[:3]) for r in ROWS]
    values = penalty.token_values(1, passed(student, same))
    assert values.detach().abs().max() < 1e-5
    assert penalty.token_values(1, passed(student)).detach().max() > 0.1


def test_the_teachers_pass_leaves_the_student_and_the_dropout_stream_alone(tiny_model_dir):
    student = fresh(tiny_model_dir, dropout=0.3).train()
    penalty = reverse_kl(student, teacher_decay=0.5)
    move(student, seed=1)
    trained = [p for p in student.parameters() if p.requires_grad]
    before = [(p.data_ptr(), p.detach().clone()) for p in trained]
    asked = passed(student)
    state = torch.random.get_rng_state()
    penalty.token_values(1, asked)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert student.training
    for parameter, (place, value) in zip(trained, before, strict=True):
        assert parameter.data_ptr() == place
        assert torch.equal(parameter, value)


def test_examples_that_show_the_teacher_nothing_are_refused_and_the_student_kept(tiny_model_dir):
    student = fresh(tiny_model_dir)
    penalty = reverse_kl(student, teacher_decay=1.0)
    move(student, seed=1)
    before = adapter(student)
    with pytest.raises(TrainingError, match="teacher's prompt"):
        penalty.token_values(1, passed(student, [answered(0, shown=False)]))
    assert all(torch.equal(a, b) for a, b in zip(adapter(student), before, strict=True))


def trained(folder, **settings):
    spec = {"learning_rate": 1e-2, "steps": 12, "batch_size": 5, "log_every": 1}
    student = fresh(folder)
    events: list[StepEvent] = []
    report = fit(
        student,
        ROWS,
        TrainSpec(**(spec | settings)),
        LossTerms(WEIGHTS, reverse_kl(student, teacher_decay=0.9)),
        seed=1,
        pad_id=0,
        validation=[answered(7, shown=False)],
        hooks=Hooks(events.append),
    )
    return report, [event.metrics for event in events], adapter(student)


def test_training_brings_the_student_to_its_teacher(tiny_model_dir):
    report, curves, _ = trained(tiny_model_dir)
    assert curves[-1]["train/loss"] < 0.5 * curves[0]["train/loss"]
    # what takes the loss's place is all of the objective, and the tokens' likelihood is shown
    assert curves[0]["train/loss"] == pytest.approx(curves[0]["train/penalty"])
    assert curves[0]["train/loss/translation"] > 0
    assert report.validation_losses["translation"] > 0


def test_micro_batches_and_checkpointing_change_the_training_by_rounding_only(tiny_model_dir):
    _, whole, adapter_of_whole = trained(tiny_model_dir, steps=4)
    for settings in ({"micro_batch_tokens": 12}, {"gradient_checkpointing": True}):
        _, other, weights = trained(tiny_model_dir, steps=4, **settings)
        assert [m["train/loss"] for m in other] == pytest.approx(
            [m["train/loss"] for m in whole], abs=1e-4
        )
        assert all(
            torch.allclose(a, b, atol=1e-4) for a, b in zip(adapter_of_whole, weights, strict=True)
        )
