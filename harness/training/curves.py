"""What is counted and averaged along a training run: the curves' points and the final report."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records import Role


@dataclass(frozen=True)
class StepRecord:
    """One optimiser step.

    Attributes:
        sums: Negative log-likelihood per role, S_r.
        counts: Tokens per role, n_r.
        loss: The objective, penalties included.
        penalty: The part of it that penalties are.
        norm: Of the gradient, before clipping.
        tokens: That went through the model, padding not counted.
        padded: The same with padding.
        seconds: Wall time.
    """

    sums: Mapping[Role, float]
    counts: Mapping[Role, int]
    loss: float
    penalty: float
    norm: float
    tokens: int
    padded: int
    seconds: float


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


@dataclass
class Curves:
    """Every step so far, and where the last point of the curves was, ``shown``."""

    steps: list[StepRecord] = field(default_factory=list)
    validation: Mapping[str, float] = field(default_factory=dict)
    shown: int = 0

    def point(self) -> dict[str, float]:
        """Means over the steps since the last point: losses per token, the rest per step."""
        recent = self.steps[self.shown :]
        self.shown = len(self.steps)
        metrics = {
            "train/loss": sum(step.loss for step in recent) / len(recent),
            "train/gradient_norm": sum(step.norm for step in recent) / len(recent),
            "train/tokens_per_second": _speed(recent),
        }
        if any(step.penalty for step in recent):
            metrics["train/penalty"] = sum(step.penalty for step in recent) / len(recent)
        return metrics | {f"train/loss/{role}": loss for role, loss in _losses(recent).items()}

    def report(self) -> FitReport:
        """The run in numbers; its losses are those of the last tenth of the steps."""
        tail = self.steps[-max(1, len(self.steps) // 10) :]
        role_tokens = sum((Counter(step.counts) for step in self.steps), Counter[Role]())
        num_tokens = sum(step.tokens for step in self.steps)
        return FitReport(
            num_steps=len(self.steps),
            losses=_losses(tail),
            validation_losses=self.validation,
            role_tokens={role.value: count for role, count in role_tokens.items()},
            num_tokens=num_tokens,
            padding=1 - num_tokens / sum(step.padded for step in self.steps),
            seconds=sum(step.seconds for step in self.steps),
            tokens_per_second=_speed(self.steps),
        )


def _speed(steps: list[StepRecord]) -> float:
    return sum(step.tokens for step in steps) / max(sum(step.seconds for step in steps), 1e-9)


def _losses(steps: list[StepRecord]) -> dict[str, float]:
    """Mean negative log-likelihood per token, by role."""
    sums: Counter[Role] = Counter()
    counts: Counter[Role] = Counter()
    for step in steps:
        sums.update(step.sums)
        counts.update(step.counts)
    return {role.value: sums[role] / counts[role] for role in sums}
