"""The state of a training run: the optimiser, the memory it has, what was measured so far."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch

from harness.errors import TrainingError
from harness.models.memory import free_memory
from harness.protocols import Penalty, TokenPenalty
from harness.records import Role
from harness.training.batches import Batch, micro_batches
from harness.training.cosines import GradientCosines
from harness.training.curves import Curves, FitReport, StepRecord
from harness.training.objective import LossTerms, coefficients, weighted_loss
from harness.training.packing import packed_batches
from harness.training.passes import role_sums
from harness.training.prepare import ROLES, Prepared, count_roles
from harness.training.spec import TrainSpec, learning_rate
from harness.training.team import ALONE, Team

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


class Trainer:
    """Takes optimiser steps, and takes them in smaller micro-batches once memory was full.

    Attributes:
        micro_batch_tokens: The budget as it is now.
        num_halvings: How often memory was full so far.
    """

    def __init__(
        self,
        model: Any,
        spec: TrainSpec,
        terms: LossTerms,
        pad_id: int,
        num_steps: int,
        team: Team = ALONE,
    ) -> None:
        self.model, self.spec, self.terms, self.team = model, spec, terms, team
        self.pad_id, self.num_steps = pad_id, num_steps
        self.micro_batch_tokens, self.num_halvings = spec.micro_batch_tokens, 0
        self.max_logits = spec.logits_mib * 2**18  # of four bytes each
        penalty = terms.penalty
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
        factors = coefficients(counts, self.terms.weights, self.spec.normalise)
        cosines = {}
        if look and self.team.leads:
            cosines = self._fitting(rows, lambda batches: self._cosines(step, batches, factors))
        start = time.monotonic()
        parts = self.team.all_gather(lambda: self._differentiate(step, rows, factors))
        self.team.add_gradients(self.parameters)
        sums = _added([sums for sums, _, _ in parts])
        penalty = sum(penalty for _, penalty, _ in parts)
        padded = sum(padded for _, _, padded in parts)
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
                padded=padded,
                seconds=time.monotonic() - start,
            )
        )
        return cosines

    def _differentiate(
        self, step: int, rows: Sequence[Prepared], factors: Mapping[Role, float]
    ) -> tuple[dict[Role, float], float, int]:
        """Adds this process's part of the gradient; its loss sums, penalty and padded tokens."""
        mine = self.team.share(rows)

        def gradients(batches: Sequence[Batch]) -> tuple[dict[Role, float], float, int]:
            sums, penalty = role_sums(
                self.model,
                batches,
                factors if mine else {},
                backward=True,
                step=step,
                penalty=self.token_penalty,
                max_logits=self.max_logits,
            )
            return sums if mine else {}, penalty, sum(batch.ids_BT.numel() for batch in batches)

        # Also without a row of its own a process asks the penalty, which may count the steps.
        sums, penalty, padded = self._fitting(mine or rows[:1], gradients)
        return sums, penalty + (self._penalise(step) if self.team.leads else 0.0), padded

    def validate(self, rows: Sequence[Prepared]) -> dict[str, float]:
        """Mean loss per token by role on held-out rows, dropout off."""
        mine = self.team.share(rows)

        def measure(batches: Sequence[Batch]) -> dict[Role, float]:
            sums, _ = role_sums(self.model, batches, {}, backward=False, max_logits=self.max_logits)
            return sums

        self.model.eval()
        sums = _added(self.team.all_gather(lambda: self._fitting(mine, measure)))
        self.model.train()
        counts = count_roles(rows)
        self.curves.validation = {role.value: sums[role] / counts[role] for role in sums}
        return {f"train/loss_validation/{r}": v for r, v in self.curves.validation.items()}

    def report(self) -> FitReport:
        """The run in numbers; of memory, those of the process that had least of it."""
        halvings = self.team.all_gather(lambda: (self.num_halvings, self.micro_batch_tokens))
        return replace(
            self.curves.report(),
            micro_batch_tokens=min(tokens for _, tokens in halvings),
            num_halvings=max(count for count, _ in halvings),
        )

    def _fitting(
        self, rows: Sequence[Prepared], work: Callable[[Sequence[Batch]], Result]
    ) -> Result:
        """What ``work`` makes of the rows, in micro-batches that memory has room for.

        Where it is full, all gradients are dropped, the budget is halved for the rest of the run,
        and the work is begun anew at the same place of dropout's stream.

        Raises:
            TrainingError: A single row does not fit.
        """
        while True:
            if self.spec.packing:
                batches = packed_batches(rows, self.micro_batch_tokens)
            else:
                batches = micro_batches(rows, self.micro_batch_tokens, self.pad_id)
            before = streams(self.model)
            try:
                return work(batches)
            except torch.OutOfMemoryError as error:
                reason = str(error).splitlines()[0]
                largest = max((b.ids_BT.numel() for b in batches if b.num_rows > 1), default=None)
                if largest is None:
                    longest = max(map(len, rows))
                    raise TrainingError(
                        f"out of memory with one row at a time, the longest of {longest} tokens: "
                        f"{reason}",
                        "Lower train.max_length or train.logits_mib, or set "
                        "train.gradient_checkpointing: true.",
                    ) from error
            # Behind the except: what the failed pass held is let go with the error.
            self.optimizer.zero_grad(set_to_none=True)
            free_memory()
            set_streams(self.model, before)
            self.micro_batch_tokens = max(1, min(self.micro_batch_tokens, largest) // 2)
            self.num_halvings += 1
            logger.warning(
                f"out of memory ({reason}): going on with train.micro_batch_tokens "
                f"{self.micro_batch_tokens}; the result stays the same to rounding"
            )

    def _cosines(
        self, step: int, batches: Sequence[Batch], factors: Mapping[Role, float]
    ) -> dict[str, float]:
        """How the parts of the loss pull beside each other; only what can be measured."""
        look = GradientCosines(self.model, self.parameters, batches, factors, self.max_logits)
        cosines = {"train/gradient_cosine": look.of_other_roles()}
        if self.terms.penalty is not None:
            cosines["train/gradient_cosine_penalty"] = look.of_penalty(self.terms.penalty, step)
        return {name: cosine for name, cosine in cosines.items() if cosine is not None}

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


def _added(parts: Sequence[Mapping[Role, float]]) -> dict[Role, float]:
    present = {role for sums in parts for role in sums}
    return {role: sum(sums.get(role, 0.0) for sums in parts) for role in ROLES if role in present}


def streams(model: Any) -> list[torch.Tensor]:
    """Where the streams are that dropout draws from: of the CPU and, if used, the accelerator."""
    states = [torch.random.get_rng_state()]
    if model.device.type == "cuda":
        states.append(torch.cuda.get_rng_state(model.device))
    return states


def set_streams(model: Any, states: Sequence[torch.Tensor]) -> None:
    """Puts the streams where ``streams`` found them."""
    torch.random.set_rng_state(states[0])
    if len(states) > 1:
        torch.cuda.set_rng_state(states[1], model.device)
