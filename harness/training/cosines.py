"""How the parts of a step's loss pull beside each other: cosines between their gradients."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from harness.protocols import Penalty, TokenPenalty
from harness.records import Role
from harness.training.batches import Batch
from harness.training.heads import MAX_LOGITS
from harness.training.passes import Pass, role_sums


def gradient_cosine(
    model: Any,
    parameters: Sequence[Tensor],
    batches: Sequence[Batch],
    factors: Mapping[Role, float],
    max_logits: int = MAX_LOGITS,
) -> float | None:
    """Cosine between the gradients of the translation loss and of all other roles' together.

    RaDis, figure 4: the second is the regularisation term. Dropout stays on and draws from a forked
    stream, so that looking does not change what is trained. None where one side has no tokens.
    """
    terms: tuple[dict[Role, float], dict[Role, float]] = ({}, {})
    for role, factor in factors.items():
        if factor > 0:
            terms[role is not Role.TRANSLATION][role] = factor
    if not all(terms):
        return None
    first, second = (_gradient(model, parameters, batches, term, max_logits) for term in terms)
    return _cosine(first, second)


def penalty_cosine(
    model: Any,
    parameters: Sequence[Tensor],
    batches: Sequence[Batch],
    factors: Mapping[Role, float],
    penalty: Penalty | TokenPenalty,
    step: int,
    max_logits: int = MAX_LOGITS,
) -> float | None:
    """Cosine between the gradients of the token losses, all roles together, and of the penalty.

    Looking changes nothing here either; the penalty is asked once more at the step. None where the
    penalty takes the loss's place, is off at the step, or has no gradient (as that of a norm has
    none before the adapter has moved).
    """
    if isinstance(penalty, TokenPenalty):
        if penalty.replaces_loss:
            return None
        theirs = _gradient(model, parameters, batches, factors, max_logits, step, _Alone(penalty))
    else:
        term = penalty.value(step)
        if term is None:
            return None
        term.backward()
        theirs = _take_gradient(parameters)
    return _cosine(_gradient(model, parameters, batches, factors, max_logits), theirs)


class _Alone:
    """A token penalty without the losses beside it."""

    replaces_loss = True

    def __init__(self, penalty: TokenPenalty) -> None:
        self._penalty = penalty

    def token_values(self, step: int, passed: Pass) -> Tensor:
        values_N: Tensor | None = self._penalty.token_values(step, passed)
        return 0.0 * passed.logits_NV[:, 0] if values_N is None else values_N


def _gradient(
    model: Any,
    parameters: Sequence[Tensor],
    batches: Sequence[Batch],
    factors: Mapping[Role, float],
    max_logits: int,
    step: int = 0,
    penalty: TokenPenalty | None = None,
) -> Tensor:
    """The gradient of a step's loss as one vector; the stream of dropout is left where it was."""
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        role_sums(
            model,
            batches,
            factors,
            backward=True,
            step=step,
            penalty=penalty,
            max_logits=max_logits,
        )
    return _take_gradient(parameters)


def _cosine(first: Tensor, second: Tensor) -> float | None:
    if not (first.any() and second.any()):
        return None
    return float(functional.cosine_similarity(first, second, dim=0))


def _take_gradient(parameters: Sequence[Tensor]) -> Tensor:
    """All gradients as one vector, in float32; the parameters have none afterwards."""
    parts = [
        torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in parameters
    ]
    for parameter in parameters:
        parameter.grad = None
    return torch.cat(parts).float()
