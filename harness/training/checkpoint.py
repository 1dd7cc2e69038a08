"""A training half done, on disk: killed, it goes on from there to the result of one undisturbed.

On the CPU to the bit: what is kept is the weights that are trained, the optimiser, dropout's
stream, a penalty's memory, the rows that were made on the way, and what was told and measured. The
order of the rows is not kept, it is drawn anew and wound on. A checkpoint is written beside the
last one and put in its place, so there is a whole one whenever the process dies.
"""

import hashlib
import json
import logging
import pickle
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from pydantic import TypeAdapter

from harness.records import JSON, Role, StepEvent, TokenIds, TokenRow
from harness.settings.spec import digest
from harness.storage.files import write_whole
from harness.training.curves import StepRecord
from harness.training.trainer import Trainer, set_streams, streams

logger = logging.getLogger(__name__)

_STEPS = TypeAdapter(list[StepRecord])
_ROWS = TypeAdapter(list[tuple[str, TokenIds, tuple[Role, ...], bool, TokenIds | None]])

FILE = "training.pt"
_USUAL_S = 600.0
_FORMAT = 2
"""Of the file; its number rises when the file's meaning changes."""


@runtime_checkable
class Remembering(Protocol):
    """A penalty whose value at a step depends on the steps before."""

    def memory(self) -> Mapping[str, Any]:
        """All it remembers: tensors and numbers."""

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Takes back what ``memory`` gave."""


@dataclass(frozen=True)
class Checkpoints:
    """Where a training's checkpoints lie, and what training it is.

    Attributes:
        folder: Of this training alone; made when it is first needed.
        identity: What may change the result and is not seen by ``fit``: model, library versions.
    """

    folder: Path
    identity: Mapping[str, JSON]


@dataclass
class TrainingState:
    """What of a training is not in the trainer.

    Attributes:
        step: Steps taken.
        events: What was told.
        renewed: The step of the last renewal and its rows; None before the first.
    """

    step: int = 0
    events: list[StepEvent] = field(default_factory=list)
    renewed: tuple[int, Sequence[TokenRow]] | None = None


@dataclass
class Keeper:
    """Writes a training's checkpoints when they are due, and reads the last one.

    Args:
        checkpoints: Where; None keeps nothing.
        every: Steps between two; None for ten minutes.
        trainer: What is kept.
        known: Tells what else makes the training what it is, as plain data; only asked when a
            checkpoint is written or there is one.
    """

    checkpoints: Checkpoints | None
    every: int | None
    trainer: Trainer
    known: Callable[[], JSON]

    def __post_init__(self) -> None:
        self._saved_at = time.monotonic()

    @cached_property
    def _key(self) -> str:
        assert self.checkpoints is not None
        trained = [
            (name, list(value.shape))
            for name, value in self.trainer.model.named_parameters()
            if value.requires_grad
        ]
        of = dict(self.checkpoints.identity)
        return digest({"of": of, "fit": self.known(), "on": trained, "format": _FORMAT})

    def due(self, step: int) -> bool:
        """Whether to save behind the step, the first being 1."""
        if self.checkpoints is None:
            return False
        if self.every is not None:
            return step % self.every == 0
        return self.trainer.team.broadcast(lambda: time.monotonic() - self._saved_at >= _USUAL_S)

    def save(self, training: TrainingState) -> None:
        """Puts the training as it is now in the place of the last checkpoint."""
        assert self.checkpoints is not None
        trainer, penalty = self.trainer, self.trainer.terms.penalty
        states = trainer.team.all_gather(lambda: streams(trainer.model))
        if not trainer.team.leads:
            return
        plain = {
            "steps": [asdict(step) for step in trainer.curves.steps],
            "shown": trainer.curves.shown,
            "validation": dict(trainer.curves.validation),
            "events": [[e.step, e.num_steps, dict(e.metrics)] for e in training.events],
            "renewed": training.renewed
            and [training.renewed[0], [astuple(row) for row in training.renewed[1]]],
            "micro_batch_tokens": trainer.micro_batch_tokens,
            "num_halvings": trainer.num_halvings,
        }
        state = {
            "key": self._key,
            "step": training.step,
            "plain": json.dumps(plain),
            "parameters": [parameter.detach() for parameter in trainer.parameters],
            "optimizer": trainer.optimizer.state_dict(),
            "streams": states,
            "penalty": dict(penalty.memory()) if isinstance(penalty, Remembering) else None,
        }
        write_whole(self.checkpoints.folder / FILE, lambda file: torch.save(state, file))
        self._saved_at = time.monotonic()
        logger.info("checkpoint of step %d of %d", training.step, trainer.num_steps)

    def load(self) -> TrainingState | None:
        """Puts the trainer where the last checkpoint is; None, and nothing done, without one.

        To be called where dropout's stream is the training's own. A checkpoint of another training
        (other settings, rows, library versions) is not used, nor one that cannot be read.
        """
        if self.checkpoints is None:
            return None
        state = self.trainer.team.broadcast(self._state)
        if state is None:
            return None
        trainer, penalty = self.trainer, self.trainer.terms.penalty
        with torch.no_grad():
            for parameter, value in zip(trainer.parameters, state["parameters"], strict=True):
                parameter.copy_(value)
        trainer.optimizer.load_state_dict(state["optimizer"])
        set_streams(trainer.model, state["streams"][trainer.team.rank])
        if isinstance(penalty, Remembering):
            penalty.remember(state["penalty"])
        plain = json.loads(state["plain"])
        trainer.curves.steps = _STEPS.validate_python(plain["steps"])
        trainer.curves.shown = plain["shown"]
        trainer.curves.validation = plain["validation"]
        trainer.micro_batch_tokens = plain["micro_batch_tokens"]
        trainer.num_halvings = plain["num_halvings"]
        renewed = plain["renewed"]
        logger.info("going on from the checkpoint of step %d", state["step"])
        return TrainingState(
            state["step"],
            [StepEvent(*event) for event in plain["events"]],
            renewed and (renewed[0], [TokenRow(*row) for row in _ROWS.validate_python(renewed[1])]),
        )

    def _state(self) -> Mapping[str, Any] | None:
        """The last checkpoint, if it is of this training and can be read."""
        assert self.checkpoints is not None
        path = self.checkpoints.folder / FILE
        if not path.exists():
            return None
        try:
            state: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            reason = str(error).split("\n")[0]
            logger.warning("%s cannot be read (%s): beginning anew", path, reason)
            return None
        if state["key"] == self._key:
            return state
        logger.warning("the checkpoint is of another training: beginning anew")
        return None


def rows_digest(rows: Sequence[TokenRow]) -> str:
    """Equal for equal rows."""
    sha256 = hashlib.sha256()
    for row in rows:
        shown = row.teacher_prompt
        head = [row.example_id, len(row.ids), row.task, None if shown is None else len(shown)]
        sha256.update(json.dumps(head).encode())
        sha256.update(array("q", (*row.ids, *(shown or ()))).tobytes())
        sha256.update(" ".join(row.roles).encode())
    return sha256.hexdigest()
