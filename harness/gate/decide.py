"""The verdict on a run against a baseline, key by key.

A run of the baseline made again (see ``harness.gate.replay``), or an untrained model, is judged
over its items; a new run of a trained configuration over items and seeds, where the baseline has
three seeds or more (see ``harness.statistics.gating``). What a gating key lacks to be judged at all
is an error, or undecided: never a pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isclose
from statistics import fmean

from harness.errors import ConfigError, DataError, join_faults
from harness.gate.baseline import Baseline, check_values, configuration_faults, matches
from harness.gate.replay import Completed, other_settings, runs_made_again
from harness.gate.verdict import Case, GateReport, Verdict
from harness.records import Axis, Key, ScoreKey, SummaryKey, TrialResult, mean_value
from harness.statistics.gating import (
    MIN_BASELINE_SEEDS,
    Drop,
    GateDecision,
    drop_of,
    fixed,
    judge,
)
from harness.statistics.samples import Measured, Samples, incomparable, is_trained, yardstick_of

NOISE = 1e-6
"""Items whose statistics differ by less, relatively, count as unchanged: another CPU rounds so."""


@dataclass(frozen=True, slots=True)
class _Sides:
    """What is compared with what."""

    old: Sequence[TrialResult]
    new: Sequence[TrialResult]
    case: Case
    settings: tuple[str, ...] = ()
    cannot: str | None = None


def compare(
    baseline: Baseline,
    candidate: Sequence[TrialResult],
    *,
    where: str = "scores",
    judged: str = "",
    completed: Completed = dict,
) -> GateReport:
    """Judges a configuration's runs (one result a seed) by a baseline.

    Args:
        baseline: As ``read_baseline`` gives it.
        candidate: The runs to judge.
        where: Names the candidate in errors.
        judged: Names it in the report; ``where`` when not given.
        completed: Fills a configuration with the defaults of what it does not say.

    Raises:
        ConfigError: A pattern fits no key.
        DataError: The candidate is not one configuration's runs, lacks a key that gates, has one
            with another direction, or a value, in either, is not what its items add up to.
    """
    _check_results(baseline, candidate, where)
    keys = _keys(baseline.results)
    gating = _gating(baseline, candidate, keys)
    _check_keys(baseline, candidate, keys, gating, where)
    sides = _sides(baseline, candidate, completed, where)
    return GateReport(
        verdicts=_verdicts(baseline, sides, keys, gating),
        case=sides.case,
        judged=judged or where,
        seeds=_seeds(candidate),
        baseline=baseline.where,
        baseline_seeds=_seeds(sides.old),
        cannot=sides.cannot,
        settings=sides.settings,
        uncompared=tuple(key for key in _keys(candidate) if key not in set(keys)),
        level=baseline.tolerance.level,
    )


def _check_results(baseline: Baseline, candidate: Sequence[TrialResult], where: str) -> None:
    """DataError where the candidate is no configuration's runs, or a value is not to be used."""
    faults = configuration_faults(candidate, where)
    if not candidate:
        faults = [f"{where}: no results, allowed one or more"]
    if faults:
        raise DataError("\n".join(faults))
    check_values(baseline.results, baseline.where)
    check_values(candidate, where)


def _keys(results: Sequence[TrialResult]) -> list[Key]:
    """Of all scores, and of the summaries whose parts are among them."""
    keys: set[Key] = set()
    for result in results:
        keys |= result.scores.keys()
        for key in result.summaries:
            parts = _parts(result, key)
            if parts and result.scores.keys() >= set(parts):
                keys.add(key)
    return sorted(keys, key=str)


def _seeds(results: Sequence[TrialResult]) -> tuple[int, ...]:
    return tuple(result.seed for result in results) if is_trained(results) else ()


def _gating(
    baseline: Baseline, candidate: Sequence[TrialResult], keys: Sequence[Key]
) -> frozenset[Key]:
    """The keys that the run has to pass."""
    first, gates = baseline.results[0], baseline.tolerance.gates
    if gates:
        gating = frozenset(
            key
            for key in keys
            if any(matches(gate, str(key), yardstick_of(first, key)) for gate in gates)
        )
    else:
        telling = first if baseline.is_complete else candidate[0]
        gating = frozenset(key for key in keys if _is_primary(telling, key))
    if not gating:
        raise ConfigError(
            f"{baseline.where}: no score of it gates: found {', '.join(gates) or 'no primary one'} "
            f"among {', '.join(map(str, keys))}",
            "--gate PATTERN says which do.",
        )
    return gating


def _is_primary(result: TrialResult, key: Key) -> bool:
    """As the result says it; all metrics of a benchmark that it does not have."""
    if isinstance(key, ScoreKey) and not any(score.path == key.path for score in result.scores):
        return True
    return result.is_primary(key)


def _check_keys(
    baseline: Baseline,
    candidate: Sequence[TrialResult],
    keys: Sequence[Key],
    gating: frozenset[Key],
    where: str,
) -> None:
    """DataError where a gating key is not there, or a key has turned round; all of them."""
    faults = [
        f"{key}: higher is {'better' if new else 'worse'} here, and "
        f"{'better' if old else 'worse'} in the baseline"
        for key in keys
        if isinstance(key, ScoreKey)
        for old in _directions(baseline.results, key)
        for new in _directions(candidate, key)
        if old != new
    ]
    faults += _turned_splits(baseline.results[0], candidate[0])
    missing = {key: why for key in keys if key in gating and (why := _why_missing(key, candidate))}
    if missing and len(missing) == len(gating):
        raise DataError(
            f"{where}: none of the {len(gating)} scores of {baseline.where} that gate is in it: it "
            f"has {_content(candidate)}, the baseline {_content(baseline.results)}",
            "Give the run that was scored on the baseline's benchmarks (the confirming runs of a "
            "sweep have test scores), or make a baseline of this one with --update.",
        )
    faults += [f"{key}: {why}, and the baseline has it" for key, why in missing.items()]
    if faults:
        raise DataError(
            join_faults(where, faults),
            "Score what is missing, say with --gate which scores count, or renew the baseline with "
            "--update.",
        )


def _turned_splits(old: TrialResult, new: TrialResult) -> list[str]:
    """Benchmarks that both say the split of, and not the same."""
    return [
        f"{path}: of the {new.purposes[path].split} split here, and of the "
        f"{purpose.split} split in the baseline"
        for path, purpose in old.purposes.items()
        if path in new.purposes and new.purposes[path].split is not purpose.split
    ]


def _directions(results: Sequence[TrialResult], key: ScoreKey) -> set[bool]:
    return {run.scores[key].higher_is_better for run in results if key in run.scores}


def _content(results: Sequence[TrialResult]) -> str:
    """Which benchmarks were scored, of which splits."""
    splits: dict[str, list[str]] = {}
    for path in sorted({key.path for result in results for key in result.scores}):
        splits.setdefault(results[0].purpose_of(path).split, []).append(path)
    parts = [
        f"{split} scores of {', '.join(paths[:4])}{', ...' if len(paths) > 4 else ''}"
        for split, paths in sorted(splits.items())
    ]
    return " and ".join(parts) or "no scores"


def _why_missing(key: Key, candidate: Sequence[TrialResult]) -> str | None:
    missing = [result for result in candidate if result.value_of(key) is None]
    if not missing:
        return None
    reasons = sorted({result.unmeasured[key] for result in missing if key in result.unmeasured})
    seeds = ", ".join(str(result.seed) for result in missing)
    which = "" if len(missing) == len(candidate) else f" in the run with seed {seeds}"
    return f"not measured{which}" + (f" ({'; '.join(reasons)})" if reasons else "")


def _sides(
    baseline: Baseline, candidate: Sequence[TrialResult], completed: Completed, where: str
) -> _Sides:
    old = baseline.results
    settings = other_settings(old[0], candidate[0], completed)
    trained = (is_trained(old), is_trained(candidate))
    if trained == (False, False):
        return _Sides(old[:1], candidate[:1], Case.REPLAY, settings)
    again = [] if settings else runs_made_again(old, candidate)
    if again and len(again) == len(candidate):
        return _Sides(again, candidate, Case.REPLAY)
    if again:
        known = ", ".join(str(run.seed) for run in again)
        raise DataError(
            f"{where}: found seeds {', '.join(str(run.seed) for run in candidate)}, of which the "
            f"baseline has {known}: allowed runs that it has, made again, or new ones"
        )
    cannot = None
    if not trained[0]:
        cannot = "the baseline is of an untrained model, which tells nothing of seeds"
    elif len(old) < MIN_BASELINE_SEEDS:
        only = "1 seed" if len(old) == 1 else f"{len(old)} seeds"
        cannot = (
            f"the baseline has {only}, and this is none of its runs made again: how much runs "
            f"differ by their seeds is known from {MIN_BASELINE_SEEDS} on"
        )
    return _Sides(old, candidate, Case.RETRAINED, settings, cannot)


def _verdicts(
    baseline: Baseline, sides: _Sides, keys: Sequence[Key], gating: frozenset[Key]
) -> tuple[Verdict, ...]:
    samples, alpha = Samples(), 1 - baseline.tolerance.level
    drops: dict[Key, Drop] = {}
    begun = []
    for key in keys:
        old, new = samples.of_runs(sides.old, key), samples.of_runs(sides.new, key)
        verdict = _begun(baseline, sides, key, old, new)
        if old and new and verdict.compared and (drop := _drop(sides, old, new, verdict)):
            drops[key] = drop
            upper, sign = drop.upper(alpha), -1 if verdict.higher_is_better else 1
            verdict = replace(verdict, worst=None if upper is None else sign * upper + 0.0)
        begun.append(verdict)
    tolerances = {str(verdict.key): verdict.tolerance for verdict in begun}
    tested = {str(key): drop for key, drop in drops.items() if key in gating}
    judged = judge(tested, tolerances, alpha)
    return tuple(
        _judged(verdict, drops[verdict.key], *judged[str(verdict.key)], alpha)
        if str(verdict.key) in judged
        else _unjudged(verdict, drops.get(verdict.key), verdict.key in gating)
        for verdict in begun
    )


def _begun(
    baseline: Baseline, sides: _Sides, key: Key, old: Measured | None, new: Measured | None
) -> Verdict:
    """What there is to see without judging."""
    first = baseline.results[0]
    reason = _why_missing(key, sides.new) or ""
    if old is None:
        reason = reason or "not in every run of the baseline"
    elif new is not None:
        reason = incomparable(new, old) or ""
    compared = old is not None and new is not None and not reason
    known = [value for run in sides.old if (value := run.value_of(key)) is not None]
    elsewhere = [value for run in baseline.results if (value := run.value_of(key)) is not None]
    before = fmean(known or elsewhere)
    now = mean_value(sides.new, key)
    changed = tuple(_changed(sides, key)) if compared and sides.case is Case.REPLAY else ()
    return Verdict(
        key=key,
        outcome=None,
        reason=reason,
        compared=compared,
        higher_is_better=True if old is None else old.higher_is_better,
        baseline=before,
        candidate=now,
        change=now - before if compared and now is not None else None,
        tolerance=baseline.tolerance.of(str(key), yardstick_of(first, key)),
        num_items=None if new is None or new.sample is None else new.sample.num_items,
        changed=changed,
    )


def _changed(sides: _Sides, key: Key) -> Iterator[str]:
    """Items that score otherwise than before in any run that was made again."""
    parts = [key] if isinstance(key, ScoreKey) else _parts(sides.new[0], key)
    seen = set()
    for part in parts:
        for old, new in zip(sides.old, sides.new, strict=True):
            before = dict(zip(old.scores[part].ids, old.scores[part].statistics, strict=True))
            for name, row in zip(new.scores[part].ids, new.scores[part].statistics, strict=True):
                pairs = zip(before[name], row, strict=True)
                same = all(isclose(a, b, rel_tol=NOISE, abs_tol=NOISE) for a, b in pairs)
                if not same and name not in seen:
                    seen.add(name)
                    yield name


def _parts(result: TrialResult, key: SummaryKey) -> list[ScoreKey]:
    return [part.key for part in result.summary_parts.get(key, ())]


def _drop(sides: _Sides, old: Measured, new: Measured, begun: Verdict) -> Drop | None:
    if sides.cannot is not None:
        return None
    if old.sample is None or new.sample is None:
        unchanged = sides.case is Case.REPLAY and begun.change == 0 and not begun.changed
        return Drop(0.0, None, 1, constant=True) if unchanged else None
    pair = (old.sample, new.sample)
    if sides.case is Case.REPLAY:
        pair = (fixed(pair[0]), fixed(pair[1]))
    return drop_of(*pair, higher_is_better=old.higher_is_better)


def _unjudged(begun: Verdict, drop: Drop | None, gates: bool) -> Verdict:
    """The verdict on what only informs, or gates and cannot be judged."""
    if gates:
        reason = begun.reason or "nothing tells how sure the change is"
        return replace(begun, outcome=GateDecision.UNDECIDED, reason=reason)
    unchanged = drop is not None and drop.constant and not begun.changed
    return replace(begun, reason=begun.reason or ("unchanged" if unchanged else ""))


def _judged(
    begun: Verdict, drop: Drop, outcome: GateDecision, p_value: float, alpha: float
) -> Verdict:
    """The verdict in words, and how many items would decide where some number would."""
    reason, needed = "worse by more than the tolerance", None
    if outcome is GateDecision.PASS:
        unchanged = drop.constant and not begun.changed
        reason = "unchanged" if unchanged else "no worse than the tolerance"
    elif outcome is GateDecision.UNDECIDED:
        needed = drop.items_needed(begun.tolerance, alpha)
        reason = _why_open(begun, drop, needed)
    return replace(begun, outcome=outcome, reason=reason, p_value=p_value, items_needed=needed)


def _why_open(begun: Verdict, drop: Drop, needed: int | None) -> str:
    if drop.upper() is None:
        return f"{drop.num_items} items, and not equal on all: at least {needed} are needed"
    reason = "the drop may be larger than the tolerance"
    if drop.value > begun.tolerance:
        reason = "the drop exceeds the tolerance, but may be chance"
    if needed is None:
        return f"{reason}; more items alone would not decide"
    return f"{reason}; about {needed} items would decide"


def unknown_patterns(results: Sequence[TrialResult], patterns: Sequence[str]) -> list[str]:
    """Those that fit no key of the results, and are no axis, whose summaries may be elsewhere."""
    keys = _keys(results)
    return [
        pattern
        for pattern in patterns
        if pattern not in list(Axis)
        and not any(matches(pattern, str(key), yardstick_of(results[0], key)) for key in keys)
    ]
