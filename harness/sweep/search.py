"""The search: asks the study for trials, has their runs made, judges them and tells.

The study is told of a trial only after the results of all its seeds lie in the home folder. So
whatever is interrupted, what the study calls complete is complete, and the rest is run again from
stages that are found.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from harness.errors import EvaluationError
from harness.records import JSON, Objective, ScoreKey, Split, TrialResult
from harness.settings.spec import explain
from harness.statistics.constraints import parse_constraint
from harness.statistics.untelling import untelling
from harness.sweep.choice import Candidate, front_of, volume
from harness.sweep.configurations import VARIANT
from harness.sweep.dispatch import Dispatcher
from harness.sweep.goals import judge
from harness.sweep.logbook import BASE
from harness.sweep.messages import Run, RunKey
from harness.sweep.progress import Notice, TrialEnded
from harness.sweep.record import candidates, stored_result
from harness.sweep.space import Params
from harness.sweep.spec import SweepSpec
from harness.sweep.study import KnownTrial
from harness.trial.config import TrialConfig

logger = logging.getLogger(__name__)


@dataclass
class OpenTrial:
    """A trial not told yet; ``followers`` are trials of the same configuration."""

    number: int
    params: Params
    seeds: tuple[int, ...]
    results: dict[int, TrialResult] = field(default_factory=dict)
    followers: list["OpenTrial"] = field(default_factory=list)


class Search:
    """The first phase of a sweep.

    Args:
        spec: Of the sweep.
        objectives: Resolved.
        budget: Number of trials.
        home: Folder of the results.
        dispatcher: Has the runs made.
    """

    def __init__(
        self,
        spec: SweepSpec,
        objectives: Sequence[Objective],
        *,
        budget: int,
        home: Path,
        dispatcher: Dispatcher,
    ) -> None:
        self._spec = spec
        self._objectives = objectives
        self._constraints = [parse_constraint(text) for text in spec.constraints]
        self._budget = budget
        self._home = home
        self._dispatcher = dispatcher
        self._study, self._logbook = dispatcher.study, dispatcher.logbook
        self._view = dispatcher.view
        self._open: dict[int, OpenTrial] = {}
        self._first: dict[str, int] = {}
        self._base: TrialResult | None = None
        self._front: list[Candidate] = []
        self._compared: set[int] = set()

    def run(self) -> None:
        """Runs trials until the budget is spent."""
        trials = self._study.trials()
        for trial in trials:
            if "same_as" not in trial.notes and "configuration" in trial.notes:
                self._first.setdefault(trial.notes["configuration"], trial.number)
            if trial.state in ("complete", "failed"):
                self._write_again(trial)
        seeds = len(self._spec.seeds)
        ended = sum(trial.state in ("complete", "failed") for trial in trials)
        self._view.begin("search", self._budget * seeds + 1, ended * seeds)
        self._find_base(ended)
        if ended:
            self.update_front(write=False)
        self._dispatcher.drive(ask=self._ask, finished=self._finished, gave_up=self._gave_up)

    def _find_base(self, ended: int) -> None:
        """The untuned model's scores, on both splits: constraints and report compare with it."""
        fingerprint = self._study.notes.get("base")
        self._base = None if fingerprint is None else stored_result(self._home, fingerprint)
        config = self._spec.configure(
            {VARIANT: "base"}, seed=self._spec.seeds[0], splits=tuple(Split)
        )
        if self._base is None:
            self._dispatcher.add(Run(BASE, config))
            return
        if ended < self._budget:
            self._say_what_cannot_tell(self._base)
        if not self._logbook.is_complete(BASE):
            self._logbook.begin(BASE, config)
            self._logbook.end(BASE, self._base)

    def _say_what_cannot_tell(self, base: TrialResult) -> None:
        chosen_by = [one.key for one in self._objectives if isinstance(one.key, ScoreKey)]
        for one in untelling([base], chosen_by):
            self._view.say(Notice(one.sentence("base scores", expecting=True)))

    def _ask(self) -> bool:
        """Adds the runs of one more trial; False when there is none to ask for.

        None before the base is scored: what that tells may be a reason not to train.
        """
        if self._base is None:
            return False
        assigned = self._study.ask(self._budget)
        if assigned is None:
            return False
        trial = OpenTrial(*assigned, self._spec.seeds)
        try:
            configs = self._configs(trial.params)
        except ValidationError as error:
            faults = "; ".join(f"{path}: {text}" for path, text in explain(error, TrialConfig))
            self._fail(trial, f"no valid configuration: {faults}")
            return True
        configuration = configs[0].configuration_fingerprint()
        self._study.note_trial(trial.number, configuration=configuration)
        first = self._first.setdefault(configuration, trial.number)
        if first != trial.number:
            self._follow(trial, first)
            return True
        self._open[trial.number] = trial
        for config in configs:
            self._dispatcher.add(Run(self._logbook.key_of(trial.number, config.seed), config))
        self._view.count(running=len(self._open))
        return True

    def _configs(self, params: Params) -> list[TrialConfig]:
        """One per seed; a trial sees validation benchmarks only."""
        return [
            self._spec.configure(params, seed=seed, splits=[Split.VALIDATION])
            for seed in self._spec.seeds
        ]

    def _follow(self, trial: OpenTrial, first: int) -> None:
        """The same configuration as an earlier trial's: it shares what that comes to."""
        self._study.note_trial(trial.number, same_as=first)
        if first in self._open:
            self._open[first].followers.append(trial)
            return
        earlier = next(known for known in self._study.trials() if known.number == first)
        if earlier.values is None:
            self._fail(trial, f"the same as trial {first}, which failed")
            return
        self._study.note_trial(trial.number, runs=earlier.notes.get("runs", {}))
        self._share(trial.number, first, trial.params, earlier)
        self._tell(trial, earlier.values, earlier.violations)

    def _share(self, number: int, first: int, params: Params, known: KnownTrial) -> None:
        results = self._results(known)
        self._logbook.share(number, first, self._configs(params)[0], results, known.violations)
        self._note_run(number)

    def _finished(self, run: Run, result: TrialResult) -> None:
        if run.key == BASE:
            self._base = result
            self._study.note(base=result.fingerprint)
            self._say_what_cannot_tell(result)
            return
        assert run.key.number is not None
        open_trial = self._open.get(run.key.number)
        if open_trial is not None:  # another of its seeds may have failed meanwhile
            open_trial.results[result.seed] = result
            if len(open_trial.results) == len(open_trial.seeds):
                self._complete(open_trial)

    def _gave_up(self, run: Run, reason: str) -> None:
        if run.key == BASE:
            raise EvaluationError(f"the untuned model cannot be scored: {reason}")
        assert run.key.number is not None
        trial = self._open.get(run.key.number)
        if trial is not None:
            self._dispatcher.drop(trial.number)
            seed = f"seed {run.config.seed}: " if len(trial.seeds) > 1 else ""
            self._fail(trial, seed + reason)

    def _complete(self, trial: OpenTrial) -> None:
        """Judges a trial whose runs are done."""
        results = [trial.results[seed] for seed in trial.seeds]
        runs = {str(result.seed): result.fingerprint for result in results}
        judgement = judge(results, self._base, self._objectives, self._constraints)
        self._study.note_trial(trial.number, runs=runs)
        if judgement.unmeasured is not None:
            self._fail(trial, judgement.unmeasured)
            return
        self._logbook.end_trial(trial.number, results, judgement.violations)
        self._note_run(trial.number)
        self._tell(trial, judgement.values, judgement.violations)
        for follower in trial.followers:
            self._follow(follower, trial.number)

    def _tell(
        self, trial: OpenTrial, values: Sequence[float], violations: Mapping[str, float]
    ) -> None:
        self._study.tell(trial.number, values, violations)
        self._open.pop(trial.number, None)
        self.update_front(write=True)
        keys = [objective.key for objective in self._objectives]
        scores = dict(zip(keys, values, strict=True))
        feasible = all(violation <= 0 for violation in violations.values())
        self._view.say(TrialEnded(trial.number, trial.params, scores, feasible))

    def _fail(self, trial: OpenTrial, reason: str) -> None:
        self._logbook.fail_trial(trial.number, reason)
        self._note_run(trial.number)
        self._study.fail(trial.number, reason)
        self._open.pop(trial.number, None)
        self.update_front(write=False)
        self._view.say(TrialEnded(trial.number, trial.params, {}, False, reason))
        for follower in trial.followers:
            self._fail(follower, f"the same as trial {trial.number}, which failed")

    def _note_run(self, number: int) -> None:
        run_id = self._logbook.run_id(RunKey("trial", number))
        if run_id is not None:
            self._study.note_trial(number, run_id=run_id)

    def update_front(self, *, write: bool) -> None:
        """Counts, front and hypervolume as they are now; logged where that is wanted."""
        trials = self._study.trials()
        complete = candidates(trials)
        # who is dominated stays so: only the front and what is new can be on the next one
        new = [candidate for candidate in complete if candidate.number not in self._compared]
        rivals = {candidate.number: candidate for candidate in (*self._front, *new)}
        self._compared |= rivals.keys()
        self._front = [rivals[number] for number in front_of([*rivals.values()], self._objectives)]
        hypervolume = volume([member.values for member in self._front], self._objectives)
        self._view.count(
            complete=len(complete),
            failed=sum(trial.state == "failed" for trial in trials),
            running=len(self._open),
            front=len(self._front),
            hypervolume=hypervolume,
        )
        if write:
            keys = [str(objective.key) for objective in self._objectives]
            rows: list[dict[str, JSON]] = [
                {
                    "trial": member.number,
                    **dict(zip(keys, member.values, strict=True)),
                    **member.params,
                }
                for member in self._front
            ]
            metrics = {"hypervolume": hypervolume, "front": float(len(self._front))}
            self._logbook.log_front(len(complete), metrics, rows)

    def _results(self, known: KnownTrial) -> list[TrialResult]:
        fingerprints = known.notes.get("runs", {}).values()
        stored = [stored_result(self._home, fingerprint) for fingerprint in fingerprints]
        return [result for result in stored if result is not None]

    def _write_again(self, trial: KnownTrial) -> None:
        """Writes into the tracking store what it lacks of a trial that ended before."""
        key = RunKey("trial", trial.number)
        if self._logbook.is_complete(key):
            return
        try:
            configs = {config.seed: config for config in self._configs(trial.params)}
        except ValidationError:
            return
        if trial.state == "complete" and "same_as" in trial.notes:
            self._share(trial.number, trial.notes["same_as"], trial.params, trial)
            return
        self._logbook.begin(key, next(iter(configs.values())))
        results = self._results(trial)
        for result in results:
            run_key = self._logbook.key_of(trial.number, result.seed)
            self._logbook.begin(run_key, configs[result.seed])
            self._logbook.end(run_key, result)
        if trial.state == "failed":
            self._logbook.fail_trial(trial.number, trial.notes.get("reason", "unknown"))
        else:
            self._logbook.end_trial(trial.number, results, trial.violations)
