"""The door to Optuna (with ``samplers``): a sweep's trials, and who works on each.

The study is the sweep's memory. A trial is asked for, told, or found running although nobody is at
work on it; such a trial is continued under its number. Results themselves lie in the home folder.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, cast

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from harness.errors import ConfigError, MissingExtra
from harness.records import JSON
from harness.settings.yaml import flatten
from harness.storage import leases
from harness.sweep.samplers import PlannedSampler, read_label, suggest
from harness.sweep.space import Params, applies, ordered
from harness.sweep.spec import SweepSpec

optuna.logging.disable_default_handler()
optuna.logging.enable_propagation()
optuna.logging.set_verbosity(optuna.logging.WARNING)

_CLAIM_WITHIN_S = 10.0
_CONFIRMED = "confirmed/"

State = Literal["complete", "failed", "running", "waiting"]
_STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "failed",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


class SweepNotes(TypedDict, total=False):
    """What is written down about a sweep as a whole.

    Attributes:
        spec: Its settings, as plain data.
        objectives: The fields of each ``Objective``.
        made_from: Digest of each thing it reads, see ``harness.sweep.made_from``.
        benchmarks: What an earlier version noted instead: sha256 of the data by benchmark.
        base: Fingerprint of the untuned model's run.
        run_id: Of its run in the tracking store.
    """

    spec: Mapping[str, JSON]
    objectives: Sequence[Mapping[str, Any]]
    made_from: Mapping[str, str]
    benchmarks: Mapping[str, str]
    base: str
    run_id: str


class TrialNotes(TypedDict, total=False):
    """What is written down about a trial.

    Attributes:
        configuration: Fingerprint, seed excluded.
        same_as: Number of the first trial with this configuration.
        runs: Fingerprint by seed.
        reason: Why it failed.
        run_id: Of its run in the tracking store.
    """

    configuration: str
    same_as: int
    runs: Mapping[str, str]
    reason: str
    run_id: str


@dataclass(frozen=True)
class KnownTrial:
    """A trial as the study remembers it; ``notes`` are what the sweep wrote beside it."""

    number: int
    state: State
    params: Params
    values: tuple[float, ...] | None = None
    violations: Mapping[str, float] = field(default_factory=dict)
    notes: TrialNotes = field(default_factory=TrialNotes)


class Study:
    """The trials of one sweep in a storage.

    Args:
        study: Optuna's.
        shared: Whether other processes may be at work on it: then claims decide who runs what.
    """

    def __init__(self, study: optuna.Study, *, shared: bool) -> None:
        self._study = study
        self._shared = shared
        self._renewed = time.monotonic()
        self._open: dict[int, optuna.Trial] = {}
        self._spec: SweepSpec | None = None
        self._planned: Sequence[Params] = ()
        self._base: dict[str, JSON] = {}

    @property
    def notes(self) -> SweepNotes:
        """What was written down about the sweep as a whole."""
        return cast(SweepNotes, dict(self._study.user_attrs))

    def note(self, **notes: Unpack[SweepNotes]) -> None:
        for key, value in notes.items():
            self._study.set_user_attr(key, value)

    def note_trial(self, number: int, **notes: Unpack[TrialNotes]) -> None:
        """Writes something down about a trial, finished or not."""
        study_id = self._study._study_id
        trial_id = self._study._storage.get_trial_id_from_study_id_trial_number(study_id, number)
        for key, value in notes.items():
            self._study._storage.set_trial_user_attr(trial_id, key, value)

    def confirmed(self) -> dict[int, dict[str, str]]:
        """Fingerprints of the confirming runs by trial and seed."""
        fingerprints: dict[int, dict[str, str]] = {}
        for key, fingerprint in self._study.user_attrs.items():
            if key.startswith(_CONFIRMED):
                number, seed = key.removeprefix(_CONFIRMED).split("/")
                fingerprints.setdefault(int(number), {})[seed] = fingerprint
        return fingerprints

    def note_confirmed(self, number: int, seed: int, fingerprint: str) -> None:
        """Writes down a confirming run: with the sweep, as a finished trial takes no notes."""
        self._study.set_user_attr(f"{_CONFIRMED}{number}/{seed}", fingerprint)

    def trials(self) -> list[KnownTrial]:
        """All of them, by number."""
        return [
            _known(trial, self._is_held(trial)) for trial in self._study.get_trials(deepcopy=False)
        ]

    def prepare(self, spec: SweepSpec, planned: Sequence[Params]) -> None:
        """Makes ready to ask: ``planned`` are the configurations of the first trials."""
        self._spec = spec
        self._planned = planned
        self._base = flatten(spec.base.plain())
        self._study.sampler = PlannedSampler(spec, planned)

    def ask(self, budget: int) -> tuple[int, Params] | None:
        """A trial to run: one that nobody is at work on any more, or a new one within the budget.

        Returns:
            Number and settings; None when the budget is spent.
        """
        for frozen in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if frozen.number not in self._open and not self._is_held(frozen):
                trial = optuna.Trial(self._study, frozen._trial_id)
                if self._claim(trial):
                    return trial.number, self._suggest(trial)
        if len(self._study.get_trials(deepcopy=False)) >= budget:
            return None
        trial = self._study.ask()
        self._claim(trial)
        return trial.number, self._suggest(trial)

    def renew(self) -> None:
        """Says that the trials asked for are still being worked on, when it is time."""
        if self._shared and time.monotonic() - self._renewed > leases.LEASE_S / 4:
            self._renewed = time.monotonic()
            for trial in self._open.values():
                trial.set_user_attr("claim", _claim())

    def release(self) -> None:
        """Gives up what was asked for and not told; the next to ask gets it."""
        for trial in self._open.values():
            trial.set_user_attr("claim", None)
        self._open.clear()

    def tell(self, number: int, values: Sequence[float], violations: Mapping[str, float]) -> None:
        """Closes a trial as complete."""
        trial = self._open.pop(number)
        noted = trial.constraints
        for text, violation in violations.items():
            if text not in noted:  # known where a process died between this line and the next
                trial.set_constraint(text, violation)
        self._study.tell(trial, list(values), skip_if_finished=True)

    def fail(self, number: int, reason: str) -> None:
        """Closes a trial that could not be run to its end."""
        trial = self._open.pop(number)
        trial.set_user_attr("reason", reason)
        self._study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)

    def _claim(self, trial: optuna.Trial) -> bool:
        claim = _claim()
        trial.set_user_attr("claim", claim)
        if self._shared:
            # Of two who claimed at once, the storage kept the later; both read who that was.
            frozen = next(
                t for t in self._study.get_trials(deepcopy=False) if t.number == trial.number
            )
            if frozen.user_attrs.get("claim") != claim:
                return False
        self._open[trial.number] = trial
        return True

    def _is_held(self, trial: FrozenTrial) -> bool:
        if trial.number in self._open:
            return True
        claim = trial.user_attrs.get("claim")
        if claim is None:
            # Between being asked for and being claimed lie milliseconds, or a process that died.
            started = trial.datetime_start
            young = started is not None and time.time() - started.timestamp() < _CLAIM_WITHIN_S
            return self._shared and "claim" not in trial.user_attrs and young
        return leases.is_alive(leases.parse_owner(claim["owner"]), claim["ends"])

    def _suggest(self, trial: optuna.Trial) -> Params:
        assert self._spec is not None
        space = self._spec.space
        params: Params = {}
        for path in ordered(space):
            if applies(space, path, params, self._base):
                params[path] = suggest(trial, path, space[path])
        return params


def open_study(path: Path | None, url: str | None, name: str, maximize: Sequence[bool]) -> Study:
    """The sweep's study, made if there is none yet.

    Args:
        path: Journal file that this process alone writes to; or None and
        url: a storage that others may use too.
        name: Of the sweep.
        maximize: Direction per objective.
    """
    storage = _storage(path, url)
    directions = [StudyDirection.MAXIMIZE if up else StudyDirection.MINIMIZE for up in maximize]
    study = optuna.create_study(
        study_name=name, storage=storage, directions=directions, load_if_exists=True
    )
    return Study(study, shared=url is not None)


def find_study(path: Path | None, url: str | None, name: str) -> Study | None:
    """The sweep's study to read, None when there is none."""
    if path is not None and not path.is_file():
        return None
    try:
        study = optuna.load_study(study_name=name, storage=_storage(path, url))
    except KeyError:
        return None
    return Study(study, shared=url is not None)


def mend_journal(path: Path) -> None:
    """Removes what a killed writer may have left: its lock, and half a line.

    Only for whoever holds the sweep's own lock. Optuna would wait 30 s for the first and never read
    past the second.
    """
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if not path.is_file():
        return
    with path.open("rb+") as file:
        content = file.read()
        if content and not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)


def _storage(path: Path | None, url: str | None) -> BaseStorage:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    assert url is not None
    if "://" not in url:
        Path(url).parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(url))
    try:
        return optuna.storages.get_storage(url)
    except ImportError as error:
        raise MissingExtra(
            f"--storage {url}: {error}", "install the database driver this URL needs"
        ) from None
    except Exception as error:
        # SQLAlchemy has no common root for a bad URL, a refused connection and a wrong password.
        raise ConfigError(f"--storage {url}: cannot be opened: {error}") from None


def _claim() -> dict[str, str | float]:
    return {"owner": str(leases.this_process()), "ends": leases.ends()}


def _known(trial: FrozenTrial, held: bool) -> KnownTrial:
    state = _STATES[trial.state]
    if state == "running" and not held:
        state = "waiting"
    values = tuple(trial.values) if trial.state == TrialState.COMPLETE else None
    params = {path: read_label(value) for path, value in trial.params.items()}
    notes = cast(TrialNotes, dict(trial.user_attrs))
    return KnownTrial(trial.number, state, params, values, dict(trial.constraints), notes)
