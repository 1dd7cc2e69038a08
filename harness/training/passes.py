"""One pass of rows through the model: loss sums per role, gradients added where they are wanted.

Shapes: B rows, T tokens, N target tokens that carry loss, V vocabulary, R roles.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from harness.errors import TrainingError
from harness.protocols import TokenPenalty
from harness.records import Role
from harness.training.batches import Batch
from harness.training.heads import MAX_LOGITS, HiddenStates, chunks, logits
from harness.training.prepare import ROLES


class Pass:
    """A micro-batch, or a part of its targets, on the way through the model.

    It is what a token penalty may look at.

    Attributes:
        targets_N: The tokens that carry loss.
        roles_N: Their roles as indices into ``ROLES``.
        logits_NV: What the model in training says at each of them, float32.
    """

    def __init__(
        self,
        model: Any,
        batch: Batch,
        part: slice = slice(None),
        readings: list[HiddenStates] | None = None,
    ) -> None:
        """A pass.

        Args:
            model: The model.
            batch: The micro-batch.
            part: Which of its targets.
            readings: What the parts of a micro-batch share: each asks the same, and what the body
                makes of a question is worked out by the first. None where there is one part.
        """
        self._model, self._batch = model, batch
        self._part, self._readings, self._num_asked = part, readings, 0
        self.targets_N = batch.targets_N[part].to(model.device)
        self.roles_N = batch.roles_N[part].to(model.device)
        self.logits_NV = self.logits()

    def logits(self) -> Tensor:
        """What the model, as it is now, says where there is loss, [N, V], float32.

        Ask again with the adapter switched off and it is the base model that answers.
        """
        return self._ask(self._batch)

    def teacher_logits(self) -> Tensor:
        """The same behind the prompts a teacher reads, [N, V], float32.

        Raises:
            TrainingError: The variant's examples have no such prompts.
        """
        if self._batch.teacher is None:
            raise TrainingError("this penalty needs examples with a teacher's prompt")
        return self._ask(self._batch.teacher)

    def _ask(self, batch: Batch) -> Tensor:
        if self._readings is None:
            return logits(self._model, batch)
        if self._num_asked == len(self._readings):
            self._readings.append(HiddenStates(self._model, batch))
        reading = self._readings[self._num_asked]
        self._num_asked += 1
        return reading.logits(self._part)


def passes(
    model: Any, batch: Batch, max_logits: int = MAX_LOGITS
) -> Iterator[tuple[slice, Callable[[], Pass]]]:
    """A micro-batch in parts of at most ``max_logits`` logits: which targets, and their pass.

    A part is made, differentiated and let go before the next is asked for; what its backward pass
    leaves goes on through the model's body behind the last part.
    """
    parts = chunks(model, len(batch.targets_N), max_logits)
    if len(parts) == 1:
        yield parts[0], partial(Pass, model, batch)
        return
    readings: list[HiddenStates] = []
    for part in parts:
        yield part, partial(Pass, model, batch, part, readings)
    readings[0].backward()


def role_sums(
    model: Any,
    batches: Sequence[Batch],
    factors: Mapping[Role, float],
    *,
    backward: bool,
    step: int = 0,
    penalty: TokenPenalty | None = None,
    max_logits: int = MAX_LOGITS,
) -> tuple[dict[Role, float], float]:
    """S_r over the batches, and the sum of the token penalty weighted as the losses are.

    Args:
        model: The model.
        batches: The micro-batches of one step (or of a validation set).
        factors: c_r per role; roles that are not in it count 0.
        backward: Whether the gradient of sum_r c_r S_r (and of the penalty) is added to ``.grad``.
        step: For the penalty.
        penalty: Adds to the loss of each token.
        max_logits: Most logits at once; changes memory, and the result by rounding.
    """
    factors_R = torch.tensor([factors.get(role, 0.0) for role in ROLES], device=model.device)
    sums_R = torch.zeros(len(ROLES), dtype=torch.float64)
    penalised = 0.0
    for batch in batches:
        with torch.set_grad_enabled(backward):
            for part, make in passes(model, batch, max_logits):
                losses_N, extra = _losses_of(make(), factors_R, step, penalty, backward)
                penalised += extra
                sums_R.index_add_(0, batch.roles_N[part], losses_N)
    present = {role for batch in batches for role in batch.roles_N.tolist()}
    return {ROLES[role]: float(sums_R[role]) for role in sorted(present)}, penalised


def _losses_of(
    passed: Pass, factors_R: Tensor, step: int, penalty: TokenPenalty | None, backward: bool
) -> tuple[Tensor, float]:
    """The losses of a pass, [N], float64 on the CPU, and its penalty; nothing else is kept."""
    losses_N = token_losses(passed)
    factors_N = factors_R[passed.roles_N].to(losses_N.dtype)
    loss = torch.dot(losses_N, factors_N)
    extra_N = None if penalty is None else penalty.token_values(step, passed)
    penalised = 0.0
    if penalty is not None and extra_N is not None:
        extra = torch.dot(extra_N, factors_N)
        penalised = float(extra.detach())
        loss = extra if penalty.replaces_loss else loss + extra
    if backward:
        torch.autograd.backward(loss)
    return losses_N.detach().double().cpu(), penalised


def token_losses(passed: Pass) -> Tensor:
    """Negative log-likelihood of each token, or its unlikelihood loss where it is unwanted, [N]."""
    nll_N = functional.cross_entropy(passed.logits_NV, passed.targets_N, reduction="none")
    unwanted_N = passed.roles_N == ROLES.index(Role.UNWANTED)
    if not unwanted_N.any():
        return nll_N
    # A token the model is sure of would cost infinitely much; here at most 13.8.
    probability_N = torch.exp(-nll_N).clamp(max=1 - 1e-6)
    return torch.where(unwanted_N, -torch.log1p(-probability_N), nll_N)
