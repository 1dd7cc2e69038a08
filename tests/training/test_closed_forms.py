import pytest
import torch

from harness.training.closed_forms import forward_kl, reverse_kl, weighted_square, with_gradient


def some_logits(seed, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(7, 11, generator=generator, dtype=torch.float64)


def value_and_gradient(term, logits):
    logits = logits.clone().requires_grad_()
    values = term(logits)
    # every token weighs differently, as roles make it
    (values * torch.arange(1, 8)).sum().backward()
    return values.detach(), logits.grad


def matches(mine, reference):
    return all(torch.allclose(a, b, atol=1e-12) for a, b in zip(mine, reference, strict=True))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_forward_kl_and_its_gradient_are_those_of_the_definition(temperature):
    fixed = some_logits(1)

    def by_definition(logits):
        p, q = (torch.softmax(one / temperature, -1) for one in (logits, fixed))
        return (q * torch.log(q / p)).sum(-1)

    mine = value_and_gradient(lambda logits: forward_kl(logits, fixed, temperature), some_logits(2))
    assert matches(mine, value_and_gradient(by_definition, some_logits(2)))


def test_reverse_kl_and_its_gradient_are_those_of_the_definition():
    fixed = some_logits(1)

    def by_definition(logits):
        p, q = torch.softmax(logits, -1), torch.softmax(fixed, -1)
        return (p * torch.log(p / q)).sum(-1)

    mine = value_and_gradient(lambda logits: reverse_kl(logits, fixed), some_logits(2))
    assert matches(mine, value_and_gradient(by_definition, some_logits(2)))


def test_forward_kl_to_the_model_itself_has_no_gradient_at_all():
    logits = some_logits(1).float()
    values, gradient = value_and_gradient(lambda one: forward_kl(one, logits, 2.0), logits)
    assert values.abs().max() < 1e-6
    assert not gradient.any()


def test_the_weighted_square_and_its_gradient_are_those_of_an_explicit_update():
    generator = torch.Generator().manual_seed(5)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    b, a, weight = draw(5, 2).requires_grad_(), draw(2, 7).requires_grad_(), draw(5, 7) ** 2
    value = weighted_square(b, a, 1.5, weight)
    mine = torch.autograd.grad(3 * value, (b, a))
    explicit = (weight * (1.5 * (b @ a)) ** 2).sum()
    assert torch.allclose(value, explicit)
    assert matches(mine, torch.autograd.grad(3 * explicit, (b, a)))


def test_a_given_gradient_goes_to_each_tensor_it_is_given_for():
    first, second = torch.ones(2, 3, requires_grad=True), torch.ones(4, requires_grad=True)
    value = with_gradient(torch.tensor(5.0), first, torch.full((2, 3), 2.0), second, torch.ones(4))
    (10 * value).backward()
    assert value == 5
    assert first.grad.tolist() == [[20.0] * 3] * 2
    assert second.grad.tolist() == [10.0] * 4
