import math
from types import SimpleNamespace

import pytest
import torch

from harness.errors import EXIT_FAILED, ConfigError, TrainingError
from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.protocols import Penalty, TokenPenalty
from harness.records import Role, StepEvent, TokenRow
from harness.settings import plugins
from harness.training.loop import Hooks, Renewal, fit
from harness.training.objective import LossTerms
from harness.training.spec import TrainSpec
from harness.training.team import Team

WEIGHTS = {Role.TRANSLATION: 1.0, Role.RATIONALE: 0.5}
SPEC = TrainSpec(learning_rate=1e-2, steps=6, batch_size=4, log_every=1, warmup_fraction=0)
LORA = LoraSpec(rank=4)


def some_rows(count=12, offset=0):
    rows = []
    for index in range(count):
        ids = [(7 * index + 3 * place + offset) % 256 + 5 for place in range(8 + index % 5)]
        roles = [Role.PROMPT] * 3 + [Role.TRANSLATION] * 3 + [Role.RATIONALE] * (len(ids) - 6)
        rows.append(TokenRow(f"r{index}", tuple(ids), tuple(roles)))
    return rows


@pytest.fixture
def train(tiny_model_dir):
    """Trains a fresh adapter; returns its report, its events and its weights."""

    def run(
        rows=None,
        spec=SPEC,
        dtype="float32",
        lora=LORA,
        build=None,
        weights=WEIGHTS,
        renewal=None,
        **settings,
    ):
        base = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu", dtype=dtype))
        model = attach(base, lora, seed=1).model
        events: list[StepEvent] = []
        settings = {"seed": 1, "pad_id": 0} | settings
        terms = LossTerms(weights, None if build is None else build(model))
        hooks = Hooks(events.append, renewal=renewal)
        report = fit(model, rows or some_rows(), spec, terms, hooks=hooks, **settings)
        adapter = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
        return SimpleNamespace(report=report, events=events, adapter=adapter, model=model)

    return run


def curve(result, key):
    return [event.metrics[key] for event in result.events if key in event.metrics]


def same(first, second):
    return all(torch.equal(first.adapter[name], second.adapter[name]) for name in first.adapter)


def test_the_loss_falls(train):
    losses = curve(train(spec=SPEC.replace(steps=25)), "train/loss")
    assert losses[-1] < 0.7 * losses[0]


def test_the_same_seed_gives_the_same_adapter_to_the_bit(train):
    lora = LoraSpec(rank=4, dropout=0.2)
    assert same(train(lora=lora), train(lora=lora))


def test_another_seed_gives_another_adapter(train):
    assert not same(train(), train(seed=2))


def test_another_seed_draws_other_dropout(train):
    # of a single row there is one order only
    one = {"rows": some_rows(1), "spec": SPEC.replace(batch_size=1)}
    assert same(train(**one), train(**one, seed=2))
    lora = LoraSpec(rank=4, dropout=0.5)
    assert not same(train(**one, lora=lora), train(**one, lora=lora, seed=2))


def test_training_leaves_the_global_stream_alone(train):
    state = torch.random.get_rng_state()
    train(lora=LoraSpec(rank=4, dropout=0.2))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_micro_batches_change_the_adapter_by_rounding_only(train):
    whole, parts = train(), train(spec=SPEC.replace(micro_batch_tokens=16))
    assert curve(parts, "train/loss") == pytest.approx(curve(whole, "train/loss"), abs=1e-5)


def test_looking_changes_nothing_that_is_trained(train):
    lora = LoraSpec(rank=4, dropout=0.2)
    spec = SPEC.replace(gradient_cosine_points=3, validate_every=2, log_every=4)
    looked = train(spec=spec, lora=lora, validation=some_rows(5, offset=9))
    assert same(looked, train(lora=lora))


def test_the_gradient_cosine_is_measured_at_points_over_training(train):
    result = train(spec=SPEC.replace(gradient_cosine_points=3))
    measured = {e.step for e in result.events if "train/gradient_cosine" in e.metrics}
    assert measured == {1, 3, 6}
    assert all(-1 <= value <= 1 for value in curve(result, "train/gradient_cosine"))


def test_two_roles_with_the_same_targets_pull_the_same_way(train):
    ids, prompt = (9, 8, 7), (5, 6)
    rows = [
        TokenRow(str(role), prompt + ids, (Role.PROMPT,) * 2 + (role,) * 3)
        for role in (Role.TRANSLATION, Role.RATIONALE)
    ]
    spec = SPEC.replace(batch_size=2, gradient_cosine_points=1, steps=1)
    (cosine,) = curve(train(rows, spec), "train/gradient_cosine")
    assert cosine == pytest.approx(1.0, abs=1e-5)


def test_curves_and_report_have_every_role(train):
    result = train(validation=some_rows(5, offset=9))
    last = result.events[-1]
    assert (last.step, last.num_steps) == (6, 6)
    for key in ("loss", "loss/translation", "loss/rationale", "learning_rate", "gradient_norm"):
        assert math.isfinite(last.metrics[f"train/{key}"])
    assert last.metrics["train/tokens_per_second"] > 0
    assert set(result.report.validation_losses) == {"translation", "rationale"}
    assert result.report.num_steps == 6
    assert result.report.role_tokens["translation"] == 6 * 4 * 3
    assert result.report.losses["translation"] == pytest.approx(
        last.metrics["train/loss/translation"]
    )


def test_the_validation_loss_is_of_every_role_whatever_is_trained(train):
    result = train(weights={Role.RATIONALE: 1.0}, validation=some_rows(5, offset=9))
    assert set(result.report.validation_losses) == {"translation", "rationale"}


def test_a_point_of_the_curves_covers_all_steps_since_the_last(train):
    each = curve(train(), "train/loss")
    thirds = curve(train(spec=SPEC.replace(log_every=3)), "train/loss")
    assert thirds == pytest.approx([sum(each[:3]) / 3, sum(each[3:]) / 3])


def test_the_curves_loss_is_the_objective(train):
    event = train(spec=SPEC.replace(normalise="roles")).events[0]
    expected = event.metrics["train/loss/translation"] + 0.5 * event.metrics["train/loss/rationale"]
    assert event.metrics["train/loss"] == pytest.approx(expected)


def test_a_loss_that_is_not_finite_stops_and_names_the_step(train):
    with pytest.raises(TrainingError, match=r"step [2-6] of 6: the loss is not finite") as caught:
        train(spec=SPEC.replace(learning_rate=1e30, max_grad_norm=None))
    assert caught.value.exit_code == EXIT_FAILED
    assert "learning_rate" in str(caught.value)


def test_all_weights_zero_is_refused_before_anything_runs(train):
    with pytest.raises(ConfigError, match="all loss weights are 0"):
        train(weights={Role.TRANSLATION: 0.0})


def test_clipping_bounds_the_step(train):
    free = train(spec=SPEC.replace(max_grad_norm=None, steps=1, weight_decay=0.0))
    tight = train(spec=SPEC.replace(max_grad_norm=1e-9, steps=1, weight_decay=0.0))
    assert curve(free, "train/gradient_norm") == curve(tight, "train/gradient_norm")
    assert not same(free, tight)


def test_checkpointing_changes_the_loss_by_rounding_only(train):
    plain = curve(train(), "train/loss")
    checkpointed = curve(train(spec=SPEC.replace(gradient_checkpointing=True)), "train/loss")
    assert checkpointed == pytest.approx(plain, abs=1e-5)


def test_bfloat16_weights_train_a_float32_adapter(train):
    result = train(dtype="bfloat16", spec=SPEC.replace(steps=20))
    assert {value.dtype for value in result.adapter.values()} == {torch.float32}
    losses = curve(result, "train/loss")
    in_full = curve(train(spec=SPEC.replace(steps=20)), "train/loss")
    assert losses == pytest.approx(in_full, rel=0.1)
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("max_logits_mib", [256, 1])
@pytest.mark.parametrize(
    ("dtype", "computed"), [("bfloat16", torch.bfloat16), ("float32", torch.float32)]
)
def test_an_adapter_is_multiplied_by_in_the_precision_of_the_model(
    train, dtype, computed, max_logits_mib
):
    seen = set()

    def build(model):
        for name, module in model.named_modules():
            if name.endswith("lora_A.default"):
                module.register_forward_hook(lambda module, given, made: seen.add(made.dtype))

    spec = SPEC.replace(steps=1, logits_mib=max_logits_mib)
    train(dtype=dtype, spec=spec, build=build)
    assert seen == {computed}


def test_the_model_is_left_ready_to_generate(train):
    assert not train().model.training


def test_rows_are_renewed_with_the_model_as_it_is(train):
    asked, losses = [], []
    box = {}

    def renew(step):
        asked.append(step)
        losses.append(box["model"].training)
        return some_rows(offset=50)

    def build(model):
        box["model"] = model
        return None

    renewed = train(build=build, renewal=Renewal(2, renew))
    assert asked == [2, 4]
    assert losses == [False, False]
    plain = train()
    assert curve(renewed, "train/loss")[:2] == curve(plain, "train/loss")[:2]
    assert curve(renewed, "train/loss")[2] != curve(plain, "train/loss")[2]


class Counted:
    """A penalty of (1/2) |theta|^2 that knows how often it was asked."""

    def __init__(self, model):
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.asked = []

    def value(self, step):
        self.asked.append(step)
        return None if step == 1 else 0.5 * sum((p**2).sum() for p in self.parameters)


def test_a_penalty_is_added_once_per_step_whatever_the_micro_batches(train):
    made = []
    spec = SPEC.replace(steps=3, micro_batch_tokens=16)
    result = train(spec=spec, build=lambda model: made.append(Counted(model)) or made[0])
    assert isinstance(made[0], Penalty)
    assert made[0].asked == [0, 1, 2]
    plain = train(spec=spec)
    shrunk = curve(result, "train/loss")[0] - curve(plain, "train/loss")[0]
    assert shrunk == pytest.approx(result.events[0].metrics["train/penalty"])
    assert "train/penalty" not in result.events[1].metrics


class Second(Team):
    """The second of two processes, as far as it works without the first."""

    rank, size = 1, 2


def test_the_first_process_alone_adds_a_penalty_that_is_added_once_per_step(train):
    made = []
    result = train(build=lambda model: made.append(Counted(model)) or made[0], team=Second())
    assert made[0].asked == []
    assert curve(result, "train/penalty") == []


class Entropy:
    """A token penalty: minus the loss itself, which cancels it."""

    replaces_loss = False

    def token_values(self, step, passed):
        return torch.nn.functional.log_softmax(passed.logits_NV, -1).gather(
            1, passed.targets_N[:, None]
        )[:, 0]


def test_a_token_penalty_is_weighted_and_normalised_as_the_loss_is(train):
    result = train(build=lambda model: Entropy(), spec=SPEC.replace(steps=1, micro_batch_tokens=16))
    assert isinstance(Entropy(), TokenPenalty)
    assert curve(result, "train/loss") == pytest.approx([0.0], abs=1e-6)
    assert curve(result, "train/gradient_norm") == pytest.approx([0.0], abs=1e-6)


class StaysNear:
    """KL from the base model at each token, asked through the pass with the adapter off."""

    replaces_loss = False

    def __init__(self, model):
        self.model = model
        self.values = []

    def token_values(self, step, passed):
        with torch.no_grad(), self.model.disable_adapter():
            base_NV = passed.logits().log_softmax(-1)
        tuned_NV = passed.logits_NV.log_softmax(-1)
        values_N = (base_NV.exp() * (base_NV - tuned_NV)).sum(-1)
        self.values.append(float(values_N.detach().max()))
        return 5.0 * values_N


def test_a_token_penalty_can_ask_the_base_model(train):
    made = []
    tied = train(build=lambda model: made.append(StaysNear(model)) or made[0])
    assert made[0].values[0] == pytest.approx(0.0, abs=1e-5)
    assert made[0].values[-1] > 0
    assert curve(tied, "train/loss/translation")[-1] > curve(train(), "train/loss/translation")[-1]


def test_looking_at_a_penalty_changes_nothing_that_is_trained(train):
    lora = LoraSpec(rank=4, dropout=0.2)
    for kind, settings in (("kl", {"strength": 1.0}), ("l2", {"strength": 1.0})):

        def build(model, kind=kind, settings=settings):
            return plugins.load("penalty", kind)(**settings).build(model, [])

        looked = train(build=build, lora=lora, spec=SPEC.replace(gradient_cosine_points=3))
        assert same(looked, train(build=build, lora=lora))


def test_a_penalty_that_cancels_the_loss_pulls_the_other_way(train):
    result = train(build=lambda model: Entropy(), spec=SPEC.replace(gradient_cosine_points=2))
    cosines = curve(result, "train/gradient_cosine_penalty")
    assert cosines == pytest.approx([-1.0, -1.0], abs=1e-5)


def test_the_penalty_cosine_is_measured_where_the_penalty_has_a_gradient(train):
    def steps_measured(kind, **settings):
        result = train(
            build=lambda model: plugins.load("penalty", kind)(**settings).build(model, []),
            spec=SPEC.replace(gradient_cosine_points=3),
        )
        assert len(curve(result, "train/gradient_cosine")) == 3
        return {e.step for e in result.events if "train/gradient_cosine_penalty" in e.metrics}

    # at the first step the adapter has not moved yet
    assert steps_measured("l2", strength=1.0) == {3, 6}
    assert steps_measured("kl", strength=1.0) == {3, 6}
    assert steps_measured("kl", strength=0.0) == set()


class InPlaceOfTheLoss(Entropy):
    replaces_loss = True


def test_no_cosine_is_measured_with_what_takes_the_loss_s_place(train):
    result = train(
        build=lambda model: InPlaceOfTheLoss(), spec=SPEC.replace(gradient_cosine_points=2)
    )
    assert curve(result, "train/gradient_cosine_penalty") == []


def test_without_a_penalty_there_is_no_cosine_with_one(train):
    result = train(spec=SPEC.replace(gradient_cosine_points=2))
    assert curve(result, "train/gradient_cosine_penalty") == []


def test_l2_is_the_norm_of_the_whole_update(train):
    result = train(lora=LoraSpec(rank=3, alpha=7))
    penalty = plugins.load("penalty", "l2")(strength=2.0).build(result.model, [])
    expected = 0.0
    for name, module in result.model.named_modules():
        if name.endswith(("_proj",)):
            expected += float((module.get_delta_weight("default").detach() ** 2).sum())
    assert expected > 0
    assert float(penalty.value(0).detach()) == pytest.approx(expected, rel=1e-5)


def test_l2_of_strength_zero_is_off(train):
    off = train(build=lambda model: plugins.load("penalty", "l2")(strength=0.0).build(model, []))
    assert same(off, train())


def test_l2_refuses_an_adapter_that_is_not_a_product(train):
    with pytest.raises(ConfigError, match=r"lora\.dora"):
        train(
            lora=LoraSpec(rank=2, dora=True),
            build=lambda model: plugins.load("penalty", "l2")(strength=1.0).build(model, []),
        )
