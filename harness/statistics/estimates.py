"""A configuration's value at a key with its interval, over items and seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Key, SummaryKey, TrialResult, mean_value
from harness.statistics.comparing import interval
from harness.statistics.samples import Samples

Runs = tuple[TrialResult, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval; without bounds where it has none.

    ``signed`` for a difference, which is written with its sign; ``remark`` is a word on it.
    """

    value: float
    low: float | None = None
    high: float | None = None
    signed: bool = False
    remark: str = ""


def is_higher_better(runs: Sequence[TrialResult], key: Key) -> bool:
    """Direction of a key; a summary's is up."""
    if isinstance(key, SummaryKey):
        return True
    return next((run.scores[key].higher_is_better for run in runs if key in run.scores), True)


def estimate(samples: Samples, runs: Runs, key: Key | None) -> Estimate | None:
    """The mean over the runs with its interval; None unless every run has the key.

    Of one run of a trained configuration the interval is of items alone.
    """
    value = None if key is None else mean_value(runs, key)
    if key is None or value is None:
        return None
    measured = samples.of_runs(runs, key)
    sample = None if measured is None else measured.sample
    bounds = None if sample is None else interval(sample)
    return Estimate(value, *(bounds or ()))
