"""How the parts of a step's loss pull beside each other: cosines between their gradients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from harness.models.chat_model import forked_streams
from harness.protocols import Penalty, TokenPenalty
from harness.records import Role
from harness.training.batches import Batch
from harness.training.heads import MAX_LOGITS
from harness.training.passes import Pass, role_sums


@dataclass(frozen=True, eq=False)
class GradientCosines:
    """Looks at the gradients of a step, which changes nothing that is trained.

    Dropout stays on and draws from a forked stream; no gradient is left behind.

    Attributes:
        model: In training.
        parameters: Those that are trained.
        batches: The step's rows.
        factors: Coefficient c_r per role, see ``harness.training.objective``.
        max_logits: Most logits at once.
    """

    model: Any
    parameters: Sequence[Tensor]
    batches: Sequence[Batch]
    factors: Mapping[Role, float]
    max_logits: int = MAX_LOGITS

    def of_other_roles(self) -> float | None:
        """Cosine between the gradients of the translation loss and of all other roles' together.

        RaDis, figure 4: the second is the regularisation term. None where one side has no tokens.
        """
        terms: tuple[dict[Role, float], dict[Role, float]] = ({}, {})
        for role, factor in self.factors.items():
            if factor > 0:
                terms[role is not Role.TRANSLATION][role] = factor
        return _cosine(*map(self._gradient, terms)) if all(terms) else None

    def of_penalty(self, penalty: Penalty | TokenPenalty, step: int) -> float | None:
        """Cosine between the gradients of the token losses, all roles together, and of the penalty.

        The penalty is asked once more at the step. None where it takes the loss's place, is off at
        the step, or has no gradient (as that of a norm has none before the adapter has moved).
        """
        if isinstance(penalty, TokenPenalty):
            if penalty.replaces_loss:
                return None
            theirs = self._gradient(self.factors, step, _Alone(penalty))
        else:
            term = penalty.value(step)
            if term is None:
                return None
            term.backward()
            theirs = _take_gradient(self.parameters)
        return _cosine(self._gradient(self.factors), theirs)

    def _gradient(
        self, factors: Mapping[Role, float], step: int = 0, penalty: TokenPenalty | None = None
    ) -> Tensor:
        """The gradient of the step's loss as one vector."""
        with forked_streams(self.model):
            role_sums(
                self.model,
                self.batches,
                factors,
                backward=True,
                step=step,
                penalty=penalty,
                max_logits=self.max_logits,
            )
        return _take_gradient(self.parameters)


class _Alone:
    """A token penalty without the losses beside it."""

    replaces_loss = True

    def __init__(self, penalty: TokenPenalty) -> None:
        self._penalty = penalty

    def token_values(self, step: int, passed: Pass) -> Tensor:
        values_N: Tensor | None = self._penalty.token_values(step, passed)
        return 0.0 * passed.logits_NV[:, 0] if values_N is None else values_N


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
