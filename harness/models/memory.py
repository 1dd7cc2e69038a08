"""Less memory for more time: activations computed again in the backward pass."""

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def checkpointed(model: Any) -> Iterator[None]:
    """The model with activation checkpointing (Chen et al. 2016, 1604.06174), off again afterwards.

    With a frozen base the embeddings' output must ask for gradients, or no checkpointed block would
    have any; the hook that makes it so is harmless afterwards.
    """
    # transformers renamed "gradient" to "activation" checkpointing within version 5.
    prefix = "activation" if hasattr(model, "activation_checkpointing_enable") else "gradient"
    enable = getattr(model, f"{prefix}_checkpointing_enable")
    enable(**{f"{prefix}_checkpointing_kwargs": {"use_reentrant": False}})
    model.enable_input_require_grads()
    try:
        yield
    finally:
        getattr(model, f"{prefix}_checkpointing_disable")()
        model.disable_input_require_grads()
