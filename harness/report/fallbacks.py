"""How much of the text made for training was not used as it was made, and why."""

import re
from collections.abc import Iterable, Mapping, Sequence

from harness.records import SweepRecord, SweepTrial, TrialResult
from harness.report.names import label_of
from harness.report.table import Cell, Column, Table

# A stage of a chain that trains on text drops the pairs because it is to.
_KIND = re.compile(
    r"data/(?!.*chain\d+/dropped)(.+/)?(fallback_fraction|fallback/.+|empty_rate|\w+_cut_rate|dropped_\w+|too_long|"
    r"chats_without_answer)"
)
_COUNTS = re.compile(r".*(dropped_\w+|too_long|chats_without_answer)")


def fallbacks_table(
    record: SweepRecord, name: str = "fallbacks", trials: Iterable[SweepTrial] | None = None
) -> Table | None:
    """A row per trial, a column per kind that any of them has; None where none has any.

    Args:
        record: The sweep.
        name: Of the table.
        trials: In place of those that have a fallback: all of these, as long as one has.
    """
    shown = [trial for trial in record.trials if trial.results] if trials is None else list(trials)
    means = {trial.number: _means(trial.results) for trial in shown}
    kinds = sorted(
        {kind for of_trial in means.values() for kind, value in of_trial.items() if value}
    )
    if not kinds:
        return None
    if trials is None:
        shown = [trial for trial in shown if any(means[trial.number].values())]
    columns = (
        Column("trial", "text", "Number, method and settings."),
        *[
            Column(
                kind.removeprefix("data/"),
                "number" if _COUNTS.fullmatch(kind) else "percent",
                f"Mean over the runs of {kind}.",
            )
            for kind in kinds
        ],
    )
    rows: list[tuple[Cell, ...]] = [
        (label_of(trial, record), *[means[trial.number].get(kind) for kind in kinds])
        for trial in shown
    ]
    note = (
        "What was generated for training and did not pass, or what did not fit: a method that "
        "falls back often is plain fine-tuning under another name. Means over seeds; too_long, "
        "dropped and chats without an answer are counts, the rest shares."
    )
    return Table(name, "Fallbacks", columns, tuple(rows), note)


def _means(runs: Sequence[TrialResult]) -> Mapping[str, float]:
    names = {name for run in runs for name in run.facts if _KIND.fullmatch(name)}
    return {name: sum(run.facts.get(name, 0.0) for run in runs) / len(runs) for name in names}
