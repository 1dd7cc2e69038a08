"""Scores as samples of items and seeds, and systems compared at the keys they share."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.errors import ConfigError, DataError, unknown_name
from harness.records import ASKED, Key, Score, ScoreKey, SummaryKey, SummaryPart, TrialResult
from harness.statistics.comparing import Comparison, Decision, compare, decide, holm, is_within
from harness.statistics.crossed import (
    ROUNDING,
    Floats,
    ItemTable,
    Sample,
    clustered,
    pseudo_values,
)
from harness.statistics.planning import Needed, needed
from harness.statistics.totals import adds_up, aggregate_of, fault_of_summary

NOT_VERIFIED = (
    "not verified: one is of an earlier version, which does not say how the benchmark was asked "
    "(prompt, decoding); score it again"
)
UNTRAINED = "base"
"""The variant that scores a model as it is: its answers do not depend on a seed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a system has at a key.

    Attributes:
        sample: Its items and seeds; None where they do not add up to its value.
        scores: All that its value is made of: by part of a summary, else one alone, those of every
            run.
        parts: Of a summary, what it is the mean of; else ().
        faults: Why its runs are not of one kind, or not whole.
        yardstick: Whose margin counts: the metric, or the axis of a suite; None for neither.
        higher_is_better: Direction.
    """

    sample: Sample | None
    scores: tuple[tuple[Score, ...], ...]
    parts: tuple[SummaryPart, ...] = ()
    yardstick: str | None = None
    higher_is_better: bool = True
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class System:
    """What is compared.

    Attributes:
        name: As the user calls it.
        measured: By key.
        said: What else to say of it.
    """

    name: str
    measured: Mapping[str, Measured]
    said: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison: the first system less the second, at a key.

    Attributes:
        key: Of the scores.
        numbers: Of the two systems in the order they were given, from 1: names may be equal.
        num_items: On which both were measured, however they belong together.
        num_clusters: That were drawn instead of items; None where items were.
        first: Name of the first system.
        second: Of the one it is compared with.
        difference: What there is between them.
        p_holm: Adjusted for all comparisons that are made; None where nothing can be decided.
        margin: What is too small to matter; None where none is known for the metric.
        decision: About the first, by the p-value that is not adjusted.
        within_margin: Whether the difference is shown to be smaller than the margin.
        needed: What would decide, where it is undecided and anything would.
    """

    key: str
    numbers: tuple[int, int]
    num_items: int
    num_clusters: int | None
    first: str
    second: str
    difference: Comparison
    p_holm: float | None
    margin: float | None
    decision: Decision
    within_margin: bool
    needed: Needed | None


class Samples:
    """Runs as samples of items and seeds; each score's pseudo-values are computed once."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[Score, Floats | None]] = {}

    def of_scores(self, scores: Sequence[Score], seeds: Sequence[int] = ()) -> Sample | None:
        """One metric's scores of a system, one a run, items in the order of their ids.

        None where the items of a run do not add up to its value, or are not those of the others.
        """
        if not scores or _other_items(scores):
            return None
        rows = [self._pseudo_values(score) for score in scores]
        whole = [row for row in rows if row is not None]
        if not whole or len(whole) < len(rows):
            return None
        values_S = np.array([score.value for score in scores])
        return Sample(values_S, (ItemTable(np.stack(whole), _drawn(scores[0])),), tuple(seeds))

    def of_score(self, score: Score) -> Measured:
        """A fixed system's only score of a metric."""
        sample = self.of_scores([score])
        return Measured(sample, ((score,),), (), score.metric, score.higher_is_better)

    def of_runs(self, runs: Sequence[TrialResult], key: Key) -> Measured | None:
        """Runs of one configuration at a key; of an untrained model the first, as all are alike.

        None where a run has no value there.
        """
        runs = runs if is_trained(runs) else runs[:1]
        seeds = [run.seed for run in runs] if is_trained(runs) else []
        if not runs or any(run.value_of(key) is None for run in runs):
            return None
        if isinstance(key, ScoreKey):
            scores = tuple(run.scores[key] for run in runs)
            sample = self.of_scores(scores, seeds)
            return Measured(sample, (scores,), (), key.metric, scores[0].higher_is_better)
        parts = _parts(runs[0], key)
        by_part = [[run.scores[p.key] for run in runs if p.key in run.scores] for p in parts]
        faults = [
            f"{part.key} is not there in every run"
            for part, scores in zip(parts, by_part, strict=True)
            if len(scores) < len(runs)
        ]
        faults += [
            _other_parts(parts, other) for run in runs if (other := _parts(run, key)) != parts
        ]
        axis = runs[0].axis_of(key)
        sample = None if faults else self._of_suite(runs, key, parts, by_part, seeds)
        if sample is not None:
            faults += [fault for run in runs if (fault := fault_of_summary(run, key))]
        return Measured(
            sample,
            tuple(map(tuple, by_part)),
            parts,
            None if axis is None else axis.value,
            faults=tuple(faults),
        )

    def _of_suite(
        self,
        runs: Sequence[TrialResult],
        key: Key,
        parts: Sequence[SummaryPart],
        by_part: Sequence[Sequence[Score]],
        seeds: Sequence[int],
    ) -> Sample | None:
        tables: dict[tuple[str, ...], Floats] = {}
        for part, scores in zip(parts, by_part, strict=True):
            sample = self.of_scores(scores)
            if sample is None:
                return None
            # of benchmarks with the same items, what an item adds to the suite is the sum
            items = _drawn(scores[0])
            scaled = _scaled(sample, part) / len(parts)
            tables[items] = tables[items] + scaled if items in tables else scaled
        values_S = np.array([run.value_of(key) for run in runs], dtype=np.float64)
        whole = tuple(ItemTable(values_SN, items) for items, values_SN in tables.items())
        return Sample(values_S, whole, tuple(seeds)) if whole else None

    def _pseudo_values(self, score: Score) -> Floats | None:
        if id(score) not in self._values:
            values = None
            if adds_up(score):
                # an item is a cluster of its own: in the order of their names
                statistics_NK = np.asarray(score.statistics, dtype=np.float64)
                summed_NK = clustered(statistics_NK, score.clusters or score.ids)
                values = pseudo_values(summed_NK, aggregate_of(score))
            self._values[id(score)] = (score, values)  # kept with it, so that its id is its own
        return self._values[id(score)][1]


def _drawn(score: Score) -> tuple[str, ...]:
    """What is drawn together, in the order of its pseudo-values: clusters, or single items."""
    return tuple(sorted(set(score.clusters or score.ids)))


def is_trained(runs: Sequence[TrialResult]) -> bool:
    """Whether the runs are of a trained configuration, so that another seed gives another score."""
    return any(run.variant != UNTRAINED for run in runs)


def _parts(run: TrialResult, key: SummaryKey) -> tuple[SummaryPart, ...]:
    """What a summary is the mean of, in an order that does not depend on the run's."""
    return tuple(sorted(run.summary_parts.get(key, ()), key=lambda part: str(part.key)))


def _scaled(sample: Sample, part: SummaryPart) -> Floats:
    """Pseudo-values on the common scale, [S, N]; constant for a run that is clipped there."""
    (table,) = sample.tables
    scaled: Floats = (table.values_SN - part.worst) / (part.best - part.worst)
    clipped = np.array([[part.scaled(value)] for value in sample.values_S])
    inside = np.abs(clipped - (sample.values_S[:, None] - part.worst) / (part.best - part.worst))
    return np.where(inside < ROUNDING, scaled, clipped)


def named_keys(run: TrialResult, names: Sequence[str], where: str = "") -> list[Key]:
    """The keys of a run that metrics, axes or whole keys name, summaries first.

    Args:
        run: That has them.
        names: Of metrics, axes or keys.
        where: Begins each fault.

    Raises:
        ConfigError: A name is of none: all of them at once.
    """
    keys: list[Key] = [*run.summaries, *sorted(run.scores, key=str)]
    of_key = {key: {str(key), yardstick_of(run, key)} for key in keys}
    known = {name for texts in of_key.values() for name in texts if name is not None}
    if unknown := [name for name in names if name not in known]:
        faults = [
            where + unknown_name("metric, axis or key", name, sorted(known)) for name in unknown
        ]
        raise ConfigError("\n".join(faults))
    return [key for key, texts in of_key.items() if not texts.isdisjoint(names)]


def primary_keys(run: TrialResult) -> list[Key]:
    """The keys of a run that comparisons count, summaries first."""
    keys: list[Key] = [*run.summaries, *sorted(run.scores, key=str)]
    return [key for key in keys if run.is_primary(key)]


def yardstick_of(run: TrialResult, key: Key) -> str | None:
    """Whose margins and tolerances count at a key: its metric, or the axis of a summary."""
    return key.metric if isinstance(key, ScoreKey) else run.axis_of(key)


def compare_with_last(
    systems: Sequence[System], margins: Mapping[str, float]
) -> tuple[list[Line], dict[str, list[str]]]:
    """Every system against the last, at every key that all of them have.

    Args:
        systems: Two or more.
        margins: By key, metric or axis.

    Returns:
        The comparisons; and which keys have none, by the reason.

    Raises:
        DataError: There is none, or what they have at a key cannot be compared.
    """
    *rivals, last = systems
    keys, left_out = _shared_keys(systems)
    faults = [
        f"{rival.name} and {last.name}: {key}: {fault}"
        for rival in rivals
        for key in keys
        if (fault := incomparable(rival.measured[key], last.measured[key]))
    ]
    if not keys:
        reasons = (f"{reason}: {', '.join(of_reason)}" for reason, of_reason in left_out.items())
        faults = ["nothing to compare: " + "; ".join(reasons)]
    if faults:
        raise DataError("\n".join(faults))
    pairs = [(key, number) for key in keys for number in range(len(rivals))]
    differences = [
        compare(_sample(rivals[number], key), _sample(last, key)) for key, number in pairs
    ]
    lines = [
        _line(key, (number + 1, len(systems)), systems, difference, p_holm, margins)
        for (key, number), difference, p_holm in zip(
            pairs, differences, holm_of(differences), strict=True
        )
    ]
    return lines, left_out


def _shared_keys(systems: Sequence[System]) -> tuple[list[str], dict[str, list[str]]]:
    """Those at which all have items and seeds; and the others by the reason why not."""
    keys: list[str] = []
    left_out: dict[str, list[str]] = {}
    for key in dict.fromkeys(key for system in reversed(systems) for key in system.measured):
        without = [system.name for system in systems if key not in system.measured]
        loose = [s for s in systems if key in s.measured and s.measured[key].sample is None]
        if without:
            left_out.setdefault(f"not in {', '.join(without)}", []).append(key)
        elif loose and not any(system.measured[key].faults for system in systems):
            reasons = [_why_no_sample(system.measured[key]) for system in loose]
            reason = f"{reasons[0]} in {', '.join(system.name for system in loose)}"
            left_out.setdefault(reason, []).append(key)
        else:
            keys.append(key)
    return keys, left_out


def _why_no_sample(measured: Measured) -> str:
    scores = [score for of_part in measured.scores for score in of_part]
    if not all(math.isfinite(score.value) for score in scores):
        return "its value is not finite"
    if any(len(_drawn(score)) < 2 for score in scores):
        return "it has fewer than two items, or clusters of them,"
    return "its items do not add up to its value"


def _sample(system: System, key: str) -> Sample:
    sample = system.measured[key].sample
    assert sample is not None, "what has faults is refused, what does not add up left out"
    return sample


def holm_of(differences: Sequence[Comparison | None]) -> list[float | None]:
    """Holm's p of each in one family, which leaves out what does not differ at all.

    None where nothing can be decided.
    """
    adjusted: list[float | None] = [
        difference.p_value if difference and difference.constant else None
        for difference in differences
    ]
    tested = [
        (index, difference.p_value)
        for index, difference in enumerate(differences)
        if difference and difference.p_value is not None and not difference.constant
    ]
    for (index, _), p_value in zip(tested, holm([p for _, p in tested]), strict=True):
        adjusted[index] = p_value
    return adjusted


def _line(
    key: str,
    numbers: tuple[int, int],
    systems: Sequence[System],
    difference: Comparison,
    p_holm: float | None,
    margins: Mapping[str, float],
) -> Line:
    first, second = (systems[number - 1] for number in numbers)
    measured = second.measured[key]
    margin = margins.get(key, margins.get(measured.yardstick or ""))
    decision = decide(difference, higher_is_better=measured.higher_is_better, margin=margin)
    of_runs = [scores[0] for scores in measured.scores]
    is_clustered = any(score.clusters for score in of_runs)
    return Line(
        key,
        numbers,
        sum(map(len, {score.ids for score in of_runs})),
        difference.num_items if is_clustered else None,
        first.name,
        second.name,
        difference,
        p_holm,
        margin,
        decision,
        is_within(difference, margin),
        needed(difference, margin) if decision is Decision.UNDECIDED else None,
    )


def incomparable(first: Measured, second: Measured) -> str | None:
    """Why what two systems have at a key cannot be compared; None where it can.

    The one rule for reports, gate and `compare`: the same parts on the same scales, each of the
    same direction and signature on the same items, in every run of both.
    """
    if first.parts != second.parts:
        return _other_parts(first.parts, second.parts)
    if faults := (*first.faults, *second.faults):
        return faults[0]
    names = [f"{part.key}: " for part in first.parts] or [""]
    for name, mine, theirs in zip(names, first.scores, second.scores, strict=True):
        fault = _other_directions((*mine, *theirs))
        fault = fault or _other_signatures({score.signature for score in (*mine, *theirs)})
        if fault := fault or _other_items((*mine, *theirs)):
            return f"{name}{fault}"
    return None


def _other_directions(scores: Sequence[Score]) -> str | None:
    if len({score.higher_is_better for score in scores}) < 2:
        return None
    first = "better" if scores[0].higher_is_better else "worse"
    return f"other directions: higher is {first} in one run, and not in another"


def _other_signatures(signatures: set[str]) -> str | None:
    if len(signatures) < 2:
        return None
    unsaid = {"|".join(p for p in one.split("|") if not p.startswith(ASKED)) for one in signatures}
    if len(signatures) == 2 and len(unsaid) == 1 and unsaid & signatures:
        return NOT_VERIFIED
    parts = [signature.split("|") for signature in sorted(signatures)]
    shared = set(parts[0]).intersection(*parts[1:])
    apart = ("|".join(part for part in one if part not in shared) or "no more" for one in parts)
    return "different signatures: " + " / ".join(apart)


def _other_items(scores: Sequence[Score]) -> str | None:
    items = [set(score.ids) for score in scores]
    apart = {name for one in items for name in one ^ items[0]}
    if not apart:
        return _other_clusters(scores)
    return f"not the same items: {len(apart)} are in one alone, the first is {min(apart)!r}"


def _other_clusters(scores: Sequence[Score]) -> str | None:
    of_item = [dict(zip(score.ids, score.clusters, strict=False)) for score in scores]
    if all(one == of_item[0] for one in of_item):
        return None
    if not all(of_item):
        return (
            "not every side says which items belong together (metadata.harness.cluster): score "
            "again, which generates nothing"
        )
    return "items belong together otherwise on one side than on the other"


def _other_parts(first: Sequence[SummaryPart], second: Sequence[SummaryPart]) -> str:
    texts = [_parts_text(first, second), _parts_text(second, first)]
    return f"summaries of other parts or scales: {texts[0]} / {texts[1]}"


def _parts_text(parts: Sequence[SummaryPart], other: Sequence[SummaryPart]) -> str:
    """The parts that the other has not, or has on another scale."""
    apart = [
        f"{part.key} {part.worst:g}..{part.best:g}"
        + ("" if part.chance is None else f", chance {part.chance:g}")
        for part in parts
        if part not in other
    ]
    return "; ".join(apart) or ("no more" if parts else "none is said")
