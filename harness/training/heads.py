"""From what the body of a model makes of a micro-batch to logits, only where there is loss.

The logits of a position are as many as the vocabulary is large, so with a large one they, and not
the layers, set the peak of memory. ``HiddenStates`` keeps those of the positions that carry loss
and gives the logits of some of them at a time.

Shapes: B rows, T tokens, N target tokens that carry loss, H hidden size, V vocabulary.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from harness.training.batches import Batch

MAX_LOGITS = 2**26
"""Most logits at once where nothing else is said: 256 MiB of float32."""


def logits(model: Any, batch: Batch) -> Tensor:
    """What the model says where there is loss, [N, V], float32.

    The head sees only the positions that carry loss, so neither time nor memory goes into the
    logits of prompts and padding.
    """
    with _head_sees_only(model, batch.loss_BT.to(model.device)):
        output = _run(model, **_read(model, batch))
    return _wide(output.logits[0])


def chunks(model: Any, num_positions: int, max_logits: int) -> list[slice]:
    """The positions in parts of equal size whose logits are at most ``max_logits``.

    All in one where they are few enough, or where the model's body cannot be told from its head.
    """
    head = model.get_output_embeddings()
    vocabulary = getattr(head, "original_module", head).out_features
    most = max(1, max_logits // vocabulary)
    if num_positions <= most or _body(model) is None:
        return [slice(0, num_positions)]
    count = -(-num_positions // most)
    size = -(-num_positions // count)
    return [slice(start, start + size) for start in range(0, num_positions, size)]


class HiddenStates:
    """What the body of a model makes of a micro-batch, whose logits are asked for in parts.

    The gradients of all parts are collected at the hidden states and go through the body once, in
    ``backward``. So a part's logits are let go as soon as its own backward pass is done, and
    nothing is computed twice.
    """

    def __init__(self, model: Any, batch: Batch) -> None:
        self._model, self._body = model, _body(model)
        self._ids_11 = batch.ids_BT[:1, :1].to(model.device)
        kept: list[Tensor] = []

        def keep(module: Any, arguments: Any, output: Any) -> Any:
            hidden_BTH = output[0]
            kept.append(hidden_BTH[batch.loss_BT.to(hidden_BTH.device)])
            self._output = _with_hidden(output, kept[0][None, :1])
            return self._output

        handle = self._body.register_forward_hook(keep)
        try:
            _run(model, **_read(model, batch))
        finally:
            handle.remove()
        self._hidden_NH = kept[0]
        needs_gradient = torch.is_grad_enabled() and self._hidden_NH.requires_grad
        self._leaf_NH = self._hidden_NH.detach().requires_grad_(needs_gradient)

    def logits(self, part: slice) -> Tensor:
        """What the model says at a part of the positions, [n, V], float32.

        The head is asked as it is now, with an adapter or without. All the model does behind its
        body is done: soft-capping, scaling.
        """
        hidden_1nH = self._leaf_NH[None, part]

        def answer(*arguments: Any, **named: Any) -> Any:
            return _with_hidden(self._output, hidden_1nH)

        with _answering(self._body, answer):
            output = _run(self._model, input_ids=self._ids_11)
        return _wide(output.logits[0])

    def backward(self) -> None:
        """The gradients that the parts have left at the hidden states, on through the body."""
        if self._leaf_NH.grad is not None:
            torch.autograd.backward(self._hidden_NH, self._leaf_NH.grad)


def _body(model: Any) -> Any:
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    body = getattr(whole, "base_model", None)
    if body is None or body is whole:
        return None
    # what OPT's head asks, past the module around it
    return getattr(body, "decoder", body)


def _run(model: Any, **read: Tensor) -> Any:
    # A bfloat16 model multiplies by its float32 adapter in bfloat16, as it does by its own weights:
    # else PEFT would make float32 of all that an adapter reads, and keep it for the backward pass.
    half = getattr(model, "dtype", None) is torch.bfloat16
    with torch.autocast(read["input_ids"].device.type, torch.bfloat16, enabled=half):
        return model(**read, use_cache=False)


def _read(model: Any, batch: Batch) -> dict[str, Tensor]:
    read = {"input_ids": batch.ids_BT.to(model.device)}
    if batch.positions_BT is not None:
        read["position_ids"] = batch.positions_BT.to(model.device)
    return read


def _wide(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()


def _with_hidden(output: Any, hidden: Tensor) -> Any:
    if isinstance(output, tuple):
        return (hidden, *output[1:])
    return type(output)(**{**output, "last_hidden_state": hidden})


@contextmanager
def _answering(body: Any, forward: Callable[..., Any]) -> Iterator[None]:
    # Not a hook: with one the body would run first.
    before = body.__dict__.get("forward")  # there where another library has replaced it too
    body.forward = forward
    try:
        yield
    finally:
        del body.forward
        if before is not None:
            body.forward = before


@contextmanager
def _head_sees_only(model: Any, loss_BT: Tensor) -> Iterator[None]:
    # A hook on the head keeps whatever an architecture does behind it (soft-capping, scaling).
    def select(module: Any, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        hidden_BTH, *rest = arguments
        return (hidden_BTH[loss_BT].unsqueeze(0), *rest)

    handle = model.get_output_embeddings().register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()
