"""What an adapter adds to a model's weights: dW = scale B A on every adapted layer.

R rank, I and O a layer's inputs and outputs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora import ParamWrapper
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from harness.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Update:
    """The update of one matrix: a layer's, or one expert's of a layer of several.

    Attributes:
        name: Of the layer, as the base model calls it.
        parameter: The frozen weights it adds to, [O, I]; [I, O] where it is turned; [E, O, I] or
            [E, I, O] of E experts.
        a_RI: A.
        b_OR: B.
        scale: The factor before B A.
        expert: Which of a layer's experts; None where it has one matrix.
        is_turned: Whether the parameter has inputs before outputs, as GPT-2's have.
    """

    name: str
    parameter: nn.Parameter
    a_RI: Tensor
    b_OR: Tensor
    scale: float
    expert: int | None = None
    is_turned: bool = False

    def own_OI(self, values: Tensor) -> Tensor:
        """Of values shaped as the parameter those of this matrix, outputs first."""
        own = values if self.expert is None else values[self.expert]
        return own.T if self.is_turned else own

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
    updates: list[Update] = []
    for name, module in model.named_modules():
        if type(module).__name__ in ("ModulesToSaveWrapper", "TrainableTokensWrapper"):
            raise ConfigError(f"lora: {wanted_by} needs dW = scale B A; {name} is trained whole")
        for name_of_it in getattr(module, "lora_A", {}):
            if adapter not in (None, name_of_it):
                continue
            if getattr(module, "lora_magnitude_vector", None):
                raise ConfigError(f"lora.dora: {wanted_by} needs dW = scale B A ({name})")
            updates += _of_layer(name.removeprefix("base_model.model."), module, name_of_it)
    return updates


def adapted_parameter(layer: Any) -> nn.Parameter:
    """The frozen weights an adapted layer adds to, which experts do not call ``weight``."""
    base = layer.get_base_layer()
    parameter: nn.Parameter = (
        base.get_parameter(layer.parameter_name) if isinstance(layer, ParamWrapper) else base.weight
    )
    return parameter


def _of_layer(name: str, layer: Any, adapter: str) -> Iterator[Update]:
    parameter, scale = adapted_parameter(layer), layer.scaling[adapter]
    a_XI, b_OX = layer.lora_A[adapter].weight, layer.lora_B[adapter].weight
    num = parameter.shape[0] if isinstance(layer, ParamWrapper) and parameter.ndim == 3 else None
    if num is None:
        turned = isinstance(layer.get_base_layer(), Conv1D)
        yield Update(name, parameter, a_XI, b_OX, scale, is_turned=turned)
        return
    # as PEFT has them: A by experts, then rank; B by rank, then experts
    a_ERI, b_ORE = a_XI.unflatten(0, (num, -1)), b_OX.unflatten(1, (-1, num))
    turned = bool(getattr(layer.get_base_layer(), "is_transposed", False))
    called = name.removesuffix(".base_layer").replace(".base_layer.", ".")
    for expert in range(num):
        yield Update(
            f"{called}.{layer.parameter_name}.{expert}",
            parameter,
            a_ERI[expert],
            b_ORE[:, :, expert],
            scale,
            expert,
            turned,
        )
