"""Memory: activations computed again in the backward pass, and what to say when it is full."""

import contextlib
import gc
from collections.abc import Iterator
from typing import Any

import torch

from harness.errors import TrainingError


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


def free_memory() -> None:
    """Gives back what models nobody refers to any more took, on an accelerator too."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


_MEND = (
    "Lower train.micro_batch_tokens (the result stays the same to rounding), or set "
    "train.gradient_checkpointing: true."
)


@contextlib.contextmanager
def memory_faults(mend: str = _MEND) -> Iterator[None]:
    """Full memory as an error that says what to do.

    Args:
        mend: What to do.

    Raises:
        TrainingError: In place of torch's ``OutOfMemoryError``.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(f"out of memory: {str(error).splitlines()[0]}", mend) from error
