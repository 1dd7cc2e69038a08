"""The training loop: the only door to optimisation. It multiplies; it has no ``if method``.

Same machine, same threads, CPU: the same seed gives the same adapter to the bit. Elsewhere to
rounding.
"""

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from harness.errors import TrainingError
from harness.protocols import OnEvent, Penalty
from harness.records import Role, StepEvent, TokenRow
from harness.streams import stream_seed
from harness.training.batches import Batch, micro_batches, number_of_steps, steps, trim
from harness.training.objective import check_weights, coefficients, count_roles, weighted_loss
from harness.training.passes import gradient_cosine, role_sums
from harness.training.report import FitReport
from harness.training.schedule import learning_rate
from harness.training.spec import TrainSpec

logger = logging.getLogger(__name__)


def fit(
    model: Any,
    rows: Sequence[TokenRow],
    spec: TrainSpec,
    *,
    weights: Mapping[Role, float],
    seed: int,
    pad_id: int,
    validation: Sequence[TokenRow] = (),
    penalty: Penalty | None = None,
    renew: Callable[[int], Sequence[TokenRow]] | None = None,
    renew_every: int | None = None,
    on_event: OnEvent | None = None,
) -> FitReport:
    """Trains every parameter of ``model`` that requires gradients.

    Args:
        model: A causal language model with an adapter.
        rows: What to train on.
        spec: How.
        weights: Loss weight per role.
        seed: Of the order of rows and of dropout.
        pad_id: Fills the ends of short rows; never attended to.
        validation: Rows for the validation loss, never trained on.
        penalty: Added to the loss once per optimiser step.
        renew: New rows, made with the model as it is at that step.
        renew_every: Steps between two calls of ``renew``.
        on_event: Is told of every logged step.

    Raises:
        ConfigError: All weights are 0.
        DataError: An example has no token that carries loss.
        TrainingError: The loss or its gradient is not finite.
    """
    check_weights(weights)
    trainer = _Trainer(model, spec, weights, seed, pad_id, penalty, on_event or (lambda _: None))
    source = steps(trim(rows, weights), spec.batch_size, seed)
    num_steps = number_of_steps(len(rows), spec)
    held_out = micro_batches(trim(validation, weights), weights, spec.micro_batch_tokens, pad_id)
    trainer.self_test(rows)
    cosine_steps = _spread(spec.gradient_cosine_points, num_steps)
    devices = [model.device] if model.device.type == "cuda" else []
    model.train()
    if spec.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(stream_seed(seed, "dropout"))
        for step in range(num_steps):
            if renew is not None and renew_every and step and step % renew_every == 0:
                model.eval()
                source = steps(trim(renew(step), weights), spec.batch_size, seed + step)
                model.train()
            last = step == num_steps - 1
            extra = trainer.step(step, num_steps, next(source), cosine=step in cosine_steps)
            if held_out and (
                last or (spec.validate_every and not (step + 1) % spec.validate_every)
            ):
                extra |= trainer.validate(held_out)
            if last or extra or not (step + 1) % spec.log_every:
                trainer.log(step, num_steps, extra)
    model.eval()
    return trainer.report(num_steps)


def _spread(points: int, num_steps: int) -> set[int]:
    """``points`` steps spread evenly from the first to the last."""
    if points <= 1:
        return {0} if points else set()
    return {round(point * (num_steps - 1) / (points - 1)) for point in range(points)}


class _Trainer:
    """The state of a run: optimiser, running sums for the curves, totals for the report."""

    def __init__(
        self,
        model: Any,
        spec: TrainSpec,
        weights: Mapping[Role, float],
        seed: int,
        pad_id: int,
        penalty: Penalty | None,
        on_event: OnEvent,
    ) -> None:
        self.model, self.spec, self.weights = model, spec, weights
        self.pad_id, self.penalty, self.on_event = pad_id, penalty, on_event
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=spec.learning_rate,
            betas=spec.adam_betas,
            weight_decay=spec.weight_decay,
            fused=True,
        )
        self.recent = _Window()
        self.history: list[tuple[dict[Role, float], dict[Role, int]]] = []
        self.role_tokens: Counter[Role] = Counter()
        self.num_tokens = self.num_padded = 0
        self.seconds = 0.0
        self.validation_losses: dict[str, float] = {}

    def self_test(self, rows: Sequence[TokenRow]) -> None:
        """Before the first step: prompts carry no loss, and no row is without loss."""
        sample = trim(rows[: self.spec.batch_size], self.weights)
        expected = sum(
            count for role, count in count_roles(sample).items() if self.weights.get(role, 0.0) > 0
        )
        batches = self._micro_batches(sample)
        per_row = torch.cat([batch.loss_BT.sum(dim=1) for batch in batches])
        if sum(len(batch.targets_N) for batch in batches) != expected or int(per_row.min()) < 1:
            raise TrainingError("self-test: the loss mask does not cover exactly the answers")

    def step(
        self, step: int, num_steps: int, rows: Sequence[TokenRow], *, cosine: bool
    ) -> dict[str, float]:
        """One optimiser step; returns what was measured besides the loss."""
        counts = count_roles(rows)
        factors = coefficients(counts, self.weights, self.spec.normalise)
        batches = self._micro_batches(rows)
        extra: dict[str, float] = {}
        if cosine:
            value = gradient_cosine(self.model, self.parameters, batches, factors)
            extra |= {} if value is None else {"train/gradient_cosine": value}
        start = time.monotonic()
        rate = learning_rate(step, num_steps, self.spec)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        sums = role_sums(self.model, batches, factors, backward=True)
        loss = weighted_loss(sums, factors)
        term = self.penalty.value(step) if self.penalty is not None else None
        if term is not None:
            term.backward()
            extra_loss = float(term.detach())
            self.recent.penalty += extra_loss
            loss += extra_loss
        norm = float(
            torch.nn.utils.clip_grad_norm_(
                self.parameters, self.spec.max_grad_norm or math.inf, foreach=True
            )
        )
        if not (math.isfinite(loss) and math.isfinite(norm)):
            shown = ", ".join(f"{role} {value:.4g}" for role, value in sums.items())
            raise TrainingError(
                f"step {step + 1} of {num_steps}: the loss is not finite (loss {loss:.4g}, "
                f"gradient norm {norm:.4g}; sums: {shown})",
                "Lower train.learning_rate, or raise train.warmup_fraction.",
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._count(rows, batches, counts, sums, loss, norm, time.monotonic() - start)
        return extra

    def _micro_batches(self, rows: Sequence[TokenRow]) -> list[Batch]:
        return micro_batches(rows, self.weights, self.spec.micro_batch_tokens, self.pad_id)

    def _count(
        self,
        rows: Sequence[TokenRow],
        batches: Sequence[Batch],
        counts: Mapping[Role, int],
        sums: dict[Role, float],
        loss: float,
        norm: float,
        seconds: float,
    ) -> None:
        tokens = sum(len(row.ids) for row in rows)
        self.num_tokens += tokens
        self.num_padded += sum(batch.ids_BT.numel() for batch in batches)
        self.role_tokens.update(counts)
        self.seconds += seconds
        self.history.append((sums, {role: counts[role] for role in sums}))
        self.recent.add(sums, counts, loss, norm, tokens, seconds)

    def validate(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Mean loss per token by role on held-out rows, dropout off."""
        self.model.eval()
        sums = role_sums(self.model, batches, {}, backward=False)
        self.model.train()
        counts = Counter(int(role) for batch in batches for role in batch.roles_N)
        order = list(Role)
        self.validation_losses = {
            role.value: value / counts[order.index(role)] for role, value in sums.items()
        }
        return {f"train/loss_validation/{r}": v for r, v in self.validation_losses.items()}

    def log(self, step: int, num_steps: int, extra: Mapping[str, float]) -> None:
        """Tells of the steps since the last point of the curves."""
        rate = self.optimizer.param_groups[0]["lr"]
        metrics = {**self.recent.metrics(), "train/learning_rate": rate, **extra}
        self.on_event(StepEvent(step + 1, num_steps, metrics))
        self.recent = _Window()

    def report(self, num_steps: int) -> FitReport:
        """The end of the run in numbers."""
        tail = self.history[-max(1, len(self.history) // 10) :]
        sums: Counter[Role] = Counter()
        counts: Counter[Role] = Counter()
        for step_sums, step_counts in tail:
            sums.update(step_sums)
            counts.update(step_counts)
        return FitReport(
            num_steps=num_steps,
            losses={role.value: sums[role] / counts[role] for role in sums},
            validation_losses=self.validation_losses,
            role_tokens={role.value: count for role, count in self.role_tokens.items()},
            num_tokens=self.num_tokens,
            padding=1 - self.num_tokens / self.num_padded,
            seconds=self.seconds,
            tokens_per_second=self.num_tokens / max(self.seconds, 1e-9),
        )


class _Window:
    """Sums over the steps since the last point of the curves."""

    def __init__(self) -> None:
        self.sums: Counter[Role] = Counter()
        self.counts: Counter[Role] = Counter()
        self.loss = self.norm = self.penalty = self.seconds = 0.0
        self.steps = self.tokens = 0

    def add(
        self,
        sums: Mapping[Role, float],
        counts: Mapping[Role, int],
        loss: float,
        norm: float,
        tokens: int,
        seconds: float,
    ) -> None:
        self.sums.update(sums)
        self.counts.update({role: counts[role] for role in sums})
        self.loss += loss
        self.norm += norm
        self.tokens += tokens
        self.seconds += seconds
        self.steps += 1

    def metrics(self) -> dict[str, float]:
        metrics = {
            "train/loss": self.loss / self.steps,
            "train/gradient_norm": self.norm / self.steps,
            "train/tokens_per_second": self.tokens / max(self.seconds, 1e-9),
        }
        metrics |= {f"train/loss/{role}": self.sums[role] / self.counts[role] for role in self.sums}
        return metrics | ({"train/penalty": self.penalty / self.steps} if self.penalty else {})
