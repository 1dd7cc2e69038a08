"""Marks beside scores: measured on text that training has seen, or unable to tell anything."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from harness.data.contamination import overlap_shares
from harness.records import Key, ScoreKey, Split, SummaryKey, SummaryPart, SweepRecord
from harness.report.names import all_runs, score_names
from harness.report.reference import key_for_test
from harness.statistics.telling import Untelling, untelling, untelling_text

OVERLAPS = "†"
UNTELLING = "‡"


@dataclass(frozen=True, slots=True)
class Marks:
    """What to say of scores wherever they stand.

    Attributes:
        overlapping: Benchmarks with items in the training text, as ``suite/benchmark``.
        parts: Of every summary, what it is made of.
        untelling: By key of an objective or a summary, the benchmarks that cannot tell.
    """

    overlapping: frozenset[str]
    parts: Mapping[SummaryKey, tuple[SummaryPart, ...]]
    untelling: Mapping[Key, tuple[Untelling, ...]]

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
    keys: list[Key] = [key for run in runs for key in run.summaries]
    for objective in record.objectives:
        keys += [key for key in (objective.key, key_for_test(record, objective.key)) if key]
    base = () if record.base is None else (record.base,)
    groups = {
        Split.VALIDATION: [run for trial in record.trials for run in trial.results],
        Split.TEST: [run for trial in record.trials for run in trial.confirmed],
    }
    silent = {
        key: untelling(key, [*base, *groups[key.split]])
        for key in dict.fromkeys(keys)
        if groups[key.split]
    }
    return Marks(
        frozenset(contaminated(record)),
        {key: parts for run in runs for key, parts in run.summary_parts.items()},
        {key: of_key for key, of_key in silent.items() if of_key},
    )


def untelling_sentences(record: SweepRecord, marks: Marks) -> list[str]:
    """One per objective that tells nothing, on test where it was measured there."""
    keys = [objective.key for objective in record.objectives]
    names = score_names(keys)
    sentences = []
    for key in keys:
        test = key_for_test(record, key)
        said = marks.untelling.get(test) if test is not None else None
        said = said or marks.untelling.get(key)
        if said:
            sentences.append(untelling_text(names[key], said) + ".")
    return sentences


def contaminated(record: SweepRecord) -> dict[str, dict[str, float]]:
    """Benchmarks with items in the training text: the largest shares of any run, by kind."""
    largest: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for run in all_runs(record):
        for benchmark, shares in overlap_shares(run.facts).items():
            for kind, share in shares.items():
                largest[benchmark][kind] = max(largest[benchmark][kind], share)
    return dict(sorted(largest.items()))
