"""The sweep in the tracking store: a parent run, a run per trial, below it one per seed.

A projection of what the study and the home folder hold. What a crash or an unreachable store left
out is written by the next start, so tracking never costs a sweep a trial.
"""

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import yaml

from harness.protocols import KnownRun, RunStatus, TrackedRun, Tracker
from harness.records import JSON, Event, TrialResult
from harness.settings.yaml import flatten
from harness.storage import leases
from harness.sweep.spec import SweepSpec
from harness.tracking.recording import Recorder, git_state
from harness.trial.config import TrialConfig
from harness.trial.curves import mean_metrics

logger = logging.getLogger(__name__)

Phase: TypeAlias = Literal["sweep", "base", "trial", "seed", "confirm"]

COMPLETE = "harness.complete"
"""Tag of a run that says all it has to say."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which run of the sweep: what it is, and of which trial and seed."""

    phase: Phase
    number: int | None = None
    seed: int | None = None

    def tags(self) -> dict[str, str]:
        """What it is found by."""
        tags = {"harness.phase": str(self.phase)}
        if self.number is not None:
            tags["harness.trial.run"] = str(self.number)
        if self.seed is not None:
            tags["harness.seed"] = str(self.seed)
        return tags


SWEEP = Page("sweep")
BASE = Page("base")


def _page_of(run: KnownRun) -> Page | None:
    phase = run.tags.get("harness.phase")
    if phase not in ("sweep", "base", "trial", "seed", "confirm"):
        return None
    number, seed = run.tags.get("harness.trial.run"), run.tags.get("harness.seed")
    return Page(
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
        self._open: dict[Page, Recorder] = {}
        self._renewed = time.monotonic()
        self._complained = False
        tracker.close_orphans(spec.name)
        self._known: dict[Page, KnownRun] = {}
        for run in tracker.find_runs(spec.name):  # the latest first
            page = _page_of(run)
            if page is not None:
                self._known.setdefault(page, run)

    def is_complete(self, page: Page) -> bool:
        """Whether the store has all there is to say."""
        known = self._known.get(page)
        ended = known is not None and known.status in ("FINISHED", "FAILED")
        return ended and known is not None and COMPLETE in known.tags and page not in self._open

    def is_confirmed(self, number: int) -> bool:
        """Whether a trial's page shows what its confirming runs came to."""
        known = self._known.get(Page("trial", number))
        return known is not None and "confirmed" in known.tags

    def run_id(self, page: Page) -> str | None:
        """The store's id of a page, None while there is none."""
        if page in self._open:
            return self._open[page].run.run_id
        return self._known[page].run_id if page in self._known else None

    def page(self, number: int, seed: int) -> Page:
        """Where a run is written: with one seed, on the trial's own page."""
        return Page("trial", number) if len(self._spec.seeds) == 1 else Page("seed", number, seed)

    def begin(self, page: Page, config: TrialConfig) -> None:
        with self._guarded():
            several = len(self._spec.seeds) > 1
            trial = Page("trial", page.number)
            if several and page.phase in ("trial", "seed") and trial not in self._open:
                self._begin_trial(trial, config)
            if page not in self._open:
                self._recorder(page).begin(config)

    def happened(self, page: Page, event: Event) -> None:
        with self._guarded():
            if page in self._open:
                self._open[page].on_event(event)

    def end(self, page: Page, result: TrialResult) -> None:
        """A run is done; the page of a trial stays open for what it amounts to."""
        with self._guarded():
            if page not in self._open:
                return
            self._open[page].end(result, self._home)
            if page.phase != "trial":
                self._close(page, "FINISHED")

    def give_up(self, page: Page, reason: str) -> None:
        with self._guarded():
            if page.phase != "trial" and page in self._open:
                self._open[page].run.set_tags({"reason": reason})
                self._close(page, "FAILED")

    def end_trial(
        self, number: int, results: Sequence[TrialResult], violations: Mapping[str, float]
    ) -> None:
        """A trial is complete: means over its seeds, and whether it keeps the constraints."""
        with self._guarded():
            page = Page("trial", number)
            if page not in self._open:
                return
            run = self._open[page].run
            if len(self._spec.seeds) > 1:
                run.log_metrics(mean_metrics(results))
            broken = {text: by for text, by in violations.items() if by > 0}
            run.set_tags({"feasible": str(not broken).lower(), "state": "complete"})
            run.set_tags({f"broken/{text}": f"{by:.4g}" for text, by in broken.items()})
            self._close(page, "FINISHED")

    def share(
        self,
        number: int,
        first: int,
        config: TrialConfig,
        results: Sequence[TrialResult],
        violations: Mapping[str, float],
    ) -> None:
        """A trial of the same configuration as an earlier one shows what that came to."""
        self.begin(Page("trial", number), config)
        with self._guarded():
            run = self._open[Page("trial", number)].run
            run.log_metrics(mean_metrics(results))
            run.set_tags({"same_as": str(first)})
        self.end_trial(number, results, violations)

    def fail_trial(self, number: int, reason: str) -> None:
        with self._guarded():
            page = Page("trial", number)
            if page in self._open:
                self._open[page].run.set_tags({"state": "failed", "reason": reason})
                self._close(page, "FAILED")

    def confirm(self, number: int, results: Sequence[TrialResult]) -> None:
        """A trial's confirming runs are done: their means stand on the trial's page too."""
        with self._guarded():
            page = Page("trial", number)
            if (run_id := self.run_id(page)) is not None and page not in self._open:
                run = self._tracker.resume_run(run_id)
                run.log_metrics(mean_metrics(results))
                run.set_tags({"confirmed": "true"})
                run.finish("FINISHED")

    def standing(
        self, step: int, metrics: Mapping[str, float], front: Sequence[Mapping[str, JSON]]
    ) -> None:
        """How the sweep stands after so many trials."""
        with self._guarded():
            run = self._sweep_run()
            run.log_metrics(metrics, step)
            run.log_table(front, "front.json")

    def attach(self, paths: Sequence[Path], folder: str) -> None:
        """Files for the sweep's own page."""
        with self._guarded():
            for path in paths:
                self._sweep_run().log_file(path, folder)

    def tick(self) -> None:
        """Renews the leases when it is time."""
        if time.monotonic() - self._renewed > leases.LEASE_S / 4:
            self._renewed = time.monotonic()
            with self._guarded():
                for recorder in self._open.values():
                    recorder.run.renew_lease()

    def close(self, status: RunStatus) -> None:
        """Ends whatever is open; the sweep's own page last."""
        with self._guarded():
            for page in [page for page in self._open if page != SWEEP]:
                self._open.pop(page).run.finish(status)
            if SWEEP in self._open and status == "FINISHED":
                self._close(SWEEP, status)
            elif SWEEP in self._open:
                self._open.pop(SWEEP).run.finish(status)

    def _begin_trial(self, page: Page, config: TrialConfig) -> None:
        """The page of a trial with several seeds: what its runs have in common."""
        run = self._recorder(page).run
        plain = flatten(config.plain())
        del plain["seed"]
        run.log_params(plain)
        run.set_tags({"variant": config.variant.name, **git_state()})

    def _recorder(self, page: Page) -> Recorder:
        """The recorder of a page, its run opened or resumed."""
        if page not in self._open:
            known = self._known.get(page)
            if known is not None:
                run: TrackedRun = self._tracker.resume_run(known.run_id)
            else:
                parent = self._parent_of(page)
                parent_id = self._sweep_run().run_id if parent == SWEEP else self.run_id(parent)
                run = self._tracker.start_run(
                    self._spec.name, self._title(page), parent=parent_id, tags=self._tags(page)
                )
            self._open[page] = Recorder(run, resumed=known is not None)
        return self._open[page]

    def _sweep_run(self) -> TrackedRun:
        if SWEEP not in self._open:
            known = self._known.get(SWEEP)
            if known is not None:
                run = self._tracker.resume_run(known.run_id)
            else:
                run = self._tracker.start_run(
                    self._spec.name, self._spec.name, tags=self._tags(SWEEP)
                )
                run.log_text(yaml.safe_dump(self._spec.plain(), sort_keys=False), "sweep.yaml")
            self._open[SWEEP] = Recorder(run)
        return self._open[SWEEP].run

    def _close(self, page: Page, status: RunStatus) -> None:
        run = self._open.pop(page).run
        run.set_tags({COMPLETE: "true"})
        run.finish(status)
        self._known[page] = KnownRun(run.run_id, status, {COMPLETE: "true"})

    def _parent_of(self, page: Page) -> Page:
        return Page("trial", page.number) if page.phase in ("seed", "confirm") else SWEEP

    def _tags(self, page: Page) -> dict[str, str]:
        tags = {"harness.sweep": self._spec.name, **page.tags()}
        return tags | ({"mlflow.note.content": self._spec.question} if page == SWEEP else {})

    def _title(self, page: Page) -> str:
        match page.phase:
            case "trial":
                return f"trial {page.number}"
            case "seed":
                return f"trial {page.number}, seed {page.seed}"
            case "confirm":
                return f"trial {page.number}, confirming seed {page.seed}"
            case _:
                return str(page.phase)

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
