"""A trial's tuned model as a model folder: its adapter is trained, or found, and then merged."""

from pathlib import Path

from harness.errors import ConfigError
from harness.models.export import TOLERANCE, Dtype, Exported, check_free, export
from harness.protocols import Combining, OnEvent, Showing
from harness.storage.store import Store
from harness.trial.config import TrialConfig
from harness.trial.stages import Tuning
from harness.trial.timeline import Timeline
from harness.trial.train import ADAPTER


def export_trial(
    config: TrialConfig,
    folder: Path,
    *,
    home: Path,
    dtype: Dtype | None = None,
    tolerance: float = TOLERANCE,
    on_event: OnEvent | None = None,
) -> Exported:
    """Writes the model a trial scores; see ``harness.models.export``.

    Args:
        config: The trial; nothing is scored.
        folder: Gets the model; must not be there, or be empty.
        home: Folder of the store; an adapter that is there is not trained again.
        dtype: Of the weights; None for that of the base model's files.
        tolerance: Largest difference of a logit to accept.
        on_event: Is told of stages and training steps as they happen.

    Raises:
        ConfigError, DataError: Something the user can mend.
        TrainingError: Training cannot go on.
        EvaluationError: The merged model says something else than the adapted one.
    """
    variant = config.variant
    if not (variant.trains or isinstance(variant, Combining)):
        raise ConfigError(
            f"variant: {variant.name} has no adapter to export",
            "harness evaluate MODEL --set eval.answering=HOME/store/answering/KEY asks the model "
            "as a trial did"
            if isinstance(variant, Showing)
            else None,
        )
    check_free(folder)
    store = Store(home / "store")
    with store.shared_lock():
        adapter = Tuning(config, store, Timeline(on_event or (lambda event: None))).adapter()
        return export(
            config.model,
            adapter.whole() / ADAPTER,
            folder,
            dtype=dtype,
            tolerance=tolerance,
            recipe={"trial": config.plain()},
        )
