"""Is the difference real: configurations against a reference, paired over seeds and items.

A pair is compared on its confirmed runs (test benchmarks, fresh seeds) where both have some, else
on the runs of the sweep. The p-values of the suites' summaries are adjusted by Holm's procedure for
the number of all that are compared with one reference; those of the single scores, apart from them,
for their number within the pair.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from harness.records import (
    Key,
    ScoreKey,
    SummaryKey,
    SweepRecord,
    SweepTrial,
    TrialResult,
    mean_value,
)
from harness.report.names import BASE_NUMBER, base_trial, label_of
from harness.report.reference import reference_trial
from harness.statistics import bootstrap
from harness.statistics.bootstrap import Difference, Draws
from harness.statistics.estimates import Estimates, Runs, is_higher_better

Decision = Literal["better", "worse", "no difference shown"]

MIN_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Compared:
    """One key of two configurations.

    Attributes:
        key: A score's or a summary's.
        higher_is_better: Direction.
        first: Mean over the first's runs.
        second: Mean over the reference's runs.
        difference: First minus second, with its interval.
        p_value: Adjusted by Holm.
        decision: At the level of the interval, about the first.
    """

    key: Key
    higher_is_better: bool
    first: float
    second: float
    difference: Difference
    p_value: float = 1.0
    decision: Decision = "no difference shown"


@dataclass(frozen=True, slots=True)
class TrialPair:
    """Two configurations, key by key.

    Attributes:
        first: Label of the one judged.
        second: Label of the reference.
        confirmed: Whether on test benchmarks and fresh seeds, else on the sweep's own.
        with_base: Whether the reference is the untuned model.
        seeds: Of the first and of the second.
        summaries: Compared suites.
        scores: Compared scores.
        incomparable: Reason per key that both have and that do not compare.
    """

    first: str
    second: str
    confirmed: bool
    with_base: bool
    seeds: tuple[tuple[int, ...], tuple[int, ...]]
    summaries: tuple[Compared, ...]
    scores: tuple[Compared, ...]
    incomparable: Mapping[Key, str]


def compare_runs(
    first: Sequence[TrialResult],
    second: Sequence[TrialResult],
    *,
    estimates: Estimates | None = None,
    labels: tuple[str, str] = ("first", "second"),
    confirmed: bool = False,
) -> TrialPair:
    """First minus second on every key all runs of both have.

    Args:
        first: Runs of one configuration, one a seed.
        second: Runs of the reference; seeds both have are paired when the sets are equal.
        estimates: Shares resamples with others; by default 2000 are drawn.
        labels: Names of the two.
        confirmed: Said of the result.
    """
    estimates = estimates or Estimates(Draws(MIN_RESAMPLES))
    runs = (tuple(first), tuple(second))
    everyone = (*runs[0], *runs[1])
    every_key: list[set[Key]] = [{*run.scores, *run.summaries} for run in everyone]
    shared = sorted(set.intersection(*every_key), key=str)
    incomparable = {
        key: reason for key in shared if (reason := _incomparable(key, *runs)) is not None
    }
    seeds = (tuple(run.seed for run in first), tuple(run.seed for run in second))
    lines = []
    for key in [key for key in shared if key not in incomparable]:
        columns = [estimates.columns(group, key) for group in runs]
        if columns[0] is None or columns[1] is None:
            incomparable[key] = "what each item scored is not known"
            continue
        means = [mean_value(group, key) or 0.0 for group in runs]
        difference = bootstrap.difference_of(
            columns[0],
            columns[1],
            means[0] - means[1],
            seeds,
            estimates.draws,
            _num_items(key, first[0]),
            estimates.level,
        )
        lines.append(Compared(key, is_higher_better(first, key), means[0], means[1], difference))
    summaries, scores = (
        _decided([line for line in lines if isinstance(line.key, kind)], estimates.level)
        for kind in (SummaryKey, ScoreKey)
    )
    return TrialPair(
        first=labels[0],
        second=labels[1],
        confirmed=confirmed,
        with_base=runs[1][0].variant == "base",
        seeds=seeds,
        summaries=summaries,
        scores=scores,
        incomparable=incomparable,
    )


def _parts(key: Key, run: TrialResult) -> list[ScoreKey]:
    """The scores that make up a key's value."""
    if isinstance(key, ScoreKey):
        return [key]
    return [part.key for part in run.summary_parts.get(key, ())]


def _incomparable(key: Key, first: Runs, second: Runs) -> str | None:
    run = first[0]
    for part in _parts(key, run):
        if any(part not in other.scores for other in (*first, *second)):
            return f"{part} is not there in every run"
        scores = [[run.scores[part] for run in group] for group in (first, second)]
        reason = bootstrap.incomparable(*scores)
        if reason is not None:
            return f"{part}: {reason}" if part != key else reason
    return None


def _num_items(key: Key, run: TrialResult) -> int:
    return sum(len(run.scores[part].ids) for part in _parts(key, run) if part in run.scores)


def together(pairs: Sequence[TrialPair], level: float) -> list[TrialPair]:
    """Comparisons with one reference, their summaries' p-values adjusted for all of them."""
    lines = iter(_decided([line for pair in pairs for line in pair.summaries], level))
    return [replace(pair, summaries=tuple(islice(lines, len(pair.summaries)))) for pair in pairs]


def _decided(lines: Sequence[Compared], level: float) -> tuple[Compared, ...]:
    """The lines, their p-values adjusted for their number, and what these decide."""
    adjusted = bootstrap.holm([line.difference.p_value for line in lines])
    decided = []
    for line, p_value in zip(lines, adjusted, strict=True):
        decision: Decision = "no difference shown"
        if p_value <= 1 - level and line.difference.value != 0:
            decision = "better" if (line.difference.value > 0) == line.higher_is_better else "worse"
        decided.append(replace(line, p_value=p_value, decision=decision))
    return tuple(decided)


def compare_trials(
    record: SweepRecord,
    *,
    reference: int | None = None,
    num_resamples: int | None = None,
) -> tuple[TrialPair, ...]:
    """The trials worth it against each reference trial, and all of these against the base.

    Trials with confirmed runs, else the members of the front; none when no trial has two seeds.

    Args:
        record: The sweep.
        reference: Number of a trial; by default, of each variant the sweep names in ``against``
            (`sft`), the trial that stands for it.
        num_resamples: Of the bootstrap; by default enough for the number of scores.
    """
    complete = {t.number: t for t in record.trials if t.values is not None and t.results}
    references = _references(record, complete, reference)
    if not references or max(len(t.confirmed or t.results) for t in complete.values()) < 2:
        return ()
    confirmed = [t for t in complete.values() if t.confirmed]
    others = confirmed or [complete[number] for number in record.front if number in complete]
    resamples = num_resamples or _num_resamples(references[0].results[0], len(others))
    estimates = Estimates(Draws(resamples))
    comparisons = []
    for second in (*references, *base_trial(record)):
        firsts = others
        if second.number == BASE_NUMBER:
            firsts = list({t.number: t for t in (references[0], *others)}.values())
        pairs = [
            _compare(trial, second, record, estimates)
            for trial in firsts
            if trial.number != second.number
        ]
        comparisons += together(pairs, estimates.level)
    return tuple(comparisons)


def _references(
    record: SweepRecord, complete: Mapping[int, SweepTrial], number: int | None
) -> list[SweepTrial]:
    if number is not None:
        return [complete[number]] if number in complete else []
    named = record.spec.get("against")
    names = named if isinstance(named, Sequence) and named else ["sft"]
    trials = [reference_trial(record, str(name)) for name in names]
    return list({trial.number: trial for trial in trials if trial is not None}.values())


def _compare(
    trial: SweepTrial, reference: SweepTrial, record: SweepRecord, estimates: Estimates
) -> TrialPair:
    """On confirmed runs where both have some, else on the sweep's own."""
    fresh = bool(trial.confirmed and reference.confirmed)
    return compare_runs(
        trial.confirmed if fresh else trial.results,
        reference.confirmed if fresh else reference.results,
        estimates=estimates,
        labels=(label_of(trial, record), label_of(reference, record)),
        confirmed=fresh,
    )


def _num_resamples(run: TrialResult, num_pairs: int) -> int:
    """Enough that Holm's smallest level can be reached by every line of a family at once."""
    largest = max(len(run.scores), num_pairs * len(run.summaries))
    return max(MIN_RESAMPLES, math.ceil(2 * largest / (1 - bootstrap.LEVEL) * 1.2))
