"""Where the scores to judge come from: a results file, a run in MLflow, a sweep."""

from dataclasses import dataclass
from pathlib import Path

import click

from harness.errors import ConfigError, DataError
from harness.records import SweepRecord, SweepTrial, TrialResult
from harness.statistics.representative import confirmed_representative
from harness.storage.results import parse_results, read_results


@dataclass(frozen=True, slots=True)
class NamedRuns:
    """Runs of one configuration, and which they are in words.

    Attributes:
        name: As the user named them; of a sweep with the trial's number.
        results: One a seed.
        said: Which runs of it they are, and with what settings.
    """

    name: str
    results: tuple[TrialResult, ...]
    said: str = ""


def read_candidate(
    scores: str, *, home: Path, tracking_uri: str | None, storage: str | None
) -> NamedRuns:
    """The runs of one configuration that a text names.

    A sweep alone means the trial that stands for its front: which one that is, is said on stderr.

    Args:
        scores: A file, ``run:ID``, ``sweep:NAME`` or ``sweep:NAME:NUMBER``.
        home: Where the sweeps are.
        tracking_uri: Where the runs are.
        storage: Where the study of a sweep is, if not in the home folder.

    Raises:
        ConfigError: No such sweep, trial or store.
        DataError: No such file or run, or no results in it.
    """
    kind, _, name = scores.partition(":")
    if kind == "run":
        return NamedRuns(scores, _of_run(name, tracking_uri))
    if kind == "sweep":
        return _of_sweep(name, home, storage)
    return NamedRuns(scores, read_results(Path(scores)))


def _of_run(run_id: str, tracking_uri: str | None) -> tuple[TrialResult, ...]:
    from harness.tracking.location import existing_store
    from harness.tracking.recording import RESULTS
    from harness.tracking.tracker import MlflowTracker

    texts = MlflowTracker(existing_store(tracking_uri)).read_texts(run_id, RESULTS)
    if not texts:
        raise DataError(f"run {run_id}: it has no {RESULTS}, so it is no finished trial")
    return tuple(result for text in texts for result in parse_results(text, f"run {run_id}"))


def _of_sweep(name: str, home: Path, storage: str | None) -> NamedRuns:
    from harness.sweep.record import load_sweep

    name, _, number = name.partition(":")
    record = load_sweep(home, name, storage)
    trial = _trial_numbered(record, number) if number else _best_of_front(record)
    runs = trial.confirmed or trial.results
    if not runs:
        raise DataError(f"sweep {name}: the results of trial {trial.number} are not in {home}")
    phase = "confirming runs" if trial.confirmed else "runs of the sweep"
    settings = ", ".join(f"{path} {value}" for path, value in trial.params.items())
    said = f"its {phase}; {settings}" if settings else f"its {phase}"
    named = NamedRuns(f"sweep:{name}:{trial.number}", runs, said)
    if not number:
        click.echo(
            f"sweep:{name} means {named.name}, {named.said}{_values(record, trial)}", err=True
        )
    return named


def _values(record: SweepRecord, trial: SweepTrial) -> str:
    pairs = zip(record.objectives, trial.values or (), strict=False)
    values = ", ".join(f"{objective.key} {value:.3f}" for objective, value in pairs)
    return f"; on validation {values}" if values else ""


def _trial_numbered(record: SweepRecord, number: str) -> SweepTrial:
    for trial in record.trials:
        if str(trial.number) == number:
            return trial
    known = ", ".join(str(trial.number) for trial in record.trials)
    raise ConfigError(f"sweep {record.name}: found trial {number!r}, allowed {known or 'none'}")


def _best_of_front(record: SweepRecord) -> SweepTrial:
    """The member that stands for all, as in the report."""
    members = [trial for trial in record.trials if trial.number in record.front]
    best = confirmed_representative(members, record.objectives)
    if best is None:
        raise DataError(
            f"sweep {record.name}: no trial on its front yet",
            "`harness sweep` continues it; sweep:NAME:NUMBER names a trial that is not on it",
        )
    return best
