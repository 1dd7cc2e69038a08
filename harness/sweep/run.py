"""run_sweep(): a sweep from its specification to its record, whatever of it exists already."""

import contextlib
import fcntl
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.benchmarks.read import select
from harness.errors import ConfigError, EvaluationError
from harness.processes.comet_client import CometClient
from harness.protocols import LearnedScorer, RunStatus
from harness.records import Split, SweepRecord
from harness.sweep.budget import budget_of, planned, shares_of, warning_of
from harness.sweep.confirmation import Confirmation
from harness.sweep.devices import to_share
from harness.sweep.dispatch import Dispatcher
from harness.sweep.logbook import SWEEP, Logbook
from harness.sweep.made_from import made_from
from harness.sweep.plan import confirm_runs
from harness.sweep.progress import Notice, OnProgress
from harness.sweep.record import build_record, journal_path, objective_note, sweep_folder
from harness.sweep.search import Search
from harness.sweep.space import Params
from harness.sweep.spec import CheckedSweep, SweepSpec, check_sweep
from harness.sweep.study import Study, find_study, mend_journal, open_study
from harness.sweep.unchanged import check_unchanged, not_verified
from harness.sweep.view import View, silent
from harness.sweep.workers import Pool
from harness.tracking.tracker import MlflowTracker
from harness.trial.config import accelerators

RUNNER = "harness.trial.run:run_trial"
Report = Callable[[SweepRecord, Path], Sequence[Path]]


def run_sweep(
    sweep: SweepSpec | CheckedSweep,
    *,
    home: Path,
    workers: int = 1,
    tracking_uri: str | None = None,
    storage: str | None = None,
    on_progress: OnProgress = silent,
    report: Report | None = None,
    runner: str = RUNNER,
    learned: LearnedScorer | None = None,
) -> SweepRecord:
    """Runs a sweep, or what is left of it.

    Args:
        sweep: What is asked; held against its benchmarks here where that was not done before.
        home: Folder of the store, the results and the study.
        workers: Processes that share the runs.
        tracking_uri: MLflow store; None for MLflow's own choice.
        storage: Optuna storage that other machines use too; None for a journal under ``home``.
        on_progress: Is told what happens.
        report: Called with the record and a folder when all is done; the files it returns go to
            the sweep's run in MLflow.
        runner: Import path of the function that makes a run.
        learned: The scorer of learned metrics; by default COMET's, started when first needed.

    Raises:
        ConfigError, DataError: Something the user can mend; nothing was run.
        EvaluationError: No worker can start, the base cannot be scored, or every trial failed.
        KeyboardInterrupt: Interrupted; whatever finished is kept, the same call continues.
    """
    checked = sweep if isinstance(sweep, CheckedSweep) else check_sweep(sweep)
    spec = checked.spec
    configurations = planned(spec)
    budget = budget_of(spec, configurations)
    with contextlib.ExitStack() as stack:
        opened = _opened(checked, home, storage, tracking_uri)
        study, logbook, names = stack.enter_context(opened)
        scorer = learned or stack.enter_context(
            CometClient(spec.base.eval.comet_python, release=spec.base.eval.comet_release)
        )
        dispatcher = Dispatcher(
            study=study,
            pool=_pool(spec, runner, home=home, workers=workers, learned=scorer),
            logbook=logbook,
            view=_view(spec, budget, workers, on_progress),
            stopped=stack.enter_context(_interruptible()),
        )
        stack.callback(study.release)
        with _closed(logbook, dispatcher.pool):
            for text in (not_verified(names), _unequal(study, spec, configurations)):
                if text is not None:
                    dispatcher.view.say(Notice(text))
            search = Search(
                spec, checked.objectives(), budget=budget, home=home, dispatcher=dispatcher
            )
            search.run()
            if spec.confirm is not None:
                _still_unchanged(study, spec, home)
                Confirmation(spec, checked.objectives(), home, dispatcher).run()
            if not logbook.is_complete(SWEEP):
                search.update_front(write=True)
            _note_run(study, logbook)
            record = build_record(study, home)
            _any_complete(record)
            if report is not None and not logbook.is_complete(SWEEP):
                logbook.attach(report(record, sweep_folder(home, spec.name) / "report"), "report")
    return record


@contextlib.contextmanager
def _opened(
    checked: CheckedSweep, home: Path, storage: str | None, tracking_uri: str | None
) -> Iterator[tuple[Study, Logbook, Sequence[str]]]:
    """The sweep's study, locked where it lies in this home, ready to be asked; and its logbook.

    And what could not be held against what it was when it began.
    """
    spec, objectives = checked.spec, checked.objectives()
    folder, journal = sweep_folder(home, spec.name), journal_path(home, spec.name, storage)
    contents = made_from(spec, checked.selection)
    with _locked(folder, spec.name) if journal is not None else contextlib.nullcontext():
        if journal is not None:
            mend_journal(journal)
        begun = find_study(journal, storage, spec.name)
        unverified = check_unchanged(begun, spec, contents, home)
        tracker = MlflowTracker(tracking_uri)  # first: a store that cannot be leaves no study
        study = open_study(journal, storage, spec.name, [one.maximize for one in objectives])
        notes = list(map(objective_note, objectives))
        study.note(spec=spec.plain(), objectives=notes, made_from=contents)
        study.prepare(spec, planned(spec))
        yield study, Logbook(tracker, spec, home), unverified


def _still_unchanged(study: Study, spec: SweepSpec, home: Path) -> None:
    """Hours after the first look: what was chosen is confirmed by what it was chosen by."""
    selection = select(spec.base.eval.replace(splits=tuple(Split)))
    check_unchanged(study, spec, made_from(spec, selection), home)


def _unequal(study: Study, spec: SweepSpec, configurations: Sequence[Params]) -> str | None:
    """What there is to say of unequal shares while there is something left to train."""
    left = budget_of(spec, configurations) - len(study.trials())
    return warning_of(shares_of(spec, configurations)) if left > 0 else None


def _pool(
    spec: SweepSpec, runner: str, *, home: Path, workers: int, learned: LearnedScorer
) -> Pool:
    return Pool(
        runner,
        home=home,
        size=workers,
        threads=spec.base.model.threads,
        logs=sweep_folder(home, spec.name) / "logs",
        learned=learned,
        devices=to_share(spec.base.model, max(accelerators(spec.base).values())),
    )


def _view(spec: SweepSpec, budget: int, workers: int, on_progress: OnProgress) -> View:
    return View(
        spec.name,
        budget=budget,
        num_confirming=confirm_runs(spec, budget),
        num_workers=workers,
        on_progress=on_progress,
    )


def _note_run(study: Study, logbook: Logbook) -> None:
    run_id = logbook.run_id(SWEEP)
    if run_id is not None and study.notes.get("run_id") != run_id:
        study.note(run_id=run_id)


def _any_complete(record: SweepRecord) -> None:
    failed = [trial for trial in record.trials if trial.state == "failed"]
    if failed and len(failed) == len(record.trials):
        raise EvaluationError(
            f"sweep {record.name}: all {len(failed)} trials failed; the first: {failed[0].reason}"
        )


@contextlib.contextmanager
def _closed(logbook: Logbook, pool: Pool) -> Iterator[None]:
    """Every run of the tracking store gets a terminal status, however this ends."""
    status: RunStatus = "FAILED"
    try:
        yield
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        pool.close()
        logbook.close(status)


@contextlib.contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    """The sweep's lock in this home; the system drops it when its holder dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise ConfigError(
                f"sweep {name}: already running in this home (process {file.read().strip()})",
                "wait for it, end it, or use a storage that several may share: --storage URL",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextlib.contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM raise a flag, which is looked at where stopping is safe."""
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested.is_set
        return

    def on_signal(number: int, frame: Any) -> None:
        requested.set()

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield requested.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
