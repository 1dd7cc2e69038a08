"""The second phase: what was chosen on validation is run with fresh seeds and scored on test."""

from collections.abc import Sequence
from pathlib import Path

from harness.records import Objective, Split, TrialResult
from harness.sweep.choice import to_confirm
from harness.sweep.configurations import configure
from harness.sweep.dispatch import Dispatcher
from harness.sweep.messages import Run, RunKey
from harness.sweep.progress import Notice
from harness.sweep.record import candidates, stored_result
from harness.sweep.spec import ConfirmSpec, SweepSpec
from harness.sweep.study import KnownTrial


class Confirmation:
    """Runs the second look.

    Args:
        spec: Of the sweep; has a ``confirm`` part.
        objectives: Resolved.
        home: Folder of the results.
        dispatcher: Has the runs made.
    """

    def __init__(
        self,
        spec: SweepSpec,
        objectives: Sequence[Objective],
        *,
        home: Path,
        dispatcher: Dispatcher,
    ) -> None:
        assert spec.confirm is not None
        self._spec = spec
        self._confirm: ConfirmSpec = spec.confirm
        self._objectives = objectives
        self._home = home
        self._dispatcher = dispatcher
        self._study, self._logbook = dispatcher.study, dispatcher.logbook

    def run(self) -> None:
        """Makes the runs that are missing; every chosen trial's means go on its own page."""
        trials = {trial.number: trial for trial in self._study.trials()}
        chosen = to_confirm(candidates(list(trials.values())), self._objectives, self._confirm)
        missing = {
            number: sum(self._add(trials[number], seed) for seed in self._confirm.seeds)
            for number in chosen
        }
        total = len(chosen) * len(self._confirm.seeds)
        self._dispatcher.view.begin("confirm", total, total - sum(missing.values()))
        self._dispatcher.drive(ask=lambda: False, finished=self._finished, gave_up=self._gave_up)
        for number in chosen:
            if missing[number] or not self._logbook.is_confirmed(number):
                results = [self._stored(number, seed) for seed in self._confirm.seeds]
                self._logbook.confirm(number, [r for r in results if r is not None])

    def _add(self, trial: KnownTrial, seed: int) -> bool:
        """Adds a run unless its result is there; writes what the tracking store lacks."""
        config = configure(self._spec.base, trial.params, seed=seed, splits=[Split.TEST])
        key = RunKey("confirm", trial.number, seed)
        result = self._stored(trial.number, seed)
        if result is not None:
            if not self._logbook.is_complete(key):
                self._logbook.begin(key, config)
                self._logbook.end(key, result)
            return False
        self._dispatcher.add(Run(key, config))
        return True

    def _stored(self, number: int, seed: int) -> TrialResult | None:
        fingerprint = self._study.confirmed().get(number, {}).get(str(seed))
        return None if fingerprint is None else stored_result(self._home, fingerprint)

    def _finished(self, run: Run, result: TrialResult) -> None:
        number = run.key.number
        assert number is not None
        self._study.note_confirmed(number, result.seed, result.fingerprint)

    def _gave_up(self, run: Run, reason: str) -> None:
        self._dispatcher.view.say(Notice(f"{run.key} failed: {reason}"))
