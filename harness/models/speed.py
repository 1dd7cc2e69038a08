"""A model made ready to generate: in eval mode, its adapter folded into the weights meanwhile."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer

from harness.models.updates import adapted_parameter


@contextlib.contextmanager
def quick(model: Any) -> Iterator[Any]:
    """The model in eval mode, without the adapter's extra layers where that loses nothing.

    In float32, W + dW is put in the place of W and its adapter's side path (measured: a decode step
    of a small model takes half the time); in bfloat16 the sum would round dW away, so there the
    side path stays. Afterwards the very tensors that were there are back.
    """
    was_training = model.training
    model.eval()
    try:
        if isinstance(model, PeftModel) and model.dtype == torch.float32 and not quantised(model):
            with _folded(model) as base:
                yield base
        else:
            yield model
    finally:
        model.train(was_training)


def quantised(model: Any) -> bool:
    """Whether its frozen weights are in fewer bits than they are computed with."""
    return bool(getattr(model, "is_quantized", False))


@contextlib.contextmanager
def _folded(model: PeftModel) -> Iterator[Any]:
    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    kept = [(parameter := adapted_parameter(layer), parameter.data) for layer in layers]
    try:
        with torch.no_grad():
            for layer in layers:
                layer.merge(safe_merge=True)  # into a new tensor, which leaves the kept one alone
        yield model.get_base_model()
    finally:
        for layer, (parameter, values) in zip(layers, kept, strict=True):
            parameter.data = values
            layer.merged_adapters.clear()
