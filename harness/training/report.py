"""What a finished training run says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class FitReport:
    """The end of a training run.

    Attributes:
        num_steps: Optimiser steps taken.
        losses: Mean negative log-likelihood per token by role, over the last tenth of the steps.
        validation_losses: The same on the validation rows at the end; empty without any.
        role_tokens: Tokens trained on, by role.
        num_tokens: All tokens that went through the model, prompts included, padding not.
        padding: Share of padding among what went through.
        seconds: In the steps; validation and gradient cosines apart.
        tokens_per_second: ``num_tokens`` over ``seconds``.
        num_halvings: How often memory was full, and the micro-batch halved.
        micro_batch_tokens: The budget of a micro-batch at the end.
    """

    num_steps: int
    losses: Mapping[str, float]
    validation_losses: Mapping[str, float]
    role_tokens: Mapping[str, int]
    num_tokens: int
    padding: float
    seconds: float
    tokens_per_second: float
    num_halvings: int = 0
    micro_batch_tokens: int = 0

    def facts(self) -> dict[str, float]:
        """As flat numbers, keyed ``train/...``; what memory did where it was full."""
        halved = {
            "train/out_of_memory": self.num_halvings,
            "train/micro_batch_tokens": self.micro_batch_tokens,
        }
        return {
            "train/steps": self.num_steps,
            "train/tokens": self.num_tokens,
            "train/padding": self.padding,
            "train/seconds": self.seconds,
            "train/tokens_per_second": self.tokens_per_second,
            **{f"train/final_loss/{role}": loss for role, loss in self.losses.items()},
            **{f"train/loss_validation/{r}": loss for r, loss in self.validation_losses.items()},
            **{f"train/tokens/{role}": count for role, count in self.role_tokens.items()},
            **(halved if self.num_halvings else {}),
        }
