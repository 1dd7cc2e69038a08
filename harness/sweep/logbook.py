"""The sweep in the tracking store: a parent run, a run per trial, below it one per seed.

A projection of what the study and the home folder hold. What a crash or an unreachable store left
out is written by the next start, so tracking never costs a sweep a trial.
"""

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

import yaml

from harness.protocols import KnownRun, RunStatus, TrackedRun, Tracker
from harness.records import JSON, Event, TrialResult
from harness.settings.yaml import flatten
from harness.storage import leases
from harness.sweep.messages import Phase, RunKey
from harness.sweep.spec import SweepSpec
from harness.tracking.recording import Recorder, git_state
from harness.trial.config import TrialConfig
from harness.trial.curves import mean_metrics

logger = logging.getLogger(__name__)

COMPLETE = "harness.complete"
"""Tag of a run that says all it has to say."""


SWEEP = RunKey("sweep")
BASE = RunKey("base")


def _tags_of(key: RunKey) -> dict[str, str]:
    """What a run is found by."""
    tags = {"harness.phase": key.phase, "harness.trial": key.number, "harness.seed": key.seed}
    return {name: str(value) for name, value in tags.items() if value is not None}


def _key_of(run: KnownRun) -> RunKey | None:
    phase = run.tags.get("harness.phase")
    if phase not in get_args(Phase):
        return None
    number, seed = (run.tags.get(name) for name in ("harness.trial", "harness.seed"))
    return RunKey(
        phase,  # type: ignore[arg-type]  # one of the literals, checked above
        None if number is None else int(number),
        None if seed is None else int(seed),
    )


class Logbook:
    """Writes a sweep into a tracking store.

    Args:
        tracker: The store.
        spec: Of the sweep.
        home: Folder with results and stages.
    """

    def __init__(self, tracker: Tracker, spec: SweepSpec, home: Path) -> None:
        self._tracker = tracker
        self._spec = spec
        self._home = home
        self._open: dict[RunKey, Recorder] = {}
        self._renewed = time.monotonic()
        self._complained = False
        tracker.close_orphans(spec.name)
        self._known: dict[RunKey, KnownRun] = {}
        for run in tracker.find_runs(spec.name):  # the latest first
            key = _key_of(run)
            if key is not None:
                self._known.setdefault(key, run)

    def is_complete(self, key: RunKey) -> bool:
        """Whether the store has all there is to say."""
        known = self._known.get(key)
        ended = known is not None and known.status in ("FINISHED", "FAILED")
        return ended and known is not None and COMPLETE in known.tags and key not in self._open

    def is_confirmed(self, number: int) -> bool:
        """Whether a trial's run shows what its confirming runs came to."""
        known = self._known.get(RunKey("trial", number))
        return known is not None and "confirmed" in known.tags

    def run_id(self, key: RunKey) -> str | None:
        """The store's id of a run, None while there is none."""
        if key in self._open:
            return self._open[key].run.run_id
        return self._known[key].run_id if key in self._known else None

    def key_of(self, number: int, seed: int) -> RunKey:
        """Where a run is written: with one seed, as the trial's own."""
        return (
            RunKey("trial", number) if len(self._spec.seeds) == 1 else RunKey("seed", number, seed)
        )

    def begin(self, key: RunKey, config: TrialConfig) -> None:
        with self._guarded():
            several = len(self._spec.seeds) > 1
            trial = RunKey("trial", key.number)
            if several and key.phase in ("trial", "seed") and trial not in self._open:
                self._begin_trial(trial, config)
            if key not in self._open:
                self._recorder(key).begin(config)

    def happened(self, key: RunKey, event: Event) -> None:
        with self._guarded():
            if key in self._open:
                self._open[key].on_event(event)

    def end(self, key: RunKey, result: TrialResult) -> None:
        """A run is done; the run of a trial stays open for what it amounts to."""
        with self._guarded():
            if key not in self._open:
                return
            self._open[key].end(result, self._home)
            if key.phase != "trial":
                self._close(key, "FINISHED")

    def give_up(self, key: RunKey, reason: str) -> None:
        with self._guarded():
            if key.phase != "trial" and key in self._open:
                self._open[key].run.set_tags({"reason": reason})
                self._close(key, "FAILED")

    def end_trial(
        self, number: int, results: Sequence[TrialResult], violations: Mapping[str, float]
    ) -> None:
        """A trial is complete: means over its seeds, and whether it keeps the constraints."""
        with self._guarded():
            key = RunKey("trial", number)
            if key not in self._open:
                return
            run = self._open[key].run
            if len(self._spec.seeds) > 1:
                run.log_metrics(mean_metrics(results))
            broken = {text: by for text, by in violations.items() if by > 0}
            run.set_tags({"feasible": str(not broken).lower(), "state": "complete"})
            run.set_tags({f"broken/{text}": f"{by:.4g}" for text, by in broken.items()})
            self._close(key, "FINISHED")

    def share(
        self,
        number: int,
        first: int,
        config: TrialConfig,
        results: Sequence[TrialResult],
        violations: Mapping[str, float],
    ) -> None:
        """A trial of the same configuration as an earlier one shows what that came to."""
        self.begin(RunKey("trial", number), config)
        with self._guarded():
            run = self._open[RunKey("trial", number)].run
            run.log_metrics(mean_metrics(results))
            run.set_tags({"same_as": str(first)})
        self.end_trial(number, results, violations)

    def fail_trial(self, number: int, reason: str) -> None:
        with self._guarded():
            key = RunKey("trial", number)
            if key in self._open:
                self._open[key].run.set_tags({"state": "failed", "reason": reason})
                self._close(key, "FAILED")

    def confirm(self, number: int, results: Sequence[TrialResult]) -> None:
        """A trial's confirming runs are done: their means stand in the trial's run too."""
        with self._guarded():
            key = RunKey("trial", number)
            if (run_id := self.run_id(key)) is not None and key not in self._open:
                run = self._tracker.resume_run(run_id)
                run.log_metrics(mean_metrics(results))
                run.set_tags({"confirmed": "true"})
                run.finish("FINISHED")

    def log_front(
        self, step: int, metrics: Mapping[str, float], front: Sequence[Mapping[str, JSON]]
    ) -> None:
        """The front and its hypervolume after so many trials."""
        with self._guarded():
            run = self._recorder(SWEEP).run
            run.log_metrics(metrics, step)
            run.log_table(front, "front.json")

    def attach(self, paths: Sequence[Path], folder: str) -> None:
        """Files for the sweep's own run."""
        with self._guarded():
            for path in paths:
                self._recorder(SWEEP).run.log_file(path, folder)

    def tick(self) -> None:
        """Renews the leases when it is time."""
        if time.monotonic() - self._renewed > leases.LEASE_S / 4:
            self._renewed = time.monotonic()
            with self._guarded():
                for recorder in self._open.values():
                    recorder.run.renew_lease()

    def close(self, status: RunStatus) -> None:
        """Ends whatever is open; the sweep's own last."""
        with self._guarded():
            for key in [key for key in self._open if key != SWEEP]:
                self._open.pop(key).run.finish(status)
            if SWEEP in self._open and status == "FINISHED":
                self._close(SWEEP, status)
            elif SWEEP in self._open:
                self._open.pop(SWEEP).run.finish(status)

    def _begin_trial(self, key: RunKey, config: TrialConfig) -> None:
        """Begins the run of a trial with several seeds: what its runs have in common."""
        run = self._recorder(key).run
        plain = flatten(config.plain())
        del plain["seed"]
        run.log_params(plain)
        run.set_tags({"variant": config.variant.name, **git_state()})

    def _recorder(self, key: RunKey) -> Recorder:
        """The recorder of a run, opened or resumed."""
        if key not in self._open:
            known = self._known.get(key)
            if known is not None:
                run = self._tracker.resume_run(known.run_id)
            elif key == SWEEP:
                run = self._start(key, self._spec.name)
                run.log_text(yaml.safe_dump(self._spec.plain(), sort_keys=False), "sweep.yaml")
            else:
                run = self._start(key, str(key), self._parent_id(key))
            self._open[key] = Recorder(run, resumed=known is not None)
        return self._open[key]

    def _start(self, key: RunKey, name: str, parent: str | None = None) -> TrackedRun:
        tags = {"harness.sweep": self._spec.name, **_tags_of(key)}
        tags |= {"mlflow.note.content": self._spec.question} if key == SWEEP else {}
        return self._tracker.start_run(self._spec.name, name, parent=parent, tags=tags)

    def _parent_id(self, key: RunKey) -> str | None:
        if key.phase in ("seed", "confirm"):
            return self.run_id(RunKey("trial", key.number))
        return self._recorder(SWEEP).run.run_id

    def _close(self, key: RunKey, status: RunStatus) -> None:
        run = self._open.pop(key).run
        run.set_tags({COMPLETE: "true"})
        run.finish(status)
        self._known[key] = KnownRun(run.run_id, status, {COMPLETE: "true"})

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # Whatever lies behind the store raises what it likes; the results are safe without it.
            logger.log(
                logging.DEBUG if self._complained else logging.WARNING,
                "the tracking store could not be written (%s); what it lacks is written when the "
                "same command is given again",
                error,
                exc_info=logger.isEnabledFor(logging.DEBUG),
            )
            self._complained = True
