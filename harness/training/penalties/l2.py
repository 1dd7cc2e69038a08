"""Pulls the adapter towards zero: (s / 2) times the squared Frobenius norm of dW.

dW = scale B A is never formed: ||B A||^2 = sum of (B^T B) * (A A^T), elementwise, which costs
O(r^2 (in + out)) a layer. R rank, I and O a layer's inputs and outputs.
"""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from harness.errors import ConfigError
from harness.spec import Spec


class L2(Spec):
    """Settings of the penalty."""

    strength: float = Field(ge=0.0, allow_inf_nan=False)
    """s in (s / 2) ||dW||^2, summed over the adapted layers; 0 switches it off."""

    def build(self, model: Any) -> "L2Penalty":
        """The penalty on a model with an adapter.

        Raises:
            ConfigError: The adapter is not of the form scale B A (DoRA).
        """
        layers = []
        for name, module in model.named_modules():
            for adapter in getattr(module, "lora_A", {}):
                if getattr(module, "lora_magnitude_vector", None):
                    raise ConfigError(f"lora.dora: the l2 penalty needs dW = scale B A ({name})")
                layers.append(
                    (
                        module.lora_A[adapter].weight,
                        module.lora_B[adapter].weight,
                        module.scaling[adapter],
                    )
                )
        return L2Penalty(self.strength, layers)


class L2Penalty:
    """The penalty over given layers of (A: [R, I], B: [O, R], scale)."""

    def __init__(self, strength: float, layers: list[tuple[Tensor, Tensor, float]]) -> None:
        self.strength = strength
        self.layers = layers

    def value(self, step: int) -> Tensor | None:
        """(s / 2) ||dW||^2, scalar float32; None when the strength is 0."""
        if self.strength == 0:
            return None
        norms = [
            scale**2 * torch.sum((b_OR.T @ b_OR) * (a_RI @ a_RI.T))
            for a_RI, b_OR, scale in self.layers
        ]
        return 0.5 * self.strength * torch.stack(norms).sum()


PENALTY = L2
