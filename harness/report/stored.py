"""What a run left in the store, as far as a report reads it again."""

import logging
from pathlib import Path

from harness.errors import DataError
from harness.records import Prediction, TrialResult
from harness.storage.predictions import read_predictions

logger = logging.getLogger(__name__)

_PREFIX = "predictions/"


def predicted(run: TrialResult) -> set[str]:
    """The benchmarks a run has answered."""
    return {name.removeprefix(_PREFIX) for name in run.stages if name.startswith(_PREFIX)}


def predictions_of(run: TrialResult, benchmark: str, home: Path) -> list[Prediction] | None:
    """A run's answers to a benchmark; None where they are not in the store."""
    folder = home / "store" / "predictions" / run.stages[f"{_PREFIX}{benchmark}"]
    try:
        return read_predictions(folder / "predictions.jsonl")
    except DataError as error:
        logger.warning("the answers to %s cannot be shown: %s", benchmark, error.message)
        return None
