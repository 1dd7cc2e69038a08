"""On-policy self-distillation: KL(student || teacher) at each token, in place of the loss.

The teacher is the exponential moving average of the student's own adapter and reads the answer
behind a prompt that shows it a demonstration. It needs no second model: only the adapter's weights
are averaged, and for the teacher's pass they take the place of the student's. The average is moved
once per optimiser step, before the step's first pass: E <- d E + (1 - d) theta, starting as the
adapter training starts from.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from harness.settings.spec import Spec
from harness.training.closed_forms import reverse_kl
from harness.training.passes import Pass
from harness.training.prepare import Prepared
from harness.training.untuned import without_dropout


class ReverseKlSpec(Spec):
    """Settings of the penalty."""

    teacher_decay: float = Field(ge=0.0, le=1.0)
    """d: how much of the teacher is kept at a step; 1 leaves it where training begins, 0 makes it
    the student of that step."""

    def build(self, model: Any, probes: Sequence[Prepared]) -> "ReverseKlPenalty":
        """The penalty on a model with an adapter; it needs no probes."""
        return ReverseKlPenalty(self.teacher_decay, model)


class ReverseKlPenalty:
    """The penalty on a model; it has a state and goes with one training."""

    replaces_loss = True

    def __init__(self, teacher_decay: float, model: Any) -> None:
        self.teacher_decay = teacher_decay
        self._model = model
        self._student = [p for p in model.parameters() if p.requires_grad]
        self.teacher = [parameter.detach().clone() for parameter in self._student]
        self._step = 0

    def token_values(self, step: int, passed: Pass) -> Tensor:
        """KL(student || teacher) at each token, [N]; gradients reach the student alone.

        Raises:
            TrainingError: The examples show the teacher nothing.
        """
        if step != self._step:
            self._step = step
            self._follow()
        with torch.no_grad(), without_dropout(self._model), self._teaching():
            teacher_NV = passed.teacher_logits()
        return reverse_kl(passed.logits_NV, teacher_NV)

    def memory(self) -> Mapping[str, Any]:
        return {"teacher": self.teacher, "step": self._step}

    def remember(self, memory: Mapping[str, Any]) -> None:
        self._step = memory["step"]
        for mine, kept in zip(self.teacher, memory["teacher"], strict=True):
            mine.copy_(kept)

    def _follow(self) -> None:
        for mine, theirs in zip(self.teacher, self._student, strict=True):
            mine.lerp_(theirs.detach(), 1 - self.teacher_decay)

    @contextmanager
    def _teaching(self) -> Iterator[None]:
        # What the student's pass keeps for its backward pass points to its parameters, not to
        # copies of them; they have their own values again before that.
        own = [parameter.data for parameter in self._student]
        try:
            for parameter, value in zip(self._student, self.teacher, strict=True):
                parameter.data = value
            yield
        finally:
            for parameter, value in zip(self._student, own, strict=True):
                parameter.data = value


PENALTY = ReverseKlSpec
