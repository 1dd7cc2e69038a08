"""The harness from Python: what ``harness run`` does, for a notebook or a script.

Light to import: the heavy libraries come with the first call.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.protocols import OnEvent
from harness.records import TrialResult
from harness.trial.config import TrialConfig

if TYPE_CHECKING:
    from harness.protocols import Tracker


def run_trial(
    config: TrialConfig,
    *,
    home: Path | str | None = None,
    track: bool = True,
    tracking_uri: str | None = None,
    on_event: OnEvent | None = None,
) -> TrialResult:
    """Trains and scores one configuration with its seed; what the home folder has is not redone.

    Args:
        config: What to run, from ``TrialConfig(...)`` or ``harness.trial.config.load_trial(path)``.
        home: Folder of the store; by default ``HARNESS_HOME``, else ``.harness``.
        track: Whether MLflow records the run.
        tracking_uri: MLflow store; by default MLflow's own choice.
        on_event: Is told of stages and training steps as they happen.

    Raises:
        ConfigError, DataError: Something the user can mend; nothing was trained.
        TrainingError, EvaluationError: The run cannot be finished; what is finished is kept.
    """
    from harness.trial.preflight import preflight

    folder = Path(home or os.environ.get("HARNESS_HOME") or ".harness")
    preflight(config, folder)
    from harness.processes.comet_client import CometClient
    from harness.tracking.tracked_run import run_tracked
    from harness.tracking.tracker import MlflowTracker

    tracker: Tracker | None = MlflowTracker(tracking_uri) if track else None
    with CometClient(config.eval.comet_python, release=config.eval.comet_release) as learned:
        return run_tracked(
            config,
            home=folder,
            tracker=tracker,
            on_event=on_event or (lambda event: None),
            learned=learned,
        ).result
