"""One pass of rows through the model: loss sums per role, gradients added where they are wanted.

B rows, T tokens, N target tokens that carry loss, V vocabulary, R roles.
"""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from harness.records import Role
from harness.training.batches import ROLES, Batch


def nll(model: Any, batch: Batch) -> Tensor:
    """Negative log-likelihood of each target token, [N], float32.

    The head sees only the positions that carry loss, so neither time nor memory is spent on the
    logits of prompts and padding: [N, V] instead of [B, T, V].
    """
    device = model.device
    with _head_sees_only(model, batch.loss_BT.to(device)):
        output = model(
            input_ids=batch.ids_BT.to(device),
            attention_mask=batch.mask_BT.to(device),
            use_cache=False,
        )
    logits_NV = output.logits[0].float()
    return functional.cross_entropy(logits_NV, batch.targets_N.to(device), reduction="none")


@contextmanager
def _head_sees_only(model: Any, loss_BT: Tensor) -> Any:
    # A hook on the head keeps whatever an architecture does behind it (soft-capping, scaling).
    def select(module: Any, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        hidden_BTH, *rest = arguments
        return (hidden_BTH[loss_BT].unsqueeze(0), *rest)

    handle = model.get_output_embeddings().register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()


def role_sums(
    model: Any,
    batches: Sequence[Batch],
    factors: Mapping[Role, float],
    *,
    backward: bool,
) -> dict[Role, float]:
    """S_r over the batches; with ``backward``, the gradient of sum_r c_r S_r is added to .grad.

    Args:
        model: The model.
        batches: The micro-batches of one step (or of a validation set).
        factors: c_r per role; roles that are not in it count 0.
        backward: Whether gradients are wanted.
    """
    factors_R = torch.tensor([factors.get(role, 0.0) for role in ROLES], device=model.device)
    sums_R = torch.zeros(len(ROLES), dtype=torch.float64)
    for batch in batches:
        roles_N = batch.roles_N.to(model.device)
        with torch.set_grad_enabled(backward):
            nll_N = nll(model, batch)
            if backward:
                torch.dot(nll_N, factors_R[roles_N]).backward()  # type: ignore[no-untyped-call]
        sums_R.index_add_(0, batch.roles_N, nll_N.detach().double().cpu())
    present = {int(role) for batch in batches for role in batch.roles_N.tolist()}
    return {ROLES[role]: float(sums_R[role]) for role in sorted(present)}


def gradient_cosine(
    model: Any,
    parameters: Sequence[Tensor],
    batches: Sequence[Batch],
    factors: Mapping[Role, float],
) -> float | None:
    """Cosine between the gradients of the two roles' loss terms on the same rows.

    RaDis, figure 4. Dropout stays on and draws from a forked stream, so that looking does not
    change what is trained. None unless exactly two roles carry loss here.
    """
    active = [role for role, factor in factors.items() if factor > 0]
    if len(active) != 2:
        return None
    gradients = []
    with torch.random.fork_rng(devices=[model.device] if model.device.type == "cuda" else []):
        for role in active:
            for parameter in parameters:
                parameter.grad = None
            role_sums(model, batches, {role: factors[role]}, backward=True)
            gradients.append(
                torch.cat(
                    [
                        torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten()
                        for p in parameters
                    ]
                )
            )
    for parameter in parameters:
        parameter.grad = None
    return float(functional.cosine_similarity(gradients[0], gradients[1], dim=0))
