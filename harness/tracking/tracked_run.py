"""One run with its record in a tracking store: what ``harness run`` and ``evaluate`` do.

The store is told what happens and decides nothing: when it cannot be reached any more, the run goes
on and its result is in the home folder.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.protocols import LearnedScorer, OnEvent, RunStatus, TrackedRun, Tracker
from harness.records import Event, TrialResult
from harness.tracking.recording import Recorder
from harness.trial.config import TrialConfig
from harness.trial.run import run_trial

logger = logging.getLogger(__name__)

_RENEW_EVERY_S = 20.0


@dataclass(frozen=True, slots=True)
class Tracked:
    """A finished run and its id in the tracking store, None where it is in none."""

    result: TrialResult
    run_id: str | None


def run_tracked(
    config: TrialConfig,
    *,
    home: Path,
    tracker: Tracker | None,
    on_event: OnEvent,
    learned: LearnedScorer | None = None,
) -> Tracked:
    """Runs a configuration and records it; ``run_trial`` says what it may raise.

    Args:
        config: What to run; its name is that of the experiment.
        home: Folder of the store.
        tracker: Where to record; None for nowhere.
        on_event: Is told of stages and steps.
        learned: COMET's process.
    """
    if tracker is None:
        return Tracked(run_trial(config, home=home, on_event=on_event, learned=learned), None)
    tracker.close_orphans(config.name)
    run = tracker.start_run(config.name, f"{config.variant.name}, seed {config.seed}")
    page = _Page(run, config)

    def both(event: Event) -> None:
        page.on_event(event)
        on_event(event)

    status: RunStatus = "FAILED"
    try:
        result = run_trial(config, home=home, on_event=both, learned=learned)
        page.write(lambda recorder: recorder.end(result, home))
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    except HarnessError as error:
        reason = error.message
        page.write(lambda recorder: recorder.run.set_tags({"reason": reason}))
        raise
    finally:
        page.write(lambda recorder: recorder.run.finish(status))
    return Tracked(result, run.run_id)


class _Page:
    """The run's page in the store, given up with a warning when the store fails."""

    def __init__(self, run: TrackedRun, config: TrialConfig) -> None:
        self._recorder = Recorder(run)
        self._renewed = time.monotonic()
        self._lost = False
        self.write(lambda recorder: recorder.begin(config))

    def on_event(self, event: Event) -> None:
        self.write(lambda recorder: recorder.on_event(event))
        if time.monotonic() - self._renewed > _RENEW_EVERY_S:
            self._renewed = time.monotonic()
            self.write(lambda recorder: recorder.run.renew_lease())

    def write(self, write: Callable[[Recorder], object]) -> None:
        """Writes to the store unless it failed before; a failure is its last."""
        if self._lost:
            return
        try:
            write(self._recorder)
        except Exception as error:  # a store raises what it likes: SQLAlchemy, requests, MLflow
            self._lost = True
            logger.warning("the tracking store failed, the run goes on untracked: %s", error)
