"""Keeps the next-token distributions near the untuned model's: w T^2 KL(theta_0 || theta).

Over the whole vocabulary, at every token that carries loss; theta_0 is the model with the adapter
switched off, see ``harness.training.untuned``.
"""

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from harness.settings.spec import Spec
from harness.training.closed_forms import forward_kl
from harness.training.passes import Pass
from harness.training.prepare import Prepared
from harness.training.untuned import untuned


class KlSpec(Spec):
    """Settings of the penalty."""

    strength: float = Field(ge=0.0, allow_inf_nan=False)
    """w; 0 switches it, and its forward pass, off."""

    temperature: float = Field(default=1.0, gt=0.0, allow_inf_nan=False)
    """T, by which both models' logits are divided."""

    def build(self, model: Any, probes: Sequence[Prepared]) -> "KlPenalty":
        """The penalty on a model with an adapter; it needs no probes."""
        return KlPenalty(self.strength, self.temperature, model)


class KlPenalty:
    """The penalty on a model."""

    replaces_loss = False

    def __init__(self, strength: float, temperature: float, model: Any) -> None:
        self.strength, self.temperature = strength, temperature
        self._model = model

    def token_values(self, step: int, passed: Pass) -> Tensor | None:
        """The penalty at each token, [N]; None when the strength is 0."""
        if self.strength == 0:
            return None
        with torch.no_grad(), untuned(self._model):
            untuned_NV = passed.logits()
        values_N = forward_kl(passed.logits_NV, untuned_NV, self.temperature)
        return self.strength * self.temperature**2 * values_N


PENALTY = KlSpec
