from math import log

import pytest
import torch

from harness.errors import EXIT_USER, ConfigError
from harness.records import Role
from harness.training.batches import micro_batches
from harness.training.cosines import GradientCosines
from harness.training.objective import LossTerms, coefficients, weighted_loss
from harness.training.passes import role_sums
from harness.training.prepare import count_roles, prepare
from tests.training.bigram import Bigram, row

# Losses of the row 0 1 2 0 by hand: -log P(1|0) = log 3, -log P(2|1) = log 4, -log P(0|2) = log 5.
ROW = row("0120", "pttr")
MIXED = [
    row("01201", "ppttr", "a"),
    row("021", "ptr", "b"),
    row("0112022101", "ptttrrrrrr", "c"),
    row("2201", "pptt", "d"),
]


def measure(rows, weights, normalise="tokens", max_tokens=4096):
    """Loss and gradient of one optimiser step."""
    model = Bigram()
    weights = {Role.TRANSLATION: weights[0], Role.RATIONALE: weights[1]}
    prepared = prepare(rows, weights)
    factors = coefficients(count_roles(prepared), weights, normalise)
    batches = micro_batches(prepared, max_tokens, 0)
    sums, _ = role_sums(model, batches, factors, backward=True)
    return weighted_loss(sums, factors), model.head.weight.grad


@pytest.mark.parametrize("weight", [0.25, 1.0, 3.0])
def test_tokens_weigh_sums_over_weighted_counts(weight):
    loss, _ = measure([ROW], (1.0, weight))
    assert loss == pytest.approx((log(3) + log(4) + weight * log(5)) / (2 + weight))


@pytest.mark.parametrize("weight", [0.25, 1.0, 3.0])
def test_roles_weigh_the_mean_of_each_role(weight):
    loss, _ = measure([ROW], (1.0, weight), "roles")
    assert loss == pytest.approx((log(3) + log(4)) / 2 + weight * log(5))


def test_counts_run_over_the_whole_step_not_over_rows():
    # 0 1 and 0 1 1 1 1: one token of log 3, and one of log 3 with three of -log P(1|1) = log 4.
    loss, _ = measure([row("01", "pt"), row("01111", "ptttt")], (1.0, 0.0), max_tokens=1)
    assert loss == pytest.approx((2 * log(3) + 3 * log(4)) / 5)


def test_the_gradient_is_that_of_the_formula():
    _, gradient = measure([ROW], (1.0, 0.5))
    model = Bigram()
    logs = model(torch.tensor([[0, 1, 2]])).logits[0].log_softmax(-1)
    (-(logs[0, 1] + logs[1, 2] + 0.5 * logs[2, 0]) / 2.5).backward()
    assert torch.allclose(gradient, model.head.weight.grad, atol=1e-7)


def test_weight_one_equals_plain_training_on_the_concatenation():
    both = measure(MIXED, (1.0, 1.0))
    joined = [
        row(
            "".join(map(str, r.ids)),
            "p" * list(r.roles).count(Role.PROMPT)
            + "t" * (len(r.ids) - list(r.roles).count(Role.PROMPT)),
        )
        for r in MIXED
    ]
    plain = measure(joined, (1.0, 0.0))
    assert both[0] == pytest.approx(plain[0], abs=1e-7)
    assert torch.allclose(both[1], plain[1], atol=1e-7)


def test_weight_zero_equals_plain_training_without_the_role():
    weighted = measure(MIXED, (1.0, 0.0))
    without = [row(ids, roles) for ids, roles in (("0120", "pptt"), ("02", "pt"), ("0112", "pttt"))]
    plain = measure([*without, MIXED[3]], (1.0, 0.0))
    assert weighted[0] == plain[0]
    assert torch.equal(weighted[1], plain[1])


def test_tokens_of_weight_zero_are_not_even_computed():
    (made,) = prepare([MIXED[2]], {Role.TRANSLATION: 1.0, Role.RATIONALE: 0.0})
    assert made.ids_T.tolist() == [0, 1, 1, 2]
    assert len(made.targets_N) == 3


def test_a_role_of_weight_zero_in_the_middle_is_read_and_not_learned():
    (made,) = prepare([row("01202", "ptrtt")], {Role.TRANSLATION: 1.0, Role.RATIONALE: 0.0})
    assert made.ids_T.tolist() == [0, 1, 2, 0, 2]
    assert made.targets_N.tolist() == [1, 0, 2]


@pytest.mark.parametrize("normalise", ["tokens", "roles"])
@pytest.mark.parametrize("max_tokens", [1, 7, 12, 25])
def test_micro_batching_changes_nothing_but_rounding(normalise, max_tokens):
    whole = measure(MIXED, (1.0, 0.3), normalise)
    parts = measure(MIXED, (1.0, 0.3), normalise, max_tokens)
    assert parts[0] == pytest.approx(whole[0], abs=1e-6)
    assert torch.allclose(parts[1], whole[1], atol=1e-6)


def test_the_order_of_rows_changes_nothing_but_rounding():
    forth, back = measure(MIXED, (1.0, 0.3)), measure(MIXED[::-1], (1.0, 0.3))
    assert forth[0] == pytest.approx(back[0], abs=1e-6)
    assert torch.allclose(forth[1], back[1], atol=1e-6)


def test_padding_changes_nothing():
    alone, _ = measure([ROW], (1.0, 0.5))
    model, weights = Bigram(), {Role.TRANSLATION: 1.0, Role.RATIONALE: 0.5}
    prepared = prepare([ROW, row("0" * 40, "p" + "t" * 39)], weights)
    (batch,) = micro_batches(prepared, 4096, 2)
    sums, _ = role_sums(model, [batch], {}, backward=False)
    assert sums[Role.RATIONALE] == pytest.approx(log(5))
    assert sums[Role.TRANSLATION] == pytest.approx(log(3) + log(4) + 39 * log(3), rel=1e-6)
    assert alone == pytest.approx((log(3) + log(4) + 0.5 * log(5)) / 2.5)


def test_under_tokens_scaling_all_weights_changes_nothing():
    small, large = measure(MIXED, (0.1, 0.03)), measure(MIXED, (10.0, 3.0))
    assert small[0] == pytest.approx(large[0], abs=1e-6)
    assert torch.allclose(small[1], large[1], atol=1e-6)


def test_under_roles_scaling_all_weights_scales_the_loss():
    one, ten = measure(MIXED, (1.0, 0.3), "roles"), measure(MIXED, (10.0, 3.0), "roles")
    assert ten[0] == pytest.approx(10 * one[0], rel=1e-6)


UNWANTED_WEIGHTS = {Role.TRANSLATION: 1.0, Role.UNWANTED: 0.05}
# Translations cost log 3 + log 4 and log 5; unwanted tokens -log(1 - p): of p = 1/3, 1/4 and 1/5
# that is log(3/2), log(4/3), log(5/4).
WITH_UNWANTED = [row("012", "ptt", "a"), row("0120", "puuu", "b"), row("20", "pt", "c")]


def measure_unwanted(normalise, max_tokens=4096, weights=UNWANTED_WEIGHTS):
    model = Bigram()
    prepared = prepare(WITH_UNWANTED, weights)
    factors = coefficients(count_roles(prepared), weights, normalise)
    batches = micro_batches(prepared, max_tokens, 0)
    sums, _ = role_sums(model, batches, factors, backward=True)
    return weighted_loss(sums, factors), model.head.weight.grad


@pytest.mark.parametrize("normalise", ["tokens", "roles"])
@pytest.mark.parametrize("max_tokens", [1, 5, 4096])
def test_unlikelihood_is_a_mean_of_its_own_beside_the_loss(normalise, max_tokens):
    loss, gradient = measure_unwanted(normalise, max_tokens)
    likelihood = (log(3) + log(4) + log(5)) / 3
    unlikelihood = (log(3 / 2) + log(4 / 3) + log(5 / 4)) / 3
    assert loss == pytest.approx(likelihood + 0.05 * unlikelihood, rel=1e-6)
    model = Bigram().double()
    p = model.head.weight.T.softmax(-1)
    wanted = torch.stack([p[0, 1], p[1, 2], p[2, 0]])
    (-wanted.log().mean() - 0.05 * torch.log(1 - wanted).mean()).backward()
    assert torch.allclose(gradient.double(), model.head.weight.grad, atol=1e-7)


def test_the_weight_of_unlikelihood_scales_it_and_leaves_the_rest_of_the_loss_alone():
    small, _ = measure_unwanted("tokens")
    large, _ = measure_unwanted("tokens", weights={**UNWANTED_WEIGHTS, Role.UNWANTED: 0.5})
    assert large - small == pytest.approx(0.45 * log(3 / 2 * 4 / 3 * 5 / 4) / 3, rel=1e-5)


def test_an_unwanted_token_the_model_is_sure_of_costs_much_but_not_infinitely_much():
    model = Bigram()
    model.head.weight.data = 1000 * torch.eye(3)
    prepared = prepare([row("00", "pu")], {Role.UNWANTED: 1.0})
    sums, _ = role_sums(model, micro_batches(prepared, 99, 0), {Role.UNWANTED: 1.0}, backward=True)
    assert sums[Role.UNWANTED] == pytest.approx(log(1e6), rel=0.01)
    assert torch.isfinite(model.head.weight.grad).all()


def test_a_role_without_tokens_contributes_nothing():
    weights = {Role.TRANSLATION: 1.0, Role.RATIONALE: 9.0}
    assert coefficients({Role.TRANSLATION: 4}, weights, "tokens") == {Role.TRANSLATION: 0.25}
    assert coefficients({Role.TRANSLATION: 4}, weights, "roles") == {Role.TRANSLATION: 0.25}


def test_all_weights_zero_is_a_configuration_error():
    with pytest.raises(
        ConfigError, match=r"all loss weights are 0 \(translation: 0, reply: 0\)"
    ) as e:
        LossTerms({Role.TRANSLATION: 0.0, Role.REPLY: 0.0})
    assert e.value.exit_code == EXIT_USER


class Along:
    """A penalty whose gradient is the direction it is given."""

    def __init__(self, model, direction):
        self.model, self.direction = model, direction

    def value(self, step):
        return None if step == 7 else (self.model.head.weight * self.direction).sum()


class TokenAlong:
    """The same as a term of every token: its weight is the token's logit."""

    replaces_loss = False

    def token_values(self, step, passed):
        return None if step == 7 else 3.0 * passed.logits_NV[:, 2]


def cosine_with(build, step=0):
    model = Bigram()
    weights = {Role.TRANSLATION: 1.0, Role.RATIONALE: 0.5}
    prepared = prepare([ROW], weights)
    factors = coefficients(count_roles(prepared), weights, "tokens")
    batches = micro_batches(prepared, 4096, 0)
    look = GradientCosines(model, list(model.parameters()), batches, factors)
    found = look.of_penalty(build(model), step)
    assert model.head.weight.grad is None
    return found


def cosine(first, second):
    return float((first * second).sum() / (first.norm() * second.norm()))


def test_the_penalty_cosine_is_that_of_the_two_gradients():
    _, gradient = measure([ROW], (1.0, 0.5))
    direction = torch.arange(9.0).reshape(3, 3)
    found = cosine_with(lambda model: Along(model, direction))
    assert found == pytest.approx(cosine(gradient, direction), abs=1e-6)
    # The logit of word 2 is the weight of (2, last word); the words before are 0, 1 and, at half
    # weight, 2.
    direction = torch.zeros(3, 3)
    direction[2] = torch.tensor([1.0, 1.0, 0.5])
    found = cosine_with(lambda model: TokenAlong())
    assert found == pytest.approx(cosine(gradient, direction), abs=1e-6)


@pytest.mark.parametrize("build", [lambda model: Along(model, 1.0), lambda model: TokenAlong()])
def test_a_penalty_that_is_off_has_no_cosine(build):
    assert cosine_with(build, step=7) is None
