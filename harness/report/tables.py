"""The tables about a sweep's trials: its front, all of them, what was confirmed on test sets."""

from collections.abc import Sequence

from harness.records import Axis, Key, Split, SummaryKey, SweepRecord, SweepTrial
from harness.report.names import (
    BASE_NUMBER,
    all_runs,
    axis_of,
    base_trial,
    score_names,
    searched,
    setting_names,
    setting_text,
    settings_line,
    variant_of,
)
from harness.report.reference import front_members, key_for_test
from harness.report.scored import ScoredSweep
from harness.report.table import Cell, Column, Table
from harness.statistics.crossed import LEVEL
from harness.statistics.estimates import is_higher_better
from harness.statistics.retention import kept_of_base
from harness.statistics.samples import Samples

_IDENTITY = (
    Column("trial", "text", "Number in the sweep."),
    Column("variant", "text", "The training method."),
    Column("settings", "text", "What the sweep varied."),
)
PROBABILITY = Column(
    "on front",
    "percent",
    "How often, with other items and other seeds of the same kind, it would keep every constraint "
    "and no other such trial would beat it; all trials get the same items. Of items alone where "
    "trials have one seed.",
)


RETENTION_HELP = (
    "Distance from chance that is left of the untuned model's, 1 being all of it, with its 95 % "
    "interval, mean over the suite's benchmarks; without those where lower is better or the "
    "untuned model is not clearly above chance."
)


def num_seeds_text(record: SweepRecord) -> str:
    """How many runs stand behind a figure, in words."""
    counts = sorted({len(trial.results) for trial in record.trials if trial.values is not None})
    if not counts:
        return "no finished trial"
    if counts == [1]:
        return "one seed per trial: of items alone, another seed is not counted in"
    several = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    alone = "; of one, of items alone: another seed is not counted in" if 1 in counts else ""
    return f"{several} seeds per trial, over items and seeds{alone}"


def front_table(sweep: ScoredSweep) -> Table:
    """The front, the untuned model last, for comparison."""
    record = sweep.record
    keys = [objective.key for objective in record.objectives]
    names = sweep.marks.named(keys)
    rows: list[tuple[Cell, ...]] = [
        (
            *_identity(trial, record, base_number=""),
            *[sweep.estimate(trial.results, key) for key in keys],
            sweep.shares.get(trial.number),
        )
        for trial in (*front_members(record), *base_trial(record))
    ]
    columns = (
        *_IDENTITY,
        *[_objective_column(record, key, names[key]) for key in keys],
        PROBABILITY,
    )
    note = (
        f"Validation scores, which chose the trials; in brackets {LEVEL:.0%} intervals "
        f"({num_seeds_text(record)}). {sweep.marks.note}"
    ).rstrip()
    return Table("front", "The front", columns, tuple(rows), note)


def _identity(trial: SweepTrial, record: SweepRecord, base_number: str) -> tuple[str, str, str]:
    """Number, variant and settings."""
    if trial.number == BASE_NUMBER:
        return (base_number, "base", "untuned")
    return (str(trial.number), variant_of(trial) or "", settings_line(trial, record))


def _objective_column(record: SweepRecord, key: Key, name: str) -> Column:
    maximize = next(o.maximize for o in record.objectives if o.key == key)
    direction = "higher" if maximize else "lower"
    return Column(
        f"{name} {'↑' if maximize else '↓'}",
        "estimate",
        f"Objective {key}, {direction} is better: mean over the trial's seeds, validation "
        "benchmarks, with its interval.",
    )


def summaries(record: SweepRecord) -> list[SummaryKey]:
    """Keys of the suites' validation summaries, of any trial or the base, sorted."""
    keys = {key for run in all_runs(record) for key in run.summaries}
    return sorted((key for key in keys if key.split is Split.VALIDATION), key=str)


def trials_table(sweep: ScoredSweep) -> Table:
    """Every trial: settings, scores with intervals, retention, how sure its place is."""
    record = sweep.record
    objectives = [objective.key for objective in record.objectives]
    others = [key for key in summaries(record) if key not in objectives]
    keys: list[Key] = [*objectives, *others]
    names = sweep.marks.named(keys)
    kept = [
        key for key in keys if isinstance(key, SummaryKey) and _retains(record, key, sweep.samples)
    ]
    paths = [p for p in searched(record) if p not in {"variant.name", "variant"}]
    path_names = setting_names(searched(record))
    columns = (
        Column("trial", "text", "Number in the sweep; members of the front are marked."),
        Column("variant", "text", "The training method."),
        *[Column(path_names[path], "text", f"Setting {path}.") for path in paths],
        *[_objective_column(record, key, names[key]) for key in objectives],
        PROBABILITY,
        *[
            Column(f"{names[key]} kept", "estimate", f"Retention in {key}. {RETENTION_HELP}")
            for key in kept
        ],
        *[
            Column(
                f"{names[key]} ↑",
                "estimate",
                f"{key}, not optimised: mean over the trial's seeds with its interval.",
            )
            for key in others
        ],
        Column(
            "feasible",
            "text",
            "Whether it keeps every constraint of the sweep; if not, by how much it breaks them.",
        ),
        Column("seeds", "number", "Runs behind the figures."),
        Column("minutes", "number", "Wall time of all its runs, without what was reused."),
        Column("state", "text", "Whether it ended; failed ones are listed with their reason."),
    )
    rows: list[tuple[Cell, ...]] = []
    for trial in (*record.trials, *base_trial(record)):
        is_base = trial.number == BASE_NUMBER
        settings = [
            setting_text(trial.params[path]) if path in trial.params else None for path in paths
        ]
        seconds = sum(sum(run.seconds.values()) for run in trial.results)
        rows.append(
            (
                "base" if is_base else str(trial.number),
                variant_of(trial),
                *settings,
                *[sweep.estimate(trial.results, key) for key in objectives],
                sweep.shares.get(trial.number),
                *[kept_of_base(trial.results, record.base, key, sweep.samples) for key in kept],
                *[sweep.estimate(trial.results, key) for key in others],
                _feasibility(trial),
                len(trial.results),
                None if is_base else seconds / 60,
                "untuned" if is_base else trial.state,
            )
        )
    note = (
        f"Validation scores. Brackets: {LEVEL:.0%} intervals, {num_seeds_text(record)}. "
        f"{sweep.marks.note}"
    )
    marked = _on_front(record, record.trials)
    return Table("trials", "All trials", columns, tuple(rows), note, marked)


def _on_front(record: SweepRecord, trials: Sequence[SweepTrial]) -> frozenset[int]:
    """The rows of the trials that are members of the front."""
    return frozenset(row for row, trial in enumerate(trials) if trial.number in record.front)


def _retains(record: SweepRecord, key: SummaryKey, samples: Samples) -> bool:
    """Whether a suite is of an ability to retain; the untuned model's translation is none."""
    return axis_of(record, key) in (Axis.GENERAL, Axis.SAFETY) and any(
        trial.results and kept_of_base(trial.results, record.base, key, samples) is not None
        for trial in record.trials
    )


def _feasibility(trial: SweepTrial) -> str | None:
    if trial.values is None:
        return None
    broken = [f"{text} by {by:.3g}" for text, by in trial.violations.items() if by > 0]
    return f"no: {'; '.join(broken)}" if broken else "yes"


def confirmed_table(sweep: ScoredSweep) -> Table | None:
    """What was chosen by, beside what fresh seeds gave on test benchmarks; None before that."""
    record = sweep.record
    confirmed = [trial for trial in record.trials if trial.confirmed]
    if not confirmed:
        return None
    keys: list[Key] = [objective.key for objective in record.objectives]
    keys += [key for key in summaries(record) if key not in keys]
    names = score_names(keys)
    columns = list(_IDENTITY)
    for key in keys:
        arrow = "↑" if is_higher_better(confirmed[0].results, key) else "↓"
        columns += [
            Column(
                f"{names[key]}{sweep.marks.of(key)} {arrow} chosen by",
                "estimate",
                f"{key} on validation benchmarks with the sweep's seeds: what the trial was chosen "
                "by, so more likely too good than too bad.",
            ),
            Column(
                f"{names[key]}{sweep.marks.of(key_for_test(record, key))} {arrow} confirmed",
                "estimate",
                f"{key_for_test(record, key)}: test benchmarks, seeds the sweep did not use.",
            ),
        ]
    columns.append(Column("fresh seeds", "number", "Confirmation runs."))
    rows: list[tuple[Cell, ...]] = []
    for trial in (*confirmed, *base_trial(record)):
        cells: list[Cell] = []
        for key in keys:
            cells.append(sweep.estimate(trial.results, key))
            cells.append(sweep.estimate(trial.confirmed, key_for_test(record, key)))
        num_fresh = None if trial.number == BASE_NUMBER else len(trial.confirmed)
        rows.append((*_identity(trial, record, base_number="base"), *cells, num_fresh))
    note = (
        "Report the confirmed columns. Choosing the best of several trials flatters the columns "
        f"it was chosen by; the confirmed ones share neither data nor seeds with the choice. "
        f"{_fresh_text(confirmed)} {sweep.marks.note}"
    ).rstrip()
    title = "Chosen on validation, confirmed on test"
    marked = _on_front(record, confirmed)
    return Table("confirmed", title, tuple(columns), tuple(rows), note, marked)


def _fresh_text(confirmed: Sequence[SweepTrial]) -> str:
    if min(len(trial.confirmed) for trial in confirmed) == 1:
        return "One confirming seed: its intervals are of items alone."
    return "Brackets are over items and seeds."
