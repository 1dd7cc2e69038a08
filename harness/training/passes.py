"""One pass of rows through the model: loss sums per role, gradients added where they are wanted.

Shapes: B rows, T tokens, N target tokens that carry loss, V vocabulary, R roles.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from harness.errors import TrainingError
from harness.protocols import Penalty, TokenPenalty
from harness.records import Role
from harness.training.batches import Batch
from harness.training.prepare import ROLES


class Pass:
    """A micro-batch on its way through the model: what a token penalty may look at.

    Attributes:
        targets_N: The tokens that carry loss.
        roles_N: Their roles as indices into ``ROLES``.
        logits_NV: What the model in training says at each of them, float32.
    """

    def __init__(self, model: Any, batch: Batch) -> None:
        self._model = model
        self._batch = batch
        self.targets_N = batch.targets_N.to(model.device)
        self.roles_N = batch.roles_N.to(model.device)
        self.logits_NV = self.logits()

    def logits(self) -> Tensor:
        """What the model, as it is now, says where there is loss, [N, V], float32.

        Ask again with the adapter switched off and it is the base model that answers.
        """
        return logits(self._model, self._batch)

    def teacher_logits(self) -> Tensor:
        """The same behind the prompts a teacher reads, [N, V], float32.

        Raises:
            TrainingError: The variant's examples have no such prompts.
        """
        if self._batch.teacher is None:
            raise TrainingError("this penalty needs examples with a teacher's prompt")
        return logits(self._model, self._batch.teacher)


def logits(model: Any, batch: Batch) -> Tensor:
    """What the model says where there is loss, [N, V], float32.

    The head sees only the positions that carry loss, so neither time nor memory goes into the
    logits of prompts and padding.
    """
    with _head_sees_only(model, batch.loss_BT.to(model.device)):
        output = model(input_ids=batch.ids_BT.to(model.device), use_cache=False)
    logits_NV: Tensor = output.logits[0].float()
    return logits_NV


@contextmanager
def _head_sees_only(model: Any, loss_BT: Tensor) -> Iterator[None]:
    # A hook on the head keeps whatever an architecture does behind it (soft-capping, scaling).
    def select(module: Any, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        hidden_BTH, *rest = arguments
        return (hidden_BTH[loss_BT].unsqueeze(0), *rest)

    handle = model.get_output_embeddings().register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()


def role_sums(
    model: Any,
    batches: Sequence[Batch],
    factors: Mapping[Role, float],
    *,
    backward: bool,
    step: int = 0,
    penalty: TokenPenalty | None = None,
) -> tuple[dict[Role, float], float]:
    """S_r over the batches, and the sum of the token penalty weighted as the losses are.

    Args:
        model: The model.
        batches: The micro-batches of one step (or of a validation set).
        factors: c_r per role; roles that are not in it count 0.
        backward: Whether the gradient of sum_r c_r S_r (and of the penalty) is added to ``.grad``.
        step: For the penalty.
        penalty: Adds to the loss of each token.
    """
    factors_R = torch.tensor([factors.get(role, 0.0) for role in ROLES], device=model.device)
    sums_R = torch.zeros(len(ROLES), dtype=torch.float64)
    penalised = 0.0
    for batch in batches:
        with torch.set_grad_enabled(backward):
            passed = Pass(model, batch)
            losses_N = token_losses(passed)
            factors_N = factors_R[passed.roles_N]
            loss = torch.dot(losses_N, factors_N)
            extra_N = None if penalty is None else penalty.token_values(step, passed)
            if penalty is not None and extra_N is not None:
                extra = torch.dot(extra_N, factors_N)
                penalised += float(extra.detach())
                loss = extra if penalty.replaces_loss else loss + extra
            if backward:
                loss.backward()  # type: ignore[no-untyped-call]
        sums_R.index_add_(0, batch.roles_N, losses_N.detach().double().cpu())
    present = {role for batch in batches for role in batch.roles_N.tolist()}
    return {ROLES[role]: float(sums_R[role]) for role in sorted(present)}, penalised


def token_losses(passed: Pass) -> Tensor:
    """Negative log-likelihood of each token, or its unlikelihood loss where it is unwanted, [N]."""
    nll_N = functional.cross_entropy(passed.logits_NV, passed.targets_N, reduction="none")
    unwanted_N = passed.roles_N == ROLES.index(Role.UNWANTED)
    if not unwanted_N.any():
        return nll_N
    # A token the model is sure of would cost infinitely much; here at most 13.8.
    probability_N = torch.exp(-nll_N).clamp(max=1 - 1e-6)
    return torch.where(unwanted_N, -torch.log1p(-probability_N), nll_N)


def gradient_cosine(
    model: Any,
    parameters: Sequence[Tensor],
    batches: Sequence[Batch],
    factors: Mapping[Role, float],
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
    first, second = (_gradient(model, parameters, batches, term) for term in terms)
    return _cosine(first, second)


def penalty_cosine(
    model: Any,
    parameters: Sequence[Tensor],
    batches: Sequence[Batch],
    factors: Mapping[Role, float],
    penalty: Penalty | TokenPenalty,
    step: int,
) -> float | None:
    """Cosine between the gradients of the token losses, all roles together, and of the penalty.

    Looking changes nothing here either; the penalty is asked once more at the step. None where the
    penalty takes the loss's place, is off at the step, or has no gradient (as that of a norm has
    none before the adapter has moved).
    """
    if isinstance(penalty, TokenPenalty):
        if penalty.replaces_loss:
            return None
        theirs = _gradient(model, parameters, batches, factors, step, _Alone(penalty))
    else:
        term = penalty.value(step)
        if term is None:
            return None
        term.backward()
        theirs = _take_gradient(parameters)
    return _cosine(_gradient(model, parameters, batches, factors), theirs)


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
    step: int = 0,
    penalty: TokenPenalty | None = None,
) -> Tensor:
    """The gradient of a step's loss as one vector; the stream of dropout is left where it was."""
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        role_sums(model, batches, factors, backward=True, step=step, penalty=penalty)
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
