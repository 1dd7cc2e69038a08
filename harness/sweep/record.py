"""A sweep read back: the study's memory put together with the results in the home folder."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from harness.errors import ConfigError, DataError, unknown_name
from harness.records import (
    JSON,
    Key,
    Objective,
    ScoreKey,
    Split,
    SummaryKey,
    SweepRecord,
    SweepTrial,
    TrialResult,
    parse_key,
)
from harness.statistics.margins import DEFAULT_MARGINS
from harness.storage.results import read_results
from harness.sweep.choice import Candidate, front_of
from harness.sweep.space import place_of
from harness.sweep.study import KnownTrial, Study, find_study

logger = logging.getLogger(__name__)

JOURNAL = "journal.log"


def sweep_folder(home: Path, name: str) -> Path:
    """Where a sweep keeps what is its own."""
    return home / "sweeps" / name


def journal_path(home: Path, name: str, storage: str | None) -> Path | None:
    """The study's journal; None where another storage keeps the study."""
    return None if storage else sweep_folder(home, name) / JOURNAL


def load_sweep(home: Path, name: str, storage: str | None = None) -> SweepRecord:
    """A sweep as it stands, without running anything.

    Args:
        home: Folder with the results.
        name: Of the sweep.
        storage: Where the study is, if not in the home folder.

    Raises:
        ConfigError: There is no such sweep.
    """
    study = find_study(journal_path(home, name, storage), storage, name)
    if study is None or "spec" not in study.notes:
        folder = home / "sweeps"
        known = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        raise ConfigError(
            unknown_name("sweep", name, known),
            f"looked in {storage or folder}; `harness sweep FILE.yaml` begins one",
        )
    return build_record(study, home)


def build_record(study: Study, home: Path) -> SweepRecord:
    """The record of a study, results as far as the home folder has them."""
    notes = study.notes
    objectives = tuple(map(_objective, notes["objectives"]))
    study_trials = study.trials()
    confirmed = study.confirmed()
    trials = tuple(_trial(home, trial, confirmed.get(trial.number, {})) for trial in study_trials)
    missing = [t.number for t in trials if t.state == "complete" and not t.results]
    if missing:
        logger.warning(
            "the results of trial %s are not in %s (cleaned away, or made under another home)",
            ", ".join(map(str, missing)),
            home,
        )
    base = notes.get("base")
    declared = cast(Mapping[str, float], notes["spec"].get("margins", {}))
    return SweepRecord(
        name=str(notes["spec"]["name"]),
        question=str(notes["spec"]["question"]),
        spec=notes["spec"],
        objectives=objectives,
        trials=trials,
        base=None if base is None else stored_result(home, base),
        front=front_of(candidates(study_trials), objectives),
        run_id=notes.get("run_id"),
        margins={**DEFAULT_MARGINS, **declared},
    )


def candidates(trials: list[KnownTrial]) -> list[Candidate]:
    """The complete trials, for choosing among them."""
    return [
        Candidate(
            trial.number,
            trial.params,
            trial.values,
            all(violation <= 0 for violation in trial.violations.values()),
        )
        for trial in trials
        if trial.values is not None
    ]


def stored_result(home: Path, fingerprint: str) -> TrialResult | None:
    """A run's result in the home folder, None when it is not there."""
    path = home / "trials" / f"{fingerprint}.json"
    try:
        return read_results(path)[0]
    except DataError:
        if path.exists():
            raise
        return None


def objective_note(objective: Objective) -> dict[str, JSON]:
    """An objective as plain data, for the study's notes."""
    test = objective.test.benchmark if isinstance(objective.test, ScoreKey) else None
    return asdict(objective) | {"key": str(objective.key), "test": test}


def _objective(note: Mapping[str, Any]) -> Objective:
    """An objective of the study's notes; by its name its test score, where none is noted."""
    key = parse_key(note["key"])
    if isinstance(key, SummaryKey):
        test: Key = SummaryKey(key.suite, Split.TEST)
    else:
        test = ScoreKey(key.suite, note.get("test") or f"{key.stem}_test", Split.TEST, key.metric)
    return Objective(key, note["maximize"], note["reference"], note["scale"], test)


def _trial(home: Path, trial: KnownTrial, confirmed: Mapping[str, str]) -> SweepTrial:
    return SweepTrial(
        number=trial.number,
        state=trial.state,
        params={place_of(path): value for path, value in trial.params.items()},
        results=_results(home, trial.notes.get("runs", {})),
        values=trial.values,
        violations=trial.violations,
        reason=trial.notes.get("reason"),
        confirmed=_results(home, confirmed),
        run_id=trial.notes.get("run_id"),
    )


def _results(home: Path, fingerprints: Mapping[str, str]) -> tuple[TrialResult, ...]:
    """Results by seed, in the order of the seeds; those that are there."""
    stored = [stored_result(home, fingerprints[seed]) for seed in sorted(fingerprints, key=int)]
    return tuple(result for result in stored if result is not None)
