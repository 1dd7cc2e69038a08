"""Is the difference real: configurations against a reference, over the same items.

A pair is compared on its confirmed runs (test benchmarks, fresh seeds) where both have some, else
on the runs of the sweep. All that is compared with one reference makes two families, each adjusted
by Holm: the suites' summaries, and the primary metric of every benchmark. Other metrics of the same
answers, and lines in which nothing differs, are in none and are not tested.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

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
from harness.statistics.comparing import Comparison, Decision, compare, decide, is_within
from harness.statistics.estimates import is_higher_better
from harness.statistics.margins import DEFAULT_MARGINS
from harness.statistics.planning import Needed, needed
from harness.statistics.samples import Samples, holm_of, incomparable


@dataclass(frozen=True, slots=True)
class Compared:
    """One key of two configurations.

    Attributes:
        key: A score's or a summary's.
        higher_is_better: Direction.
        first: Mean over the first's runs.
        second: Mean over the reference's runs.
        difference: First minus second, with its interval.
        tested: Whether it belongs to a family; a diagnostic does not.
        margin: What is too small to matter; None where none is declared.
        p_value: Adjusted by Holm within its family; None where nothing can be decided.
        decision: About the first, by that p; None for a diagnostic.
    """

    key: Key
    higher_is_better: bool
    first: float
    second: float
    difference: Comparison
    tested: bool
    margin: float | None
    p_value: float | None = None
    decision: Decision | None = None

    @property
    def within_margin(self) -> bool:
        """Whether the difference is shown to be smaller than what matters."""
        return is_within(self.difference, self.margin)

    @property
    def needed(self) -> Needed | None:
        """What would have decided; None where it is decided, or nothing is known."""
        if self.decision is not Decision.UNDECIDED:
            return None
        return needed(self.difference, self.margin)


@dataclass(frozen=True, slots=True)
class TrialPair:
    """Two configurations, key by key.

    Attributes:
        numbers: Of the two trials.
        first: Label of the one judged.
        second: Label of the reference.
        confirmed: Whether on test benchmarks and fresh seeds, else on the sweep's own.
        with_base: Whether the reference is the untuned model.
        seeds: Of the first and of the second.
        summaries: Compared suites.
        scores: Compared scores.
        incomparable: Reason per key that both have and that do not compare.
    """

    numbers: tuple[int, int]
    first: str
    second: str
    confirmed: bool
    with_base: bool
    seeds: tuple[tuple[int, ...], tuple[int, ...]]
    summaries: tuple[Compared, ...]
    scores: tuple[Compared, ...]
    incomparable: Mapping[Key, str]

    @property
    def lines(self) -> tuple[Compared, ...]:
        """Summaries and scores."""
        return (*self.summaries, *self.scores)


def compare_runs(
    first: Sequence[TrialResult],
    second: Sequence[TrialResult],
    *,
    samples: Samples | None = None,
    margins: Mapping[str, float] = DEFAULT_MARGINS,
    labels: tuple[str, str] = ("first", "second"),
    numbers: tuple[int, int] = (0, BASE_NUMBER),
    confirmed: bool = False,
    primary: frozenset[Key] = frozenset(),
) -> TrialPair:
    """First minus second on every key all runs of both have, decided as if this pair were alone.

    Args:
        first: Runs of one configuration, one a seed.
        second: Runs of the reference; seeds are paired when both have the same.
        samples: Shares what was computed with other comparisons.
        margins: By axis of the summaries, by metric of the scores.
        labels: Names of the two.
        numbers: Of the two trials, said of the result.
        confirmed: Said of the result.
        primary: Scores that are tested beside the primary ones of their benchmarks.
    """
    samples = samples or Samples()
    every_key: list[set[Key]] = [{*run.scores, *run.summaries} for run in (*first, *second)]
    shared = sorted(set.intersection(*every_key), key=str)
    reasons: dict[Key, str] = {}
    lines: list[Compared] = []
    for key in shared:
        mine, theirs = (samples.of_runs(runs, key) for runs in (first, second))
        reason = incomparable(mine, theirs) if mine is not None and theirs is not None else None
        if reason is not None:
            reasons[key] = reason
        elif mine is None or theirs is None or mine.sample is None or theirs.sample is None:
            reasons[key] = "what each item scored is not known"
        else:
            lines.append(
                Compared(
                    key,
                    is_higher_better(first, key),
                    mean_value(first, key) or 0.0,
                    mean_value(second, key) or 0.0,
                    compare(mine.sample, theirs.sample),
                    first[0].is_primary(key) or key in primary,
                    margins.get(mine.yardstick or ""),
                )
            )
    summaries, scores = (
        _decided([line for line in lines if isinstance(line.key, kind)])
        for kind in (SummaryKey, ScoreKey)
    )
    return TrialPair(
        numbers,
        *labels,
        confirmed=confirmed,
        with_base=second[0].variant == "base",
        seeds=(tuple(run.seed for run in first), tuple(run.seed for run in second)),
        summaries=summaries,
        scores=scores,
        incomparable=reasons,
    )


def together(pairs: Sequence[TrialPair]) -> list[TrialPair]:
    """Comparisons with one reference, adjusted for all of them: summaries, and primary metrics."""
    summaries = iter(_decided([line for pair in pairs for line in pair.summaries]))
    scores = iter(_decided([line for pair in pairs for line in pair.scores]))
    return [
        replace(
            pair,
            summaries=tuple(islice(summaries, len(pair.summaries))),
            scores=tuple(islice(scores, len(pair.scores))),
        )
        for pair in pairs
    ]


def _decided(lines: Sequence[Compared]) -> tuple[Compared, ...]:
    """The lines, those that are tested adjusted as one family, and what they decide."""
    tested = [line.difference if line.tested else None for line in lines]
    return tuple(
        replace(
            line,
            p_value=p_value,
            decision=decide(
                line.difference,
                higher_is_better=line.higher_is_better,
                margin=line.margin,
                p_value=p_value,
            )
            if line.tested
            else None,
        )
        for line, p_value in zip(lines, holm_of(tested), strict=True)
    )


def compare_trials(
    record: SweepRecord, *, reference: int | None = None, samples: Samples | None = None
) -> tuple[TrialPair, ...]:
    """The trials worth it against each reference trial, and all of these against the base.

    Trials with confirmed runs, else the members of the front.

    Args:
        record: The sweep.
        reference: Number of a trial; by default, of each variant the sweep names in ``against``
            (`sft`), the trial that stands for it.
        samples: Shares what was computed with others.
    """
    complete = {t.number: t for t in record.trials if t.values is not None and t.results}
    references = _references(record, complete, reference)
    if not references:
        return ()
    samples = samples or Samples()
    confirmed = [t for t in complete.values() if t.confirmed]
    others = confirmed or [complete[number] for number in record.front if number in complete]
    comparisons = []
    for second in (*references, *base_trial(record)):
        firsts = others
        if second.number == BASE_NUMBER:
            firsts = list({t.number: t for t in (references[0], *others)}.values())
        comparisons += together(
            [
                _compare(trial, second, record, samples)
                for trial in firsts
                if trial.number != second.number
            ]
        )
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
    trial: SweepTrial, reference: SweepTrial, record: SweepRecord, samples: Samples
) -> TrialPair:
    """On confirmed runs where both have some, else on the sweep's own."""
    fresh = bool(trial.confirmed and reference.confirmed)
    objectives = {key for o in record.objectives for key in (o.key, o.test) if key is not None}
    return compare_runs(
        trial.confirmed if fresh else trial.results,
        reference.confirmed if fresh else reference.results,
        samples=samples,
        margins=record.margins or DEFAULT_MARGINS,
        labels=(label_of(trial, record), label_of(reference, record)),
        numbers=(trial.number, reference.number),
        confirmed=fresh,
        primary=frozenset(objectives),
    )
