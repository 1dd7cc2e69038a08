"""Marks beside scores: measured on text that training has seen, or unable to tell anything."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.data.contamination import overlap_shares
from harness.records import Key, ScoreKey, SummaryKey, SummaryPart, SweepRecord
from harness.report.names import all_runs, score_names
from harness.report.table import OVERLAPS, UNTELLING
from harness.statistics.untelling import untelling, untelling_of

MOST_UNTELLING = 4


@dataclass(frozen=True, slots=True)
class Marks:
    """What to say of scores wherever they stand.

    Attributes:
        overlapping: Benchmarks with items in the training text, as ``suite/benchmark``.
        parts: Of every summary, what it is made of.
        untelling: Keys that cannot tell the trials apart.
    """

    overlapping: frozenset[str]
    parts: Mapping[SummaryKey, tuple[SummaryPart, ...]]
    untelling: frozenset[Key]

    def of(self, key: Key | None) -> str:
        """To stand behind its name; "" where there is nothing to say."""
        if key is None:
            return ""
        paths = (
            {key.path}
            if isinstance(key, ScoreKey)
            else {part.key.path for part in self.parts.get(key, ())}
        )
        said = (OVERLAPS if paths & self.overlapping else "") + (
            UNTELLING if key in self.untelling else ""
        )
        return f" {said}" if said else ""

    def named(self, keys: Sequence[Key]) -> dict[Key, str]:
        """Short names with their marks."""
        return {key: f"{name}{self.of(key)}" for key, name in score_names(keys).items()}

    def scale_of(self, key: Key) -> tuple[float, float] | None:
        """The worst and the best value of a key; None where they are not known."""
        if isinstance(key, SummaryKey):
            return (0.0, 1.0)
        of_key = (part for parts in self.parts.values() for part in parts if part.key == key)
        part = next(of_key, None)
        return None if part is None else (part.worst, part.best)

    @property
    def note(self) -> str:
        """What the marks mean, for below a table; "" without any."""
        said = [f"{OVERLAPS}: overlaps with the training text."] if self.overlapping else []
        said += [f"{UNTELLING}: cannot tell configurations apart."] if self.untelling else []
        return " ".join(said)


def marks_of(record: SweepRecord) -> Marks:
    """Of a sweep: overlaps by any run, ends of scales by all runs of a split."""
    runs = all_runs(record)
    objectives = [goal.key for goal in record.objectives if isinstance(goal.key, ScoreKey)]
    trials = [trial for trial in record.trials if trial.values is not None]
    chosen_by = [run for trial in trials for run in trial.results]
    confirmed = [run for trial in trials for run in trial.confirmed]
    silent = [*untelling(chosen_by, objectives), *untelling(confirmed)]
    return Marks(
        frozenset(contaminated(record)),
        {key: parts for run in runs for key, parts in run.summary_parts.items()},
        frozenset(entry.key for entry in silent),
    )


def untelling_sentences(record: SweepRecord) -> list[str]:
    """What cannot tell configurations apart, the first of it in full."""
    sentences = [f"{sentence}." for sentence in untelling_of(record)]
    more = len(sentences) - MOST_UNTELLING
    if more <= 0:
        return sentences
    rest = f"{more} more scores cannot tell either; they are marked {UNTELLING}."
    return [*sentences[:MOST_UNTELLING], rest]


def contaminated(record: SweepRecord) -> dict[str, dict[str, float]]:
    """Benchmarks with items in the training text: the largest shares of any run, by kind."""
    largest: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for run in all_runs(record):
        for benchmark, shares in overlap_shares(run.facts).items():
            for kind, share in shares.items():
                largest[benchmark][kind] = max(largest[benchmark][kind], share)
    return dict(sorted(largest.items()))
