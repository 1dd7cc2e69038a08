"""The tables behind the figures: every score, facts, signatures, reasons, provenance."""

from collections import Counter, defaultdict

from harness.data.contamination import FACTS as OVERLAP_FACTS
from harness.records import ScoreKey, Split, SweepRecord, SweepTrial
from harness.report.marks import contaminated
from harness.report.names import (
    BASE_NUMBER,
    all_runs,
    base_trial,
    label_of,
    mean_fact,
    variant_of,
)
from harness.report.reference import reference_trial
from harness.report.scored import ScoredSweep
from harness.report.table import OVERLAPS, Cell, Column, Table
from harness.statistics.estimates import Runs, is_higher_better


def _shown_runs(record: SweepRecord, split: Split) -> list[tuple[str, Runs]]:
    """The configurations worth every detail, with their runs that have scores of a split.

    The base, the reference, the front; a trial's confirmed runs before those of the sweep.
    """
    reference = reference_trial(record)
    numbers = {*record.front, *([reference.number] if reference else [])}
    trials = [trial for trial in record.trials if trial.number in numbers]
    shown = []
    for trial in (*base_trial(record), *trials):
        groups = (trial.confirmed, trial.results)
        runs = next((runs for runs in groups if _keys_of(runs, split)), ())
        if runs:
            shown.append((_short_label(trial), runs))
    return shown


def _short_label(trial: SweepTrial) -> str:
    return "base" if trial.number == BASE_NUMBER else f"#{trial.number} {variant_of(trial)}"


def scores_table(sweep: ScoredSweep, split: Split) -> Table | None:
    """Every score of one split for the configurations shown."""
    shown = _shown_runs(sweep.record, split)
    keys = sorted({key for _, runs in shown for key in _keys_of(runs, split)}, key=str)
    if not keys:
        return None
    everyone = [run for _, runs in shown for run in runs]
    rows: list[tuple[Cell, ...]] = []
    for key in keys:
        arrow = "↑" if is_higher_better(everyone, key) else "↓"
        items = next(len(run.scores[key].ids) for run in everyone if key in run.scores)
        scores = [sweep.estimate(runs, key) for _, runs in shown]
        rows.append((f"{key.path}{sweep.marks.of(key)}", f"{key.metric} {arrow}", items, *scores))
    columns = (
        Column("benchmark", "text", "Suite and benchmark."),
        Column("metric", "text", "With the direction that is better."),
        Column("items", "number", "Items of the benchmark."),
        *[Column(name, "estimate", _runs_text(name, runs)) for name, runs in shown],
    )
    return Table(
        f"scores_{split}",
        f"Every score, {split} benchmarks",
        columns,
        tuple(rows),
        "Raw values; ↑ higher and ↓ lower is better. The untuned model, the plain fine-tuning "
        "the methods are compared with, and the front."
        f" {sweep.marks.note}".rstrip(),
    )


def _keys_of(runs: Runs, split: Split) -> set[ScoreKey]:
    return {key for run in runs for key in run.scores if key.split is split}


def _runs_text(name: str, runs: Runs) -> str:
    seeds = ", ".join(str(run.seed) for run in runs)
    return f"{name}: mean over {len(runs)} {'run' if len(runs) == 1 else 'runs'} (seeds {seeds})."


def facts_table(record: SweepRecord) -> Table | None:
    """What the runs say about data, training and cost, means over the seeds of the sweep."""
    trials = [trial for trial in (*base_trial(record), *record.trials) if trial.results]
    names = {name for trial in trials for run in trial.results for name in run.facts}
    rows = tuple(
        (name, *[mean_fact(trial.results, name) for trial in trials])
        for name in sorted(names)
        if not name.startswith(OVERLAP_FACTS)
    )
    labels = [_short_label(trial) for trial in trials]
    columns = (
        Column("fact", "text", "Name, as logged."),
        *[Column(label, "number", f"Mean over the runs of {label}.") for label in labels],
    )
    note = (
        "Plain numbers of the runs, means over seeds: lengths in tokens, rates as shares, "
        "seconds of wall time."
    )
    return Table("facts", "Data, training and cost", columns, rows, note) if rows else None


def signatures_table(record: SweepRecord) -> Table:
    """The signature of every score; a score with several was measured in several ways."""
    benchmarks = defaultdict(set)
    for run in all_runs(record):
        for key, score in run.scores.items():
            benchmarks[score.metric, score.signature].add(key.path)
    rows = tuple(
        (metric, signature, ", ".join(sorted(paths)))
        for (metric, signature), paths in sorted(benchmarks.items())
    )
    columns = (
        Column("metric", "text", "The metric."),
        Column("signature", "text", "All that may change its value for equal texts."),
        Column("benchmarks", "text", "Where it was used."),
    )
    note = "Scores of different signatures are never compared."
    return Table("signatures", "Signatures", columns, rows, note)


def failures_table(record: SweepRecord) -> Table | None:
    """Trials that did not end well, with the reason; None when all did."""
    rows = tuple(
        (label_of(trial, record), trial.state, trial.reason or "")
        for trial in record.trials
        if trial.state != "complete" or trial.values is None
    )
    columns = (
        Column("trial", "text", "Number, method and settings."),
        Column("state", "text", "What became of it."),
        Column("reason", "text", "Why."),
    )
    return Table("failures", "Trials without a result", columns, rows) if rows else None


def unmeasured_table(record: SweepRecord) -> Table | None:
    """Scores that could not be had, with the reason; None when there are none."""
    labels = defaultdict(list)
    for trial in (*record.trials, *base_trial(record)):
        label = "base" if trial.number == BASE_NUMBER else f"#{trial.number}"
        for run in (*trial.results, *trial.confirmed):
            for key, reason in run.unmeasured.items():
                labels[str(key), reason].append(label)
    rows = tuple(
        (key, reason, ", ".join(dict.fromkeys(where)))
        for (key, reason), where in sorted(labels.items())
    )
    columns = (
        Column("score", "text", "What is missing."),
        Column("reason", "text", "Why it could not be measured."),
        Column("where", "text", "In which trials."),
    )
    note = "Not measured is not zero: no figure here stands for one of these."
    return Table("unmeasured", "Not measured", columns, rows, note) if rows else None


def contamination_table(record: SweepRecord) -> Table | None:
    """Benchmarks that overlap with the training text; None when nothing was found or checked."""
    rows = tuple(
        (f"{benchmark} {OVERLAPS}", shares.get("exact", 0.0), shares.get("near", 0.0))
        for benchmark, shares in contaminated(record).items()
    )
    columns = (
        Column("benchmark", "text", "Suite and benchmark."),
        Column("identical", "percent", "Share of its items that are in the training text."),
        Column("nearly", "percent", "Share of its items with a near copy there, not identical."),
    )
    note = (
        f"Scores on these benchmarks are marked {OVERLAPS}: training may have seen what they ask, "
        "so they may overstate what the model does on new text."
    )
    return Table("contamination", "Contamination", columns, rows, note) if rows else None


def provenance_table(record: SweepRecord) -> Table | None:
    """Models, machines and versions behind the runs."""
    runs = all_runs(record)
    counts = Counter(tag for run in runs for tag in run.tags.items())
    rows = tuple(
        (name, value, "all" if count == len(runs) else f"{count} of {len(runs)}")
        for (name, value), count in sorted(counts.items())
    )
    columns = (
        Column("what", "text", "Name of the tag."),
        Column("value", "text", "Its value."),
        Column("runs", "text", "In how many of the runs."),
    )
    return Table("provenance", "Models and versions", columns, rows) if rows else None
