"""A trial beside its rivals: what stands for it, what confirms it."""

from harness.records import Key, Split, SummaryKey, SweepRecord, SweepTrial
from harness.report.names import variant_of
from harness.settings.spec import digest
from harness.statistics.representative import confirmed_representative


def key_for_test(record: SweepRecord, key: Key) -> Key | None:
    """What confirms a validation key on test benchmarks; None where nothing does."""
    if isinstance(key, SummaryKey):
        return SummaryKey(key.suite, Split.TEST)
    return next((goal.test for goal in record.objectives if goal.key == key), None)


def reference_trial(record: SweepRecord, variant: str = "sft") -> SweepTrial | None:
    """What methods are compared with: the trial that stands for a variant, as for any other.

    Without a trial of the variant it is the first complete one.
    """
    complete = [trial for trial in record.trials if trial.values is not None and trial.results]
    plain = [trial for trial in complete if trial.results[0].variant == variant]
    if not plain:
        return complete[0] if complete else None
    return confirmed_representative(plain, record.objectives)


def front_members(record: SweepRecord) -> list[SweepTrial]:
    """The members of the front, the best in the first objective first, of equals the earliest."""
    members = [trial for trial in record.trials if trial.number in record.front]
    if not record.objectives or not all(trial.values for trial in members):
        return members
    return sorted(members, key=lambda trial: (-_merit(record, trial), trial.number))


def best_of_variants(record: SweepRecord) -> dict[str, SweepTrial]:
    """Per variant the trial that stands for it; `sft` first."""
    trials: dict[str, list[SweepTrial]] = {}
    for trial in record.trials:
        variant = variant_of(trial)
        if trial.values is not None and trial.results and variant not in {None, "base"}:
            trials.setdefault(str(variant), []).append(trial)
    best = {
        name: confirmed_representative(trials[name], record.objectives)
        for name in sorted(trials, key=lambda name: (name != "sft", name))
    }
    return {name: trial for name, trial in best.items() if trial is not None}


def configurations_tried(record: SweepRecord) -> dict[str, int]:
    """How many different configurations each variant was tried with, failed ones among them."""
    tried: dict[str, set[str]] = {}
    for trial in record.trials:
        variant = variant_of(trial)
        if trial.state in ("complete", "failed") and variant is not None:
            tried.setdefault(variant, set()).add(digest(trial.params))
    return {variant: len(configurations) for variant, configurations in tried.items()}


def _merit(record: SweepRecord, trial: SweepTrial) -> float:
    """How good a trial is at the first objective."""
    return record.objectives[0].merit(trial.values[0]) if trial.values else 0.0
