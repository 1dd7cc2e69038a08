"""What a result has in the store, read back: training curves, and scores as means over runs."""

import json
from collections.abc import Sequence
from pathlib import Path

from harness.records import Key, StepEvent, TrialResult, mean_value
from harness.storage.store import Store

CURVES = "curves.jsonl"
"""In an adapter stage: the training curves, a step event a line."""


def read_curves(folder: Path) -> list[StepEvent]:
    """The training curves of an adapter stage."""
    lines = (folder / CURVES).read_text(encoding="utf-8").splitlines()
    return [StepEvent(**json.loads(line)) for line in lines]


def stored_curves(result: TrialResult, home: Path) -> tuple[StepEvent, ...]:
    """The training curves of a run; none where its adapter is not there or was not trained."""
    folder = stage_folder(Store(home / "store"), result, "adapter")
    if folder is None or not (folder / CURVES).is_file():
        return ()
    return tuple(read_curves(folder))


def mean_metrics(results: Sequence[TrialResult]) -> dict[str, float]:
    """Scores and summaries as means over runs, by their keys as text, without what a run lacks."""
    keys: list[Key] = [*results[0].scores, *results[0].summaries] if results else []
    means = {str(key): mean_value(results, key) for key in keys}
    return {key: mean for key, mean in means.items() if mean is not None}


def stage_folder(store: Store, result: TrialResult, stage: str) -> Path | None:
    """Where a stage of a result lies; None where there is none or it was cleaned away."""
    key = result.stages.get(stage)
    folder = None if key is None else store.root / stage.partition("/")[0] / key
    return folder if folder is not None and folder.is_dir() else None
