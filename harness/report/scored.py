"""A sweep with what every part of its report needs of its scores, computed once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.records import Key, SweepRecord
from harness.report.marks import Marks, marks_of
from harness.statistics.estimates import Estimate, Runs, estimate
from harness.statistics.fronts import front_shares
from harness.statistics.samples import Samples


@dataclass(frozen=True)
class ScoredSweep:
    """A sweep and its scores.

    Attributes:
        record: The sweep.
        samples: Pseudo-values, computed once each.
        marks: What stands beside scores.
        shares: How often each trial is on the front, by its number.
    """

    record: SweepRecord
    samples: Samples
    marks: Marks
    shares: Mapping[int, float]

    def estimate(self, runs: Runs, key: Key | None) -> Estimate | None:
        """The mean over the runs with its interval, as far as the key's scale reaches.

        None unless every run has the key.
        """
        of_key = estimate(self.samples, runs, key)
        scale = None if key is None else self.marks.scale_of(key)
        if of_key is None or of_key.low is None or of_key.high is None or scale is None:
            return of_key
        return replace(of_key, low=max(of_key.low, min(scale)), high=min(of_key.high, max(scale)))


def scored(record: SweepRecord) -> ScoredSweep:
    """A sweep's scores, ready to be shown."""
    samples = Samples()
    return ScoredSweep(record, samples, marks_of(record), front_shares(record, samples))
