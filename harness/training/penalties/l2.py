"""Pulls the adapter towards zero: (s / 2) times the squared Frobenius norm of dW.

dW = scale B A is never formed, see ``harness.models.updates``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from harness.models.updates import Update, low_rank_updates
from harness.settings.spec import Spec
from harness.training.prepare import Prepared


class L2Spec(Spec):
    """Settings of the penalty."""

    strength: float = Field(ge=0.0, allow_inf_nan=False)
    """s in (s / 2) ||dW||^2, summed over the adapted layers; 0 switches it off."""

    def build(self, model: Any, probes: Sequence[Prepared]) -> "L2Penalty":
        """The penalty on a model with an adapter; it needs no probes.

        Raises:
            ConfigError: The adapter is not of the form scale B A (DoRA).
        """
        return L2Penalty(self.strength, low_rank_updates(model, "l2"))


@dataclass(frozen=True, eq=False)
class L2Penalty:
    """The penalty over given updates."""

    strength: float
    updates: Sequence[Update]

    def value(self, step: int) -> Tensor | None:
        """(s / 2) ||dW||^2, scalar float32; None when the strength is 0."""
        if self.strength == 0:
            return None
        return 0.5 * self.strength * torch.stack([u.squared_norm() for u in self.updates]).sum()


PENALTY = L2Spec
