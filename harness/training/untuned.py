"""The model as it was before training, while the adapter stays on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_dropout(model: Any) -> Iterator[None]:
    """The model in eval mode; every layer's mode is what it was afterwards."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def untuned(model: Any) -> Iterator[None]:
    """theta_0: a PEFT model with its adapter switched off, and without dropout.

    In a chain of trainings the adapter is one and the same, so theta_0 is the model before the
    first of them.
    """
    with without_dropout(model), model.disable_adapter():
        yield
