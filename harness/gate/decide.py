"""The verdict on new scores against a baseline, metric by metric.

Per key the paired difference of candidate and baseline is resampled over items, and over seeds
where there are several. The rule:

- *regression*: the drop exceeds the tolerance, and the interval lies below zero, at the level
  Holm's procedure gives it among all keys, so that chance alone rarely fails any key;
- *pass*: the interval lies above minus the tolerance. No correction is due here, since all keys
  must pass together (an intersection-union test, Berger 1982);
- else *cannot decide*, with the number of items that would.

A key the candidate lacks is a regression; a key with another signature or other items, or measured
on fewer than ``MIN_ITEMS`` items and not equal on all, cannot be decided.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from harness.errors import DataError
from harness.gate.baseline import Baseline, check_values, configuration_faults
from harness.gate.verdict import GateReport, Outcome, Verdict
from harness.records import Score, ScoreKey, TrialResult
from harness.statistics import bootstrap
from harness.statistics.bootstrap import Difference, Draws

MIN_ITEMS = 6
"""With fewer, even a change of all items in one direction is no evidence at 5 % (2 ** -5 * 2)."""

MIN_RESAMPLES = 2000
_RESAMPLES_PER_KEY = 80  # so that Holm's smallest level still has a few resamples in its tail


def compare(
    baseline: Baseline,
    candidate: Sequence[TrialResult],
    *,
    num_resamples: int | None = None,
    seed: int = 0,
    where: str = "scores",
) -> GateReport:
    """Judges a configuration's runs (one result a seed) by a baseline.

    Args:
        baseline: As ``read_baseline`` gives it.
        candidate: The runs to judge.
        num_resamples: Of the bootstrap; by default enough for the number of keys.
        seed: Of the bootstrap.
        where: Names the candidate in errors.

    Raises:
        DataError: The candidate is not one configuration's runs, or a value, in either, is not
            what its items add up to.
    """
    faults = configuration_faults(candidate, where)
    if not candidate:
        faults = [f"{where}: no results, allowed one or more"]
    if faults:
        raise DataError("\n".join(faults))
    check_values(baseline.results, baseline.where)
    check_values(candidate, where)
    keys = _keys(baseline.results)
    resamples = num_resamples or max(MIN_RESAMPLES, _RESAMPLES_PER_KEY * len(keys))
    draws = Draws(resamples, seed)
    begun = [_begun(key, baseline, candidate) for key in keys]
    differences = [
        _difference(verdict.key, baseline, candidate, draws)
        for verdict in begun
        if not verdict.reason
    ]
    adjusted = bootstrap.holm([difference.p_value for difference in differences])
    compared = zip(differences, adjusted, strict=True)
    verdicts = tuple(
        verdict
        if verdict.reason
        else _judge(verdict, *next(compared), baseline.tolerance.level, len(differences))
        for verdict in begun
    )
    uncompared = tuple(key for key in _keys(candidate) if key not in set(keys))
    return GateReport(verdicts, uncompared, baseline.tolerance.level, resamples)


def _keys(results: Sequence[TrialResult]) -> list[ScoreKey]:
    return sorted({key for result in results for key in result.scores}, key=str)


def _scores(results: Sequence[TrialResult], key: ScoreKey) -> list[Score]:
    return [result.scores[key] for result in results if key in result.scores]


def _begun(key: ScoreKey, baseline: Baseline, candidate: Sequence[TrialResult]) -> Verdict:
    """The verdict without resampling; its reason is "" where that has to decide."""
    old, new = _scores(baseline.results, key), _scores(candidate, key)
    outcome, reason = Outcome.UNDECIDED, None
    if len(new) < len(candidate):
        outcome, reason = Outcome.REGRESSION, _why_missing(key, candidate)
    else:
        reason = bootstrap.incomparable(old, new)
        num_items = len(new[0].ids)
        if reason is None and num_items < MIN_ITEMS and not _equal(old, new):
            reason = f"{num_items} items, and not equal on all: at least {MIN_ITEMS} are needed"
    return Verdict(
        key=key,
        outcome=outcome,
        reason=reason or "",
        higher_is_better=old[0].higher_is_better,
        tolerance=baseline.tolerance.of(str(key)),
        baseline=fmean(score.value for score in old),
        candidate=fmean(score.value for score in new) if new else None,
        num_items=len(new[0].ids) if new else None,
        num_seeds=(len(old), len(new)),
        items_needed=MIN_ITEMS if new and len(new[0].ids) < MIN_ITEMS else None,
    )


def _why_missing(key: ScoreKey, candidate: Sequence[TrialResult]) -> str:
    missing = [result for result in candidate if key not in result.scores]
    reasons = sorted({result.unmeasured[key] for result in missing if key in result.unmeasured})
    seeds = ", ".join(str(result.seed) for result in missing)
    which = "" if len(missing) == len(candidate) else f" in the run with seed {seeds}"
    return f"not measured{which}" + (f": {'; '.join(reasons)}" if reasons else "")


def _equal(old: Sequence[Score], new: Sequence[Score]) -> bool:
    items = {frozenset(zip(s.ids, s.statistics, strict=True)) for s in (*old, *new)}
    return len(items) == 1


def _difference(
    key: ScoreKey, baseline: Baseline, candidate: Sequence[TrialResult], draws: Draws
) -> Difference:
    old = [result for result in baseline.results if key in result.scores]
    return bootstrap.paired_difference(
        _scores(candidate, key),
        _scores(old, key),
        seeds=([result.seed for result in candidate], [result.seed for result in old]),
        draws=draws,
        aggregate=bootstrap.aggregate_of(candidate[0].scores[key]),
        level=baseline.tolerance.level,
    )


def _judge(
    begun: Verdict, difference: Difference, p_value: float, level: float, num_keys: int
) -> Verdict:
    tolerance, upwards = begun.tolerance, begun.higher_is_better
    drop = -difference.value if upwards else difference.value
    needed = None
    if difference.interval is None:
        outcome, reason = Outcome.UNDECIDED, "too many resamples of the items have no value"
    elif drop > tolerance and p_value <= 1 - level:
        outcome, reason = Outcome.REGRESSION, "worse by more than the tolerance"
    elif (-difference.interval.low if upwards else difference.interval.high) <= tolerance:
        outcome, reason = Outcome.PASS, "no worse than the tolerance"
        if difference.value == 0 and difference.interval.low == difference.interval.high:
            reason = "unchanged"
    else:
        outcome = Outcome.UNDECIDED
        reason, needed = _undecided(difference, drop, tolerance, level, num_keys)
    return replace(
        begun,
        outcome=outcome,
        reason=reason,
        change=difference.value,
        interval=difference.interval,
        p_value=p_value,
        items_needed=needed,
    )


def _undecided(
    difference: Difference, drop: float, tolerance: float, level: float, num_keys: int
) -> tuple[str, int | None]:
    """Why a difference decides nothing, and how many items would; None where no number does."""
    if drop > tolerance:
        reason = "the drop exceeds the tolerance, but may be chance"
        needed = bootstrap.items_to_decide(difference, drop, 1 - (1 - level) / num_keys)
    else:
        reason = "the interval reaches beyond the tolerance"
        needed = bootstrap.items_to_decide(difference, tolerance - drop, level)
    if needed is None:
        return f"{reason}; more items alone would not decide, more seeds might", None
    return f"{reason}; about {needed} items would decide", needed
