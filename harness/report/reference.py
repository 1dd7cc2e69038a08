"""A trial beside the base and beside its rivals: what it keeps, and what it is compared with."""

import math

from harness.evaluation.summary import retention
from harness.records import SweepRecord, SweepTrial, TrialResult
from harness.report.names import is_translation
from harness.statistics.estimates import Runs, mean_value, value_of


def key_for_test(key: str) -> str:
    """The test counterpart of a validation key.

    >>> key_for_test("pocket_general/summary"), key_for_test("pocket_general/facts_validation/bleu")
    ('pocket_general/summary_test', 'pocket_general/facts_test/bleu')
    """
    first, _, last = key.rpartition("/")
    if last == "summary":
        return f"{key}_test"
    return f"{first.removesuffix('_validation')}_test/{last}"


def kept_of_base(runs: Runs, base: TrialResult | None, key: str) -> float | None:
    """How much of the base's distance from chance a suite keeps, 1 being all of it.

    The mean over those of its benchmarks that have a retention; None where none has.
    """
    if base is None:
        return None
    kept = []
    for part in runs[0].summary_parts.get(key, ()) if runs else ():
        mean, of_base = mean_value(runs, part.key), value_of(base, part.key)
        if mean is not None and of_base is not None:
            kept.append(retention(mean, of_base, part))
    counted = [share for share in kept if share is not None]
    return math.fsum(counted) / len(counted) if counted else None


def reference_trial(record: SweepRecord, variant: str = "sft") -> SweepTrial | None:
    """What methods are compared with: a variant's best trial on the translation objective.

    Of those with confirmed runs where any has some. Its measure is the first objective of a
    translation suite, else the first; without a trial of the variant it is the first complete one.
    """
    complete = [trial for trial in record.trials if trial.values is not None and trial.results]
    plain = [trial for trial in complete if trial.results[0].variant == variant]
    plain = [trial for trial in plain if trial.confirmed] or plain
    if not plain:
        return complete[0] if complete else None
    index = next(
        (n for n, objective in enumerate(record.objectives) if is_translation(objective.key)), 0
    )
    sign = 1 if record.objectives[index].maximize else -1
    return max(plain, key=lambda trial: sign * (trial.values or ())[index])
