"""The tables of the analysis: how far training went, which skills go first, what is left, costs."""

import math
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from statistics import fmean

from harness.records import Axis, Split, SweepRecord
from harness.report import forgetting
from harness.report.curves import MethodCurves
from harness.report.examples import predicted, predictions_of
from harness.report.names import base_trial, mean_fact
from harness.report.table import Cell, Column, Table
from harness.statistics.estimates import Estimate, Runs
from harness.statistics.retention import MARGIN, kept_of_part
from harness.statistics.samples import Samples

FALLEN = 0.9
"""A skill whose agreement is below this counts as going."""

METHOD = Column("method", "text", "The method and the number of the trial that stands for it.")


def skills_by_fall(methods: Sequence[MethodCurves]) -> list[str]:
    """The skills, first the one that falls below ``FALLEN`` first, then by what is left of it.

    Over several methods, by the earliest and the least of any.
    """
    prefix = f"{forgetting.AGREEMENT}/"
    skills = sorted({key.removeprefix(prefix) for method in methods for key in method.keys(prefix)})

    def fate(skill: str) -> tuple[float, float]:
        falls = [step for method in methods if (step := _fall(method, skill)) is not None]
        ends = [end for method in methods if (end := _end(method, skill)) is not None]
        return (min(falls, default=math.inf), min(ends, default=1.0))

    return sorted(skills, key=fate)


def _fall(method: MethodCurves, skill: str) -> int | None:
    """The first measured step from which on the agreement stays below ``FALLEN``."""
    band = method.band(f"{forgetting.AGREEMENT}/{skill}")
    fallen = takewhile(lambda step: fmean(band[step]) < FALLEN, reversed(band))
    return min(fallen, default=None)


def _end(method: MethodCurves, skill: str) -> float | None:
    end = _at_end(method, f"{forgetting.AGREEMENT}/{skill}")
    return None if end is None else end.value


def _at_end(method: MethodCurves, key: str) -> Estimate | None:
    band = method.band(key)
    return _spread(band[max(band)]) if band else None


def _over_training(method: MethodCurves, key: str) -> Estimate | None:
    if not method.band(key):
        return None
    return _spread(
        [fmean(point.metrics[key] for point in run if key in point.metrics) for run in method.runs]
    )


def _spread(of_runs: Sequence[float]) -> Estimate:
    bounds = (min(of_runs), max(of_runs)) if len(of_runs) > 1 else ()
    return Estimate(fmean(of_runs), *bounds)


def ends_table(methods: Sequence[MethodCurves]) -> Table | None:
    """How far training went: divergence, agreement, norm, and how gradients lay to each other."""
    columns = (
        METHOD,
        Column(
            "divergence",
            "estimate",
            "KL of the tuned from the untuned model per answer token, in nats, after training.",
        ),
        Column("agreement", "estimate", "Answers it would still give after training, all skills."),
        Column("norm of dW", "estimate", "Frobenius norm of all dW together after training."),
        Column(
            "cosine",
            "estimate",
            "Between the gradients of the translation loss and the other token losses, mean over "
            "training.",
        ),
        Column(
            "cosine, penalty",
            "estimate",
            "Between the gradients of the token losses and the penalty, mean over training.",
        ),
        Column("seeds", "number", "Runs behind the figures."),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            method.label,
            _at_end(method, forgetting.DIVERGENCE),
            _at_end(method, forgetting.AGREEMENT),
            _at_end(method, forgetting.NORM),
            _over_training(method, forgetting.COSINE),
            _over_training(method, forgetting.COSINE_PENALTY),
            len(method.runs),
        )
        for method in methods
        if method.runs
    ]
    if not any(cell is not None for row in rows for cell in row[1:-1]):
        return None
    note = "Brackets: from the lowest to the highest seed."
    return Table("analysis_drift", "Drift from the untuned model", columns, tuple(rows), note)


def skills_table(methods: Sequence[MethodCurves], skills: Sequence[str]) -> Table | None:
    """By skill and method, from which step it goes, and how much is left; None without."""
    columns = (
        Column("skill", "text", "What the chats ask for, by their corpus."),
        METHOD,
        Column(
            "falls at step", "number", f"From this step on, agreement stays below {FALLEN:.0%}."
        ),
        Column("agreement", "percent", "Answers it would still give after training."),
    )
    rows: list[tuple[Cell, ...]] = [
        (skill, method.label, _fall(method, skill), _end(method, skill))
        for skill in skills
        for method in methods
        if _end(method, skill) is not None
    ]
    note = (
        "An answer counts when every token the untuned model said is still the likeliest one, so "
        "agreement falls before scores do, and another good answer counts as none."
    )
    title = "Which skills go first"
    return Table("analysis_skills", title, columns, tuple(rows), note) if rows else None


def retention_table(record: SweepRecord, methods: Sequence[MethodCurves]) -> Table | None:
    """What is left of each benchmark of the other suites; None without the base or any."""
    base = record.base
    if base is None:
        return None
    parts = {
        part.key: part
        for method in methods
        for key, parts in method.trial.results[0].summary_parts.items()
        if key.split is Split.VALIDATION
        for part in parts
        if method.trial.results[0].axis_of(part.key) is not Axis.TRANSLATION
    }
    columns = (
        Column("benchmark", "text", "Suite and benchmark."),
        Column("metric", "text", "What its suite's summary is made of."),
        Column("untuned", "number", "The untuned model's score."),
        *[
            Column(method.label, "estimate", f"Kept by {method.label}, with its 95 % interval.")
            for method in methods
        ],
    )
    samples = Samples()
    rows: list[tuple[Cell, ...]] = []
    for key in sorted(parts, key=str):
        kept = [kept_of_part(method.trial.results, base, parts[key], samples) for method in methods]
        if any(share is not None for share in kept):
            rows.append((key.path, key.metric, base.value_of(key), *kept))
    note = (
        "Score above chance as a share of the untuned model's, on validation benchmarks where "
        "higher is better and the untuned model is clearly above chance: by its 95 % interval, and "
        f"by {MARGIN:g} of the scale. 1 is all of it; brackets are 95 % intervals of the ratio."
    )
    title = "Kept of the untuned model's abilities"
    return Table("analysis_retention", title, columns, tuple(rows), note) if rows else None


def costs_table(record: SweepRecord, methods: Sequence[MethodCurves], home: Path) -> Table | None:
    """What each method took to train and takes to answer; None without a method."""
    columns = (
        METHOD,
        Column("trained tokens", "number", "Through the model in training, all its stages."),
        Column("training s", "number", "Wall time in training steps, all its stages."),
        Column(
            "generated tokens",
            "number",
            "Of the text made for training beforehand, whether made for this trial or found.",
        ),
        Column("per translation", "number", "Tokens generated per translation, validation, mean."),
        Column("per other answer", "number", "Tokens generated per answer elsewhere, mean."),
        Column("total s", "number", "Wall time of all stages of a run, without what was reused."),
    )
    groups: list[tuple[str, Runs]] = [(method.label, method.trial.results) for method in methods]
    groups += [("base", base.results) for base in base_trial(record)]
    rows: list[tuple[Cell, ...]] = [
        (
            label,
            _whole(mean_fact(runs, "cost/training_tokens")),
            mean_fact(runs, "cost/training_seconds"),
            _whole(mean_fact(runs, "cost/completion_tokens")),
            answer_length(runs, home, translations=True),
            answer_length(runs, home, translations=False),
            fmean(sum(run.seconds.values()) for run in runs),
        )
        for label, runs in groups
    ]
    note = (
        "Means over seeds, per run. Text generated while training goes on (on-policy methods) is "
        "in the seconds and not in the tokens."
    )
    return Table("analysis_costs", "What it costs", columns, tuple(rows), note) if methods else None


def answer_length(runs: Runs, home: Path, *, translations: bool) -> float | None:
    """Tokens generated per item of the validation benchmarks; None where none is in the store.

    Args:
        runs: Of one configuration.
        home: Home folder whose store has the predictions.
        translations: Of the translation suites, else of all others.
    """
    lengths = [
        row.num_tokens
        for run in runs
        for name in sorted(predicted(run))
        if (purpose := run.purpose_of(name)).split is Split.VALIDATION
        and (purpose.axis is Axis.TRANSLATION) == translations
        for row in predictions_of(run, name, home) or ()
        if row.num_tokens is not None
    ]
    return fmean(lengths) if lengths else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
