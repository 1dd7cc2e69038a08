"""Elastic weight consolidation: a change costs by how much the untuned model's answers mind it.

(s / 2) sum of F dW^2 over the adapted layers, dW = scale B A; F is the diagonal of the Fisher
information of the frozen weights W: the mean over answers that the untuned model itself has sampled
of the *squared gradient of each answer's* log-likelihood. (The square of the mean gradient over a
batch, which some implementations take, is close to zero on a model's own answers.)

F takes as much memory as the adapted weights do in float32, and one backward pass a sample. Only
one layer's dW is formed at a time.

Shapes: R rank, I and O a layer's inputs and outputs.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from harness.errors import DataError
from harness.models.updates import Update, low_rank_updates
from harness.settings.spec import Spec
from harness.training.batches import collate
from harness.training.closed_forms import weighted_square
from harness.training.passes import passes, token_losses
from harness.training.prepare import Prepared
from harness.training.untuned import untuned

logger = logging.getLogger(__name__)


class EwcSpec(Spec):
    """Settings of the penalty."""

    strength: float = Field(ge=0.0, allow_inf_nan=False)
    """s in (s / 2) sum of F dW^2; 0 switches it off, and F is not computed."""

    def build(self, model: Any, probes: Sequence[Prepared]) -> "EwcPenalty":
        """The penalty on a model with an adapter.

        Args:
            model: Left as it was.
            probes: What the untuned model has answered by sampling; the loss lies on its answers.

        Raises:
            ConfigError: The adapter is not of the form scale B A (DoRA).
            DataError: There are no probes.
        """
        updates = low_rank_updates(model, "ewc")
        if self.strength == 0:
            return EwcPenalty(0.0, updates, [])
        if not probes:
            raise DataError("ewc: no samples of the untuned model to compute F from")
        weights = list({id(update.parameter): update.parameter for update in updates}.values())
        by_weight = dict(
            zip(map(id, weights), fisher_information(model, weights, probes), strict=True)
        )
        fisher = [update.own_OI(by_weight[id(update.parameter)]) for update in updates]
        logger.info("Fisher information of %d layers from %d samples", len(updates), len(probes))
        return EwcPenalty(self.strength, updates, fisher)


@dataclass(frozen=True, eq=False)
class EwcPenalty:
    """The penalty over given updates.

    Attributes:
        strength: s.
        updates: One per adapted layer.
        fisher: How much each weight of these layers matters, each [O, I], float32.
    """

    strength: float
    updates: Sequence[Update]
    fisher: Sequence[Tensor]

    def value(self, step: int) -> Tensor | None:
        """(s / 2) sum of F dW^2, scalar float32; None when the strength is 0."""
        if self.strength == 0:
            return None
        terms = [
            weighted_square(update.b_OR, update.a_RI, update.scale, fisher_OI)
            for update, fisher_OI in zip(self.updates, self.fisher, strict=True)
        ]
        return 0.5 * self.strength * torch.stack(terms).sum()


def fisher_information(
    model: Any, weights: Sequence[nn.Parameter], probes: Sequence[Prepared]
) -> list[Tensor]:
    """The mean over probes of the squared gradient of their log-likelihood, float32, per weight.

    Args:
        model: A PEFT model; its adapter is switched off meanwhile, and all is as before afterwards.
        weights: Of the frozen layers.
        probes: Samples; a sample's likelihood is that of all its tokens that carry loss.
    """
    sums = [torch.zeros_like(weight, dtype=torch.float32) for weight in weights]
    with _asking_gradients_of(model, weights), untuned(model), torch.enable_grad():
        for probe in probes:
            for _, make in passes(model, collate([probe], 0)):
                torch.autograd.backward(token_losses(make()).sum())
            for total, weight in zip(sums, weights, strict=True):
                if weight.grad is not None:
                    total.addcmul_(weight.grad.float(), weight.grad.float())
                    weight.grad = None
    return [total / len(probes) for total in sums]


@contextmanager
def _asking_gradients_of(model: Any, weights: Sequence[nn.Parameter]) -> Iterator[None]:
    before = [(one, one.requires_grad, one.grad) for one in model.parameters()]
    try:
        for parameter, _, _ in before:
            parameter.requires_grad_(False)
            parameter.grad = None
        for weight in weights:
            weight.requires_grad_(True)
        yield
    finally:
        for parameter, asked, gradient in before:
            parameter.requires_grad_(asked)
            parameter.grad = gradient


PENALTY = EwcSpec
