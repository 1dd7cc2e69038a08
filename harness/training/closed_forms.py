"""Terms of the loss whose gradient is written down instead of left to autograd.

What autograd would keep for the backward pass is several times what the gradient needs: of a
divergence over the vocabulary four tensors as large as the logits instead of one. And a gradient
written down is exactly 0 where it ought to be, at a model that has not moved yet.

Shapes: N target tokens that carry loss, V vocabulary; R rank, I and O a layer's inputs and outputs.
"""

from typing import Any

import torch
from torch import Tensor


def forward_kl(logits_NV: Tensor, fixed_NV: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(fixed || model) at each token, [N], of the logits divided by the temperature.

    The gradient goes to ``logits_NV`` alone; it is (p - q) / temperature.
    """
    with torch.no_grad():
        log_p_NV = torch.log_softmax(logits_NV / temperature, -1)
        log_q_NV = torch.log_softmax(fixed_NV / temperature, -1)
        q_NV = log_q_NV.exp()
        values_N = (q_NV * (log_q_NV - log_p_NV)).sum(-1)
        slope_NV = (log_p_NV.exp() - q_NV) / temperature
    return with_gradient(values_N, logits_NV, slope_NV)


def reverse_kl(logits_NV: Tensor, fixed_NV: Tensor) -> Tensor:
    """KL(model || fixed) at each token, [N].

    The gradient goes to ``logits_NV`` alone; it is p (log p - log q - KL).
    """
    with torch.no_grad():
        log_p_NV = torch.log_softmax(logits_NV, -1)
        gap_NV = log_p_NV - torch.log_softmax(fixed_NV, -1)
        p_NV = log_p_NV.exp()
        values_N = (p_NV * gap_NV).sum(-1)
        slope_NV = p_NV * (gap_NV - values_N[:, None])
    return with_gradient(values_N, logits_NV, slope_NV)


def weighted_square(b_OR: Tensor, a_RI: Tensor, scale: float, weight_OI: Tensor) -> Tensor:
    """The sum of weight * dW^2 with dW = scale B A, a scalar; nothing of dW's size is kept.

    Its gradient in dW is G = 2 weight * dW, thus scale G A^T in B and scale B^T G in A.
    """
    with torch.no_grad():
        delta_OI = scale * (b_OR @ a_RI)
        weighted_OI = weight_OI * delta_OI
        value = torch.sum(weighted_OI * delta_OI)
        slope_OI = 2 * scale * weighted_OI
        slope_b_OR, slope_a_RI = slope_OI @ a_RI.T, b_OR.T @ slope_OI
    return with_gradient(value, b_OR, slope_b_OR, a_RI, slope_a_RI)


def with_gradient(value: Tensor, *terms: Tensor) -> Tensor:
    """The value, with a gradient of its own.

    Args:
        value: Of any shape.
        terms: A tensor, the value's derivative in it, the next tensor, and so on. A derivative has
            its tensor's shape, which begins with the value's.
    """
    result: Tensor = _Given.apply(value, terms[1::2], *terms[::2])  # type: ignore[no-untyped-call]
    return result


class _Given(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, slopes: tuple[Tensor, ...], *inputs: Tensor) -> Tensor:
        ctx.save_for_backward(*slopes)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        slopes = ctx.saved_tensors
        wide = [grad.reshape(grad.shape + (1,) * (slope.ndim - grad.ndim)) for slope in slopes]
        return None, None, *map(torch.mul, slopes, wide)
