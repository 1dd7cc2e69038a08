"""The training loop: the only door to optimisation. It multiplies; it has no ``if method``.

Same machine, same threads, CPU: the same seed gives the same adapter to the bit. Elsewhere to
rounding.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from harness.models.chat_model import forked_streams
from harness.models.memory import checkpointed, memory_faults
from harness.protocols import OnEvent
from harness.records import JSON, Role, StepEvent, TokenRow
from harness.seeds import stream_seed
from harness.training.batches import number_of_steps, steps
from harness.training.checkpoint import Checkpoints, Keeper, TrainingState, rows_digest
from harness.training.curves import FitReport
from harness.training.objective import LossTerms
from harness.training.packing import check_packing
from harness.training.prepare import Prepared, prepare, self_test, to_learn
from harness.training.spec import TrainSpec, learning_rate
from harness.training.team import ALONE, Team
from harness.training.trainer import Trainer

_HELD_OUT = dict.fromkeys(Role, 1.0)
"""The validation loss is of all that the held-out rows answer, whatever is trained."""
_WATCHING = (
    "Drift is measured beside the training: lower train.drift_chats, or train.drift_points to 0."
)


@dataclass(frozen=True)
class Renewal:
    """New rows from the model in training.

    Attributes:
        every: Steps between two renewals.
        rows: Makes them with the model as it is at that step.
    """

    every: int
    rows: Callable[[int], Sequence[TokenRow]]


@dataclass(frozen=True)
class Hooks:
    """What is called along a training.

    Attributes:
        on_event: Is told of every logged step, those before a checkpoint among them.
        watch: Measures the model as it is (eval mode, no gradients), at ``drift_points`` steps.
        renewal: New rows on the way; None where the rows stay.
    """

    on_event: OnEvent = lambda event: None
    watch: Callable[[], Mapping[str, float]] | None = None
    renewal: Renewal | None = None


def fit(
    model: Any,
    rows: Sequence[TokenRow],
    spec: TrainSpec,
    terms: LossTerms,
    *,
    seed: int,
    pad_id: int,
    validation: Sequence[TokenRow] = (),
    hooks: Hooks = Hooks(),
    checkpoints: Checkpoints | None = None,
    team: Team = ALONE,
    ordered: bool = False,
) -> FitReport:
    """Trains every parameter of ``model`` that requires gradients.

    Args:
        model: A causal language model with an adapter; left in eval mode.
        rows: What to train on.
        spec: How.
        terms: What is minimised.
        seed: Of the order of rows and of dropout.
        pad_id: Fills the ends of short rows; never attended to.
        validation: Rows for the validation loss, never trained on.
        hooks: What is called on the way.
        checkpoints: Where to keep what is half done, and to go on from what is there; None keeps
            nothing.
        team: The processes that share the training. Each calls this with equal arguments; only the
            first measures, draws new rows, tells and writes.
        ordered: Whether the rows stand in the order of the steps (``harness.training.batches``).

    Raises:
        DataError: An example has no token that carries loss.
        TrainingError: The loss or its gradient is not finite, or a single row does not fit memory.
    """
    prepared = _prepared(rows, terms.weights)
    trainer = Trainer(model, spec, terms, pad_id, number_of_steps(prepared, spec), team)
    known = partial(_known, rows, validation, spec, terms.weights, seed)
    kept = None if spec.checkpoint_every == 0 else checkpoints
    keeper = Keeper(kept, spec.checkpoint_every, trainer, known)
    if spec.packing:
        check_packing(model, prepared)
    held_out = prepare(validation, _HELD_OUT)
    order = partial(_order, prepared, trainer, terms, seed, ordered)
    team.connect(model.device)
    with _training(model, spec, seed, team.rank):
        state = keeper.load() or TrainingState()
        for event in state.events:
            hooks.on_event(event)
        _train(trainer, state, order, held_out, hooks, keeper)
    return trainer.report()


def _train(
    trainer: Trainer,
    state: TrainingState,
    order: Callable[[TrainingState], Iterator[list[Prepared]]],
    held_out: Sequence[Prepared],
    hooks: Hooks,
    keeper: Keeper,
) -> None:
    """Takes the steps that are left, and measures beside them where it is due."""
    batches, renewal = order(state), hooks.renewal
    spec, num_steps = trainer.spec, trainer.num_steps
    looks = _spread(spec.gradient_cosine_points, num_steps)
    watched = _spread(spec.drift_points, num_steps) if trainer.team.leads else set()
    for step in range(state.step, num_steps):
        if renewal is not None and step and step % renewal.every == 0:
            trainer.model.eval()
            state.renewed = step, trainer.team.broadcast(partial(renewal.rows, step))
            batches = order(state)
            trainer.model.train()
        measured = trainer.step(step, next(batches), look=step in looks)
        last = step == num_steps - 1
        if held_out and (last or _is_due(step, spec.validate_every)):
            measured |= trainer.validate(held_out)
        if hooks.watch is not None and step in watched:
            measured |= _watched(trainer.model, hooks.watch)
        if last or measured or _is_due(step, spec.log_every):
            rate = {"train/learning_rate": learning_rate(step, num_steps, spec)}
            event = StepEvent(step + 1, num_steps, trainer.curves.point() | rate | measured)
            state.events.append(event)
            hooks.on_event(event)
        state.step = step + 1
        if not last and keeper.due(state.step):
            keeper.save(state)


def _order(
    prepared: Sequence[Prepared],
    trainer: Trainer,
    terms: LossTerms,
    seed: int,
    ordered: bool,
    state: TrainingState,
) -> Iterator[list[Prepared]]:
    """The rows of each step from where the training is, of the last renewal if there was one."""
    batch_size = trainer.spec.batch_size
    if state.renewed is None:
        starts = {role: max(0, trainer.num_steps - last) for role, last in terms.late.items()}
        batches = steps(prepared, batch_size, seed, starts, ordered=ordered)
        return itertools.islice(batches, state.step, None)
    begin, rows = state.renewed
    renewed = steps(_prepared(rows, terms.weights), batch_size, seed + begin)
    return itertools.islice(renewed, state.step - begin, None)


def _known(
    rows: Sequence[TokenRow],
    validation: Sequence[TokenRow],
    spec: TrainSpec,
    weights: Mapping[Role, float],
    seed: int,
) -> JSON:
    """What makes this training what it is, as far as it is given here."""
    return {
        "rows": [rows_digest(rows), rows_digest(validation)],
        "spec": {name: value for name, value in spec.plain().items() if name != "checkpoint_every"},
        "weights": {role.value: weight for role, weight in weights.items()},
        "seed": seed,
    }


def _prepared(rows: Sequence[TokenRow], weights: Mapping[Role, float]) -> list[Prepared]:
    learnt = to_learn(rows, weights)
    prepared = prepare(learnt, weights)
    self_test(learnt, prepared)
    return prepared


def _watched(model: Any, watch: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
    model.eval()
    with torch.no_grad(), memory_faults(_WATCHING):
        measured = watch()
    model.train()
    return measured


def _is_due(step: int, every: int | None) -> bool:
    return every is not None and (step + 1) % every == 0


def _spread(points: int, num_steps: int) -> set[int]:
    """``points`` steps spread evenly from the first to the last."""
    if points <= 1:
        return {0} if points else set()
    return {round(point * (num_steps - 1) / (points - 1)) for point in range(points)}


@contextlib.contextmanager
def _training(model: Any, spec: TrainSpec, seed: int, rank: int) -> Iterator[None]:
    """The model in train mode, dropout drawn from a stream of its own; memory faults named."""
    model.train()
    saving = checkpointed(model) if spec.gradient_checkpointing else contextlib.nullcontext()
    try:
        with memory_faults(), forked_streams(model), saving:
            torch.manual_seed(stream_seed(seed, f"dropout/{rank}" if rank else "dropout"))
            yield
    finally:
        model.eval()
