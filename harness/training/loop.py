"""The training loop: the only door to optimisation. It multiplies; it has no ``if method``.

Same machine, same threads, CPU: the same seed gives the same adapter to the bit. Elsewhere to
rounding.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from harness.models.memory import checkpointed, memory_faults
from harness.protocols import OnEvent, Penalty, TokenPenalty
from harness.records import JSON, Role, StepEvent, TokenRow
from harness.seeds import stream_seed
from harness.training.batches import number_of_steps, steps
from harness.training.checkpoint import Checkpoints, Keeper, Progress, rows_digest
from harness.training.objective import check_weights
from harness.training.packing import check_packing
from harness.training.prepare import Prepared, prepare, self_test, to_learn
from harness.training.report import FitReport
from harness.training.schedule import learning_rate
from harness.training.spec import TrainSpec
from harness.training.team import ALONE, Team
from harness.training.trainer import Trainer

_HELD_OUT = dict.fromkeys(Role, 1.0)
"""The validation loss is of all that the held-out rows answer, whatever is trained."""
_WATCHING = (
    "Drift is measured beside the training: lower train.drift_chats, or train.drift_points to 0."
)


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
    checkpoints: Checkpoints | None = None,
    team: Team = ALONE,
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
        on_event: Is told of every logged step, those before a checkpoint among them.
        checkpoints: Where to keep what is half done, and to go on from what is there; None keeps
            nothing.
        team: The processes that share the training. Each calls this with equal arguments; only the
            first measures, draws new rows, tells and writes.

    Raises:
        ConfigError: All weights are 0.
        DataError: An example has no token that carries loss.
        TrainingError: The loss or its gradient is not finite, or a single row does not fit memory.
    """
    check_weights(weights)
    prepared = _prepared(rows, weights)
    num_steps = number_of_steps(prepared, spec)
    held_out = prepare(validation, _HELD_OUT)
    trainer = Trainer(model, spec, weights, pad_id, num_steps, penalty, team)
    known = partial(_known, rows, validation, spec, weights, seed)
    keeper = Keeper(checkpoints, spec.checkpoint_every, trainer, known)
    looks = _spread(spec.gradient_cosine_points, num_steps)
    watched = _spread(spec.drift_points, num_steps) if watch and team.leads else set()
    if spec.packing:
        check_packing(model, prepared)
    team.meet(model.device)

    def order(
        renewed: tuple[int, Sequence[TokenRow]] | None, done: int
    ) -> Iterator[list[Prepared]]:
        if renewed is None:
            starts = {role: max(0, num_steps - last) for role, last in (late or {}).items()}
            return itertools.islice(steps(prepared, spec.batch_size, seed, starts), done, None)
        begin, new = renewed
        source = steps(_prepared(new, weights), spec.batch_size, seed + begin)
        return itertools.islice(source, done - begin, None)

    with _training(model, spec, seed, team.rank):
        progress = keeper.load() or Progress()
        source = order(progress.renewed, progress.step)
        for event in progress.events:
            if on_event is not None:
                on_event(event)
        for step in range(progress.step, num_steps):
            if renew is not None and renew_every and step and step % renew_every == 0:
                model.eval()
                progress.renewed = step, team.told(partial(renew, step))
                source = order(progress.renewed, step)
                model.train()
            extra = trainer.step(step, next(source), look=step in looks)
            last = step == num_steps - 1
            if held_out and (last or _is_due(step, spec.validate_every)):
                extra |= trainer.validate(held_out)
            if watch is not None and step in watched:
                extra |= _watched(model, watch)
            if on_event is not None and (last or extra or _is_due(step, spec.log_every)):
                rate = {"train/learning_rate": learning_rate(step, num_steps, spec)}
                event = StepEvent(step + 1, num_steps, trainer.curves.point() | rate | extra)
                progress.events.append(event)
                on_event(event)
            progress.step = step + 1
            if not last and keeper.due(progress.step):
                keeper.save(progress)
    return trainer.report()


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
def _training(model: Any, spec: TrainSpec, seed: int, rank: int) -> Iterator[None]:
    """The model in train mode, dropout drawn from a stream of its own; memory faults named."""
    model.train()
    saving = checkpointed(model) if spec.gradient_checkpointing else contextlib.nullcontext()
    try:
        with memory_faults(), torch.random.fork_rng(devices=_devices(model)), saving:
            torch.manual_seed(stream_seed(seed, f"dropout/{rank}" if rank else "dropout"))
            yield
    finally:
        model.eval()


def _devices(model: Any) -> list[torch.device]:
    return [model.device] if model.device.type == "cuda" else []
