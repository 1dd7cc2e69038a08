"""Which trial stands for a method where there is room for one."""

from harness.records import SweepRecord, SweepTrial
from harness.report.names import variant_of


def best_of_variants(record: SweepRecord) -> dict[str, SweepTrial]:
    """Per variant its best trial: of the front if it can, by the first objective; `sft` first."""
    best: dict[str, SweepTrial] = {}
    sign = 1 if not record.objectives or record.objectives[0].maximize else -1

    def merit(trial: SweepTrial) -> tuple[bool, bool, float]:
        return (trial.number in record.front, trial.feasible, sign * (trial.values or (0.0,))[0])

    for trial in record.trials:
        variant = variant_of(trial)
        if trial.values is None or not trial.results or variant in {None, "base"}:
            continue
        if variant not in best or merit(trial) > merit(best[variant]):
            best[str(variant)] = trial
    return {name: best[name] for name in sorted(best, key=lambda name: (name != "sft", name))}
