"""Scores that cannot tell configurations apart: all items alike, at the floor or the ceiling.

A score all of whose items have one value in every run at hand has no spread to compare: an interval
without width, a difference of zero, a flat line that looks like nothing forgotten. The rule is
exact and needs two items: one item apart, and the score counts as telling. A suite is named as a
whole where that holds for each of its parts, so that one whose parts are at opposite ends (a model
that never refuses has .5 of the safety of harmful and harmless requests) is found as well.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.records import (
    Axis,
    Key,
    ScoreKey,
    Split,
    SummaryPart,
    SweepRecord,
    TrialResult,
)
from harness.statistics.totals import aggregate_of

_ROUNDING = 1e-9
_FEWEST = 2


class Level(StrEnum):
    """Where on its scale a score is that is the same on all items."""

    FLOOR = "floor"
    CEILING = "ceiling"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True)
class Constant:
    """A score that is the same on all items.

    Attributes:
        key: Of the score.
        value: Of every item.
        num_items: That have the value: those that count at all.
        num_lacking: Answers in which the metric `empty` finds nothing, in the first run.
        extracted: Whether an answer is looked for in what the model says.
    """

    key: ScoreKey
    value: float
    num_items: int
    num_lacking: int
    extracted: bool


@dataclass(frozen=True, slots=True)
class Untelling:
    """What cannot tell apart the runs it was looked for in.

    Attributes:
        key: A suite's summary where all of its parts are constant, else a score.
        level: Where it is.
        axis: What it tells of; None where that is not known.
        constants: What it is made of.
    """

    key: Key
    level: Level
    axis: Axis | None
    constants: tuple[Constant, ...]

    def sentence(self, who: str, *, expecting: bool = False) -> str:
        """What it is for people.

        Args:
            who: With its verb: "base scores", "all 6 trials score".
            expecting: Whether training is still to come and may change it.
        """
        values = " and ".join(self._value(constant) for constant in self.constants)
        lacking = [
            f", {constant.num_lacking} answers without the wanted form"
            if constant.extracted
            else f", {constant.num_lacking} empty answers"
            for constant in self.constants
            if constant.num_lacking
        ]
        unless = self._unless() if expecting else ""
        return (
            f"{self._name()} cannot tell configurations apart{unless}: {who} {values}"
            f"{''.join(lacking)}"
        )

    def _name(self) -> str:
        if isinstance(self.key, ScoreKey):
            return self.key.path
        return self.key.suite if self.key.split is Split.VALIDATION else f"{self.key.suite} (test)"

    def _value(self, constant: Constant) -> str:
        text = f"{constant.value:.3f} on {constant.num_items} of {constant.num_items} items"
        return text if len(self.constants) == 1 else f"{text} of {constant.key.benchmark}"

    def _unless(self) -> str:
        if self.level is Level.CEILING:
            return " unless training lowers it"
        rises = self.level is Level.FLOOR and self.axis is Axis.TRANSLATION
        return " unless training raises it" if rises else ""


def untelling(
    results: Sequence[TrialResult], scores: Sequence[ScoreKey] = ()
) -> tuple[Untelling, ...]:
    """What cannot tell these runs apart: the same on all items of all of them.

    Args:
        results: Runs of one or several configurations; the base alone, before anything is trained.
        scores: Keys to look at beside those that count in a summary.
    """
    if not results:
        return ()
    first = results[0]
    all_alike: list[Untelling] = []
    seen: set[ScoreKey] = set()
    for suite, parts in first.summary_parts.items():
        seen |= {part.key for part in parts}
        constants = {
            part.key: constant
            for part in parts
            if (constant := _constant(results, part.key)) is not None
        }
        levels = {part.key: _level(part, c) for part in parts if (c := constants.get(part.key))}
        if parts and len(constants) == len(parts):
            level = levels.popitem()[1] if len(set(levels.values())) == 1 else Level.BETWEEN
            axis = first.axis_of(suite)
            all_alike.append(Untelling(suite, level, axis, tuple(constants.values())))
        else:
            all_alike += [
                Untelling(key, levels[key], first.axis_of(key), (constant,))
                for key, constant in constants.items()
            ]
    for key in scores:
        if key not in seen and (constant := _constant(results, key)) is not None:
            all_alike.append(Untelling(key, Level.BETWEEN, first.axis_of(key), (constant,)))
    return tuple(all_alike)


def untelling_of(record: SweepRecord) -> tuple[str, ...]:
    """The sentences on a sweep: its base where nothing ran yet, else its trials, on both splits."""
    scores = [goal.key for goal in record.objectives if isinstance(goal.key, ScoreKey)]
    trials = [trial for trial in record.trials if trial.values is not None and trial.results]
    base = () if record.base is None else (record.base,)
    if not trials:
        return tuple(
            entry.sentence("base scores", expecting=True) for entry in untelling(base, scores)
        )
    sentences: list[str] = []
    for runs_of, called in (
        ([trial.results for trial in trials], "trials"),
        ([trial.confirmed for trial in trials if trial.confirmed], "confirmed trials"),
    ):
        runs = [run for of_trial in runs_of for run in of_trial]
        alike_with_base = (
            {entry.key for entry in untelling([*runs, *base], scores)} if base else set()
        )
        several = len(runs_of) > 1
        who = f"all {len(runs_of)} {called}" if several else f"the only {called[:-1]}"
        alone = f"{who} {'score' if several else 'scores'}"
        sentences += [
            entry.sentence(f"base and {who} score" if entry.key in alike_with_base else alone)
            for entry in untelling(runs, scores)
        ]
    return tuple(sentences)


def _constant(results: Sequence[TrialResult], key: ScoreKey) -> Constant | None:
    """The score of all items of all runs, where it is one; else None."""
    values: list[float] = []
    for result in results:
        items = _item_values(result, key)
        if len(items) < _FEWEST:
            return None
        values += items
    if max(values) - min(values) > _ROUNDING:
        return None
    first = results[0]
    lacking = first.scores.get(ScoreKey(key.suite, key.benchmark, key.split, "empty"))
    return Constant(
        key,
        values[0],
        len(_item_values(first, key)),
        0 if lacking is None else round(lacking.value * len(lacking.ids)),
        "|extract:" in first.scores[key].signature,
    )


def _item_values(result: TrialResult, key: ScoreKey) -> list[float]:
    """What each item scores alone; without those that do not count."""
    if key not in result.scores:
        return []
    score = result.scores[key]
    try:
        aggregate = aggregate_of(score)
        values = [aggregate(row) for row in score.statistics]
    except (ValueError, IndexError, ArithmeticError):  # made with settings its file does not say
        return []
    return [value for value in values if value is not None and math.isfinite(value)]


def _level(part: SummaryPart, constant: Constant) -> Level:
    share = part.scaled(constant.value)
    floor = 0.0 if part.chance is None else part.scaled(part.chance)
    if share <= floor + _ROUNDING:
        return Level.FLOOR
    return Level.CEILING if share >= 1.0 - _ROUNDING else Level.BETWEEN
