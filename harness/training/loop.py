"""The training loop: the only door to optimisation. It multiplies; it has no ``if method``.

Same machine, same threads, CPU: the same seed gives the same adapter to the bit. Elsewhere to
rounding.
"""

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from harness.errors import TrainingError
from harness.models.memory import checkpointed
from harness.protocols import OnEvent, Penalty, TokenPenalty
from harness.records import Role, StepEvent, TokenRow
from harness.streams import stream_seed
from harness.training.batches import Batch, micro_batches, number_of_steps, steps
from harness.training.cosines import gradient_cosine, penalty_cosine
from harness.training.curves import Curves, StepRecord
from harness.training.objective import check_weights, coefficients, weighted_loss
from harness.training.passes import role_sums
from harness.training.prepare import Prepared, count_roles, prepare, self_test, to_learn
from harness.training.report import FitReport
from harness.training.schedule import learning_rate
from harness.training.spec import TrainSpec

logger = logging.getLogger(__name__)

_HELD_OUT = dict.fromkeys(Role, 1.0)
"""The validation loss is of all that the held-out rows answer, whatever is trained."""


def fit(
    model: Any,
    rows: Sequence[TokenRow],
    spec: TrainSpec,
    *,
    weights: Mapping[Role, float],
    seed: int,
    pad_id: int,
    validation: Sequence[TokenRow] = (),
    penalty: Penalty | TokenPenalty | None = None,
    renew: Callable[[int], Sequence[TokenRow]] | None = None,
    renew_every: int | None = None,
    late: Mapping[Role, int] | None = None,
    watch: Callable[[], Mapping[str, float]] | None = None,
    on_event: OnEvent | None = None,
) -> FitReport:
    """Trains every parameter of ``model`` that requires gradients.

    Args:
        model: A causal language model with an adapter; left in eval mode.
        rows: What to train on.
        spec: How.
        weights: Loss weight per role.
        seed: Of the order of rows and of dropout.
        pad_id: Fills the ends of short rows; never attended to.
        validation: Rows for the validation loss, never trained on.
        penalty: Added to the loss once per optimiser step, or to the loss of every token.
        renew: New rows, made with the model as it is at that step.
        renew_every: Steps between two calls of ``renew``.
        late: Per role in how many last steps what goes along with the task in it does so; roles
            that are not named go along from the first.
        watch: Measures the model as it is (eval mode, no gradients), at ``drift_points`` steps.
        on_event: Is told of every logged step.

    Raises:
        ConfigError: All weights are 0.
        DataError: An example has no token that carries loss.
        TrainingError: The loss or its gradient is not finite, or memory is full.
    """
    check_weights(weights)
    prepared = _prepared(rows, weights)
    num_steps = number_of_steps(prepared, spec)
    starts = {role: max(0, num_steps - last) for role, last in (late or {}).items()}
    source = steps(prepared, spec.batch_size, seed, starts)
    held_out = micro_batches(prepare(validation, _HELD_OUT), spec.micro_batch_tokens, pad_id)
    trainer = _Trainer(model, spec, weights, pad_id, num_steps, penalty)
    looks = _spread(spec.gradient_cosine_points, num_steps)
    watched = _spread(spec.drift_points, num_steps) if watch is not None else set()
    with _training(model, spec, seed):
        for step in range(num_steps):
            if renew is not None and renew_every and step and step % renew_every == 0:
                model.eval()
                source = steps(_prepared(renew(step), weights), spec.batch_size, seed + step)
                model.train()
            extra = trainer.step(step, next(source), look=step in looks)
            last = step == num_steps - 1
            if held_out and (last or _is_due(step, spec.validate_every)):
                extra |= trainer.validate(held_out)
            if watch is not None and step in watched:
                extra |= _watched(model, watch)
            if on_event is not None and (last or extra or _is_due(step, spec.log_every)):
                rate = {"train/learning_rate": learning_rate(step, num_steps, spec)}
                on_event(StepEvent(step + 1, num_steps, trainer.curves.point() | rate | extra))
    return trainer.curves.report()


def _prepared(rows: Sequence[TokenRow], weights: Mapping[Role, float]) -> list[Prepared]:
    learnt = to_learn(rows, weights)
    prepared = prepare(learnt, weights)
    self_test(learnt, prepared)
    return prepared


def _watched(model: Any, watch: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
    model.eval()
    with torch.no_grad():
        found = watch()
    model.train()
    return found


def _is_due(step: int, every: int | None) -> bool:
    return every is not None and (step + 1) % every == 0


def _spread(points: int, num_steps: int) -> set[int]:
    """``points`` steps spread evenly from the first to the last."""
    if points <= 1:
        return {0} if points else set()
    return {round(point * (num_steps - 1) / (points - 1)) for point in range(points)}


@contextlib.contextmanager
def _training(model: Any, spec: TrainSpec, seed: int) -> Iterator[None]:
    """The model in train mode, dropout drawn from a stream of its own; memory faults named."""
    model.train()
    saving = checkpointed(model) if spec.gradient_checkpointing else contextlib.nullcontext()
    try:
        with torch.random.fork_rng(devices=_devices(model)), saving:
            torch.manual_seed(stream_seed(seed, "dropout"))
            yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"out of memory: {str(error).splitlines()[0]}",
            "Lower train.micro_batch_tokens (the result stays the same to rounding), or set "
            "train.gradient_checkpointing: true.",
        ) from error
    finally:
        model.eval()


def _devices(model: Any) -> list[torch.device]:
    return [model.device] if model.device.type == "cuda" else []


class _Trainer:
    """The state of a run: the optimiser, and what was measured so far."""

    def __init__(
        self,
        model: Any,
        spec: TrainSpec,
        weights: Mapping[Role, float],
        pad_id: int,
        num_steps: int,
        penalty: Penalty | TokenPenalty | None,
    ) -> None:
        self.model, self.spec, self.weights = model, spec, weights
        self.pad_id, self.num_steps = pad_id, num_steps
        self.max_logits = spec.logits_mib * 2**18  # of four bytes each
        self.penalty = penalty if isinstance(penalty, Penalty) else None
        self.token_penalty = penalty if isinstance(penalty, TokenPenalty) else None
        assert penalty is None or self.penalty or self.token_penalty  # else it would do nothing
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=spec.learning_rate,
            betas=spec.adam_betas,
            weight_decay=spec.weight_decay,
            fused=True,
        )
        self.curves = Curves()

    def step(self, step: int, rows: Sequence[Prepared], *, look: bool) -> dict[str, float]:
        """One optimiser step; returns the gradients' cosines where it is looked at."""
        counts = count_roles(rows)
        factors = coefficients(counts, self.weights, self.spec.normalise)
        batches = micro_batches(rows, self.spec.micro_batch_tokens, self.pad_id)
        cosines = self._cosines(step, batches, factors) if look else {}
        start = time.monotonic()
        sums, penalty = role_sums(
            self.model,
            batches,
            factors,
            backward=True,
            step=step,
            penalty=self.token_penalty,
            max_logits=self.max_logits,
        )
        penalty += self._penalise(step)
        replaced = self.token_penalty is not None and self.token_penalty.replaces_loss
        loss = penalty + (0.0 if replaced else weighted_loss(sums, factors))
        norm = self._clip()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            shown = ", ".join(f"{role} {value:.4g}" for role, value in sums.items())
            raise TrainingError(
                f"step {step + 1} of {self.num_steps}: the loss is not finite (loss {loss:.4g}, "
                f"gradient norm {norm:.4g}; sums: {shown})",
                "Lower train.learning_rate, or raise train.warmup_fraction.",
            )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.num_steps, self.spec)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.curves.steps.append(
            StepRecord(
                sums=sums,
                counts=counts,
                loss=loss,
                penalty=penalty,
                norm=norm,
                tokens=sum(map(len, rows)),
                padded=sum(batch.ids_BT.numel() for batch in batches),
                seconds=time.monotonic() - start,
            )
        )
        return cosines

    def validate(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Mean loss per token by role on held-out rows, dropout off."""
        self.model.eval()
        sums, _ = role_sums(self.model, batches, {}, backward=False, max_logits=self.max_logits)
        self.model.train()
        roles_N = torch.cat([batch.roles_N for batch in batches])
        counts = {role: int((roles_N == index).sum()) for index, role in enumerate(Role)}
        self.curves.validation = {role.value: sums[role] / counts[role] for role in sums}
        return {f"train/loss_validation/{r}": v for r, v in self.curves.validation.items()}

    def _cosines(
        self, step: int, batches: Sequence[Batch], factors: Mapping[Role, float]
    ) -> dict[str, float]:
        """How the parts of the loss pull beside each other; only what can be measured."""
        looked = self.model, self.parameters, batches, factors
        found = {"train/gradient_cosine": gradient_cosine(*looked, self.max_logits)}
        penalty = self.penalty or self.token_penalty
        if penalty is not None:
            found["train/gradient_cosine_penalty"] = penalty_cosine(
                *looked, penalty, step, self.max_logits
            )
        return {name: cosine for name, cosine in found.items() if cosine is not None}

    def _penalise(self, step: int) -> float:
        """Adds the step's penalty to the gradient; its value."""
        term = None if self.penalty is None else self.penalty.value(step)
        if term is None:
            return 0.0
        term.backward()
        return float(term.detach())

    def _clip(self) -> float:
        """The gradient's norm, which is at most ``max_grad_norm`` afterwards."""
        limit = self.spec.max_grad_norm or math.inf
        return float(torch.nn.utils.clip_grad_norm_(self.parameters, limit, foreach=True))
