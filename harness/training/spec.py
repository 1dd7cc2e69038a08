"""How an adapter is trained: steps, batches, schedule, and what is measured on the way."""

from typing import Literal

from pydantic import Field, model_validator

from harness.spec import Spec

LOGITS_MIB = 256


def _usual_logits(value: object) -> bool:
    # Left out where it is as always: what was made before there was such a setting is found again.
    return value == LOGITS_MIB


def _unset(value: object) -> bool:
    return value is None


class TrainSpec(Spec):
    """Settings of the training loop, the same for every variant."""

    learning_rate: float = Field(default=2e-4, gt=0, allow_inf_nan=False)
    """Peak learning rate of AdamW."""

    steps: int | None = Field(default=None, ge=1)
    """Optimiser steps; give this or `epochs`."""

    epochs: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Passes over the examples; give this or `steps` (neither: one pass)."""

    batch_size: int = Field(default=16, ge=1)
    """Examples per optimiser step."""

    micro_batch_tokens: int = Field(default=4096, ge=1)
    """Most tokens, padding included, that go through the model at once; changes memory and speed,
    and the result only by float rounding. Halved for the rest of a run when memory is full."""

    logits_mib: int = Field(default=LOGITS_MIB, ge=1, exclude_if=_usual_logits)
    """Most memory in MiB for the logits of a pass, in float32; where a micro-batch has more (a
    large vocabulary, many tokens with loss) it goes through the head in parts, which changes the
    result by float rounding only. The gradients of a part take two to three times as much."""

    schedule: Literal["cosine", "linear", "constant", "inverse_sqrt"] = "cosine"
    """How the learning rate falls after warm-up."""

    warmup_fraction: float = Field(default=0.03, ge=0, lt=1)
    """Share of the steps over which the learning rate rises from 0."""

    weight_decay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """AdamW's decay, on the adapter's matrices."""

    adam_betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's averaging of gradients and of their squares."""

    max_grad_norm: float | None = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Gradients longer than this are scaled down to it; None switches clipping off."""

    normalise: Literal["tokens", "roles"] = "tokens"
    """`tokens`: weighted sum of token losses over the weighted number of tokens, so weights set the
    mix of the loss and not its size; `roles`: weighted sum of the mean loss of each role."""

    max_length: int = Field(default=512, ge=8)
    """Examples of more tokens are left out and counted, never cut."""

    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third slower."""

    checkpoint_every: int | None = Field(default=None, ge=0, exclude_if=_unset)
    """Steps between checkpoints of a training, from which it goes on when it was killed, to the
    same result; None for one every ten minutes, 0 for none. Changes nothing that is trained."""

    validate_every: int | None = Field(default=None, ge=1)
    """Steps between validation losses; None measures it at the end only."""

    validation_limit: int = Field(default=100, ge=1)
    """Most validation examples used for that loss."""

    log_every: int = Field(default=5, ge=1)
    """Steps between the points of the training curves; each point covers all steps since."""

    drift_points: int = Field(default=0, ge=0)
    """How many times over training the drift from the untuned model is measured, on general chats
    (needs `data.instructions`): divergence, answers it still gives, norm of dW; 0 for never."""

    drift_chats: int = Field(default=8, ge=1)
    """Chats per skill that drift is measured on."""

    gradient_cosine_points: int = Field(default=0, ge=0)
    """How many times over training cosines between gradients are measured: of the translation's
    loss and the other roles' (RaDis, Figure 4), of the loss and a penalty; 0 for never."""

    @model_validator(mode="after")
    def _one_length(self) -> "TrainSpec":
        if self.steps is not None and self.epochs is not None:
            raise ValueError("found steps and epochs, allowed one of them")
        if not all(0 <= beta < 1 for beta in self.adam_betas):
            raise ValueError(f"adam_betas: found {list(self.adam_betas)}, allowed 0 <= beta < 1")
        return self
