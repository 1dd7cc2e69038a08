"""What an adapter adds to a model's weights: dW = scale B A on every adapted layer.

R rank, I and O a layer's inputs and outputs.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Update:
    """One layer's update.

    Attributes:
        name: Of the layer, as the base model calls it.
        weight_OI: The frozen weight it adds to.
        a_RI: A.
        b_OR: B.
        scale: The factor before B A.
    """

    name: str
    weight_OI: nn.Parameter
    a_RI: Tensor
    b_OR: Tensor
    scale: float

    def delta_OI(self) -> Tensor:
        return self.scale * (self.b_OR @ self.a_RI)

    def squared_norm(self) -> Tensor:
        """The squared Frobenius norm of dW, a scalar, without forming dW.

        ||B A||^2 = sum of (B^T B) * (A A^T), elementwise, which costs O(R^2 (I + O)).
        """
        product_RR = (self.b_OR.T @ self.b_OR) * (self.a_RI @ self.a_RI.T)
        return self.scale**2 * torch.sum(product_RR)


def low_rank_updates(model: Any, wanted_by: str, adapter: str | None = None) -> list[Update]:
    """The updates of every adapted layer of a PEFT model, in the model's order.

    Args:
        model: With an adapter on it.
        wanted_by: Who asks, for the message.
        adapter: Which one, where there are several; None for all there are.

    Raises:
        ConfigError: The adapter is not of the form dW = scale B A throughout: DoRA, or layers that
            are trained whole.
    """
    updates = []
    for name, module in model.named_modules():
        if type(module).__name__ in ("ModulesToSaveWrapper", "TrainableTokensWrapper"):
            raise ConfigError(f"lora: {wanted_by} needs dW = scale B A; {name} is trained whole")
        for name_of_it in getattr(module, "lora_A", {}):
            if adapter not in (None, name_of_it):
                continue
            if getattr(module, "lora_magnitude_vector", None):
                raise ConfigError(f"lora.dora: {wanted_by} needs dW = scale B A ({name})")
            updates.append(
                Update(
                    name.removeprefix("base_model.model."),
                    module.get_base_layer().weight,
                    module.lora_A[name_of_it].weight,
                    module.lora_B[name_of_it].weight,
                    module.scaling[name_of_it],
                )
            )
    return updates
