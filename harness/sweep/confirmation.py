"""The second phase: what was chosen on validation is run with fresh seeds and scored on test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.records import Objective, Split, TrialResult
from harness.sweep.choice import to_confirm
from harness.sweep.dispatch import Dispatcher
from harness.sweep.messages import Run, RunKey
from harness.sweep.progress import Notice
from harness.sweep.record import candidates, stored_result
from harness.sweep.spec import SweepSpec
from harness.sweep.study import KnownTrial


@dataclass(frozen=True)
class Confirmation:
    """Runs the second look.

    Attributes:
        spec: Of the sweep; has a ``confirm`` part.
        objectives: Resolved.
        home: Folder of the results.
        dispatcher: Has the runs made.
    """

    spec: SweepSpec
    objectives: Sequence[Objective]
    home: Path
    dispatcher: Dispatcher

    def run(self) -> None:
        """Makes the runs that are missing; every chosen trial's means go on its own page."""
        confirm, logbook = self.spec.confirm, self.dispatcher.logbook
        assert confirm is not None
        trials = {trial.number: trial for trial in self.dispatcher.study.trials()}
        chosen = to_confirm(candidates(list(trials.values())), self.objectives, confirm)
        missing = {
            number: sum(self._add(trials[number], seed) for seed in confirm.seeds)
            for number in chosen
        }
        total = len(chosen) * len(confirm.seeds)
        self.dispatcher.view.begin("confirm", total, total - sum(missing.values()))
        self.dispatcher.drive(ask=lambda: False, finished=self._finished, gave_up=self._gave_up)
        for number in chosen:
            if missing[number] or not logbook.is_confirmed(number):
                results = [self._stored(number, seed) for seed in confirm.seeds]
                logbook.confirm(number, [r for r in results if r is not None])

    def _add(self, trial: KnownTrial, seed: int) -> bool:
        """Adds a run unless its result is there; writes what the tracking store lacks."""
        config = self.spec.configure(trial.params, seed=seed, splits=[Split.TEST])
        key = RunKey("confirm", trial.number, seed)
        result = self._stored(trial.number, seed)
        if result is not None:
            logbook = self.dispatcher.logbook
            if not logbook.is_complete(key):
                logbook.begin(key, config)
                logbook.end(key, result)
            return False
        self.dispatcher.add(Run(key, config))
        return True

    def _stored(self, number: int, seed: int) -> TrialResult | None:
        fingerprint = self.dispatcher.study.confirmed().get(number, {}).get(str(seed))
        return None if fingerprint is None else stored_result(self.home, fingerprint)

    def _finished(self, run: Run, result: TrialResult) -> None:
        number = run.key.number
        assert number is not None
        self.dispatcher.study.note_confirmed(number, result.seed, result.fingerprint)

    def _gave_up(self, run: Run, reason: str) -> None:
        self.dispatcher.view.say(Notice(f"{run.key} failed: {reason}"))
