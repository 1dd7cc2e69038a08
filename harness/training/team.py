"""The processes that share a training: what each does of a step, and how they come together.

Data parallelism. Each process has the whole frozen model and the same adapter; the rows of an
optimiser step are dealt out, and the gradients are summed. They are summed, not averaged, because
the denominators of the loss are those of the whole step already (see ``harness.training.objective``
): so shares of any size give the gradient of one process alone, but for rounding. DDP and its like
average the mean losses of unequal shares instead, which changes the loss.

The first process (rank 0) leads: it alone measures, draws new rows, writes, and adds a penalty that
is added once a step. The others do as it does.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import distributed

from harness.errors import HarnessError, TrainingError
from harness.training.batches import shares
from harness.training.prepare import Prepared

Result = TypeVar("Result")

_PATIENCE = timedelta(days=1)
"""How long a process waits for the others: measuring, drawing new rows and waiting for another's
larger micro-batches take their time. Whoever dies is noticed at once by gloo, through which all
meet before gradients are summed; a death within a sum by NCCL is not."""
_DYING_S = 5.0


class Team:
    """A process that trains alone, which is a team of one.

    Attributes:
        rank: Which process this is.
        size: How many there are.
    """

    rank = 0
    size = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that measures and writes."""
        return self.rank == 0

    def connect(self, device: torch.device) -> None:
        """Waits until all are ready to train on devices of this kind."""

    def share(self, rows: Sequence[Prepared]) -> list[Prepared]:
        """This process's part of the rows, in their order; the parts have about as many tokens."""
        return shares(rows, self.size)[self.rank]

    def all_gather(self, work: Callable[[], Result]) -> list[Result]:
        """What each process makes of its part of the work, by rank.

        Raises:
            TrainingError: It failed in another process.
        """
        return [work()]

    def broadcast(self, make: Callable[[], Result]) -> Result:
        """What the leading process finds; it alone looks."""
        return make()

    def add_gradients(self, parameters: Sequence[torch.Tensor]) -> None:
        """Puts the sum over all processes in the place of each gradient."""


ALONE = Team()


class Process(Team):
    """One of several processes on a machine.

    Args:
        rank: Which.
        size: How many there are.
        folder: Where they find each other; empty at first.
        check: Called while the leading process waits for the others; raises where one is dead.
    """

    def __init__(
        self, rank: int, size: int, folder: Path, check: Callable[[], None] = lambda: None
    ) -> None:
        self.rank, self.size, self._check = rank, size, check
        self._folder = folder

    def connect(self, device: torch.device) -> None:
        """Waits until all are ready to train on devices of this kind.

        Raises:
            TrainingError: One of them died.
        """
        (self._folder / f"ready-{self.rank}").touch()
        if self.leads:  # the others can wait inside, where nobody would notice that one has died
            for other in range(1, self.size):
                while not (self._folder / f"ready-{other}").exists():
                    self._check()
                    time.sleep(0.05)
        distributed.init_process_group(
            # Plain values go through gloo on every kind of machine, gradients where they lie.
            backend="cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
            init_method=f"file://{self._folder / 'meeting'}",
            rank=self.rank,
            world_size=self.size,
            timeout=_PATIENCE,
        )

    def all_gather(self, work: Callable[[], Result]) -> list[Result]:
        """What each process makes of its part of the work, by rank.

        Raises:
            TrainingError: It failed in another process.
        """
        error: Exception | None = None
        outcomes: list[Any] = [None] * self.size
        try:
            outcome: tuple[Result | None, str | None] = work(), None
        except Exception as caught:  # whatever it is, the others must not wait for this process
            outcome, error = (None, _words(caught)), caught
        try:
            distributed.all_gather_object(outcomes, outcome)
        except RuntimeError as broken:
            raise error or self._lost(broken) from broken
        if error is not None:
            raise error
        for rank, (_, fault) in enumerate(outcomes):
            if fault is not None:
                raise TrainingError(f"process {rank + 1} of {self.size}: {fault}")
        return [result for result, _ in outcomes]

    def broadcast(self, make: Callable[[], Result]) -> Result:
        """What the leading process finds; it alone looks."""
        message: list[Any] = [make() if self.leads else None]
        try:
            distributed.broadcast_object_list(message, src=0)
        except RuntimeError as broken:
            raise self._lost(broken) from broken
        result: Result = message[0]
        return result

    def add_gradients(self, parameters: Sequence[torch.Tensor]) -> None:
        """Puts the sum over all processes in the place of each gradient."""
        kinds: dict[tuple[torch.dtype, torch.device], list[torch.Tensor]] = defaultdict(list)
        for parameter in parameters:
            kinds[parameter.dtype, parameter.device].append(parameter)
        for group in kinds.values():
            gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in group]
            has_one = gradients[0].new_tensor([p.grad is not None for p in group])
            flat = torch.cat([has_one, *(gradient.reshape(-1) for gradient in gradients)])
            try:
                distributed.all_reduce(flat)
            except RuntimeError as broken:
                raise self._lost(broken) from broken
            counts, *totals = torch.split(flat, [len(group), *(p.numel() for p in group)])
            for parameter, count, total in zip(group, counts.tolist(), totals, strict=True):
                # One that has no gradient anywhere is left out of the step, as it is alone.
                parameter.grad = total.view_as(parameter) if count else None

    def disconnect(self) -> None:
        """Ends the meeting, if there was one."""
        if distributed.is_initialized():
            distributed.destroy_process_group()

    def _lost(self, broken: RuntimeError) -> TrainingError:
        # A connection may close a moment before its process has ended.
        ends = time.monotonic() + _DYING_S
        while self.leads and time.monotonic() < ends:
            self._check()
            time.sleep(0.05)
        return TrainingError(
            f"process {self.rank + 1} of {self.size} lost the others: {_words(broken)}"
        )


def _words(error: Exception) -> str:
    if isinstance(error, HarnessError):
        return str(error)
    return f"{type(error).__name__}: {error}".splitlines()[0]
