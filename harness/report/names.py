"""Short names for what has long ones: settings by dotted path, scores by key."""

from collections.abc import Sequence
from statistics import fmean

from harness.records import (
    JSON,
    Axis,
    Key,
    SummaryKey,
    SweepRecord,
    SweepTrial,
    TrialResult,
)

BASE_NUMBER = -1
"""Of the trial that stands for the untuned model, which is none of a sweep's."""


def setting_names(paths: Sequence[str]) -> dict[str, str]:
    """The end of each dotted path, as much of it as tells it from the others.

    >>> setting_names(["lora.rank", "variant.name", "a.seed", "b.seed"])
    {'lora.rank': 'rank', 'variant.name': 'variant', 'a.seed': 'a.seed', 'b.seed': 'b.seed'}
    """
    return {path: _shortest_ending(path.removesuffix(".name"), paths) for path in paths}


def _shortest_ending(path: str, paths: Sequence[str]) -> str:
    parts = path.split(".")
    for length in range(1, len(parts)):
        ending = ".".join(parts[-length:])
        namesakes = [p for p in paths if f".{p.removesuffix('.name')}".endswith(f".{ending}")]
        if len(namesakes) == 1:
            return ending
    return path


def searched(record: SweepRecord) -> list[str]:
    """Dotted paths of the settings the sweep varied, in the order they appear."""
    return list(dict.fromkeys(path for trial in record.trials for path in trial.params))


def setting_text(value: JSON) -> str:
    """A setting's value, numbers short.

    >>> setting_text(0.0050000001), setting_text(1.0), setting_text("radis")
    ('0.005', '1', 'radis')
    """
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value)


def variant_of(trial: SweepTrial) -> str | None:
    """The trial's method, None where nothing says it (it failed before it began)."""
    if trial.results:
        return trial.results[0].variant
    named = trial.params.get("variant.name", trial.params.get("variant"))
    return named if isinstance(named, str) else None


def settings_line(trial: SweepTrial, record: SweepRecord) -> str:
    """The trial's searched settings but its variant, in one line."""
    names = setting_names(searched(record))
    return ", ".join(
        f"{names[path]} {setting_text(value)}"
        for path, value in trial.params.items()
        if path not in {"variant.name", "variant"}
    )


def label_of(trial: SweepTrial, record: SweepRecord) -> str:
    """The trial by number, method and settings."""
    if trial.number == BASE_NUMBER:
        return "base, untuned"
    parts = (f"#{trial.number}", variant_of(trial), settings_line(trial, record))
    return " · ".join(part for part in parts if part)


def score_names(keys: Sequence[Key]) -> dict[Key, str]:
    """Summaries by their suite, other scores by benchmark and metric, common beginnings dropped.

    >>> from harness.records import parse_key
    >>> keys = [parse_key("pocket_general/summary"), parse_key("pocket_safety/summary_test")]
    >>> list(score_names(keys).values())
    ['general', 'safety']
    >>> list(score_names([parse_key("general/facts_test/exact_match")]).values())
    ['facts exact_match']
    """
    families = {key.suite.partition("_")[0] for key in keys}
    common = f"{families.pop()}_" if len(families) == 1 and len(keys) > 1 else ""
    return {
        key: key.suite.removeprefix(common)
        if isinstance(key, SummaryKey)
        else f"{key.stem} {key.metric}"
        for key in keys
    }


def base_trial(record: SweepRecord) -> tuple[SweepTrial, ...]:
    """The untuned model as a trial without settings and values; () where it was not scored."""
    if record.base is None:
        return ()
    runs = (record.base,)
    return (SweepTrial(BASE_NUMBER, "complete", {}, runs, confirmed=runs),)


def all_runs(record: SweepRecord) -> list[TrialResult]:
    """Every run of a sweep, those of the sweep and the confirming ones; the base last."""
    runs = [run for trial in record.trials for run in (*trial.results, *trial.confirmed)]
    return runs if record.base is None else [*runs, record.base]


def mean_fact(runs: Sequence[TrialResult], name: str) -> float | None:
    """Mean of a fact over the runs that have it."""
    values = [run.facts[name] for run in runs if name in run.facts]
    return fmean(values) if values else None


def axis_of(record: SweepRecord, key: Key) -> Axis | None:
    """What a key tells of; None for a suite of several axes, and where nothing was measured."""
    measured = (run for run in all_runs(record) if run.value_of(key) is not None)
    run = next(measured, None)
    return None if run is None else run.axis_of(key)


def of_what(record: SweepRecord) -> str:
    """What a share of being on the front leaves out, to stand behind it; "" where nothing."""
    counts = {len(trial.results) for trial in record.trials if trial.values is not None}
    return ", of items alone: another seed is not counted in" if 1 in counts else ""
