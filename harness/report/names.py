"""Short names for what has long ones: settings by dotted path, scores by key."""

from collections.abc import Sequence

from harness.records import JSON, SweepRecord, SweepTrial


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
    parts = (f"#{trial.number}", variant_of(trial), settings_line(trial, record))
    return " · ".join(part for part in parts if part)


def score_names(keys: Sequence[str]) -> dict[str, str]:
    """Summaries by their suite, other scores by benchmark and metric, common beginnings dropped.

    >>> score_names(["pocket_general/summary", "pocket_safety/summary_test"])
    {'pocket_general/summary': 'general', 'pocket_safety/summary_test': 'safety'}
    >>> score_names(["general/facts_test/exact_match"])
    {'general/facts_test/exact_match': 'facts exact_match'}
    """
    families = {key.partition("_")[0] for key in keys}
    common = f"{families.pop()}_" if len(families) == 1 and len(keys) > 1 else ""
    names = {}
    for key in keys:
        suite, _, rest = key.partition("/")
        if rest in {"summary", "summary_test"}:
            names[key] = suite.removeprefix(common)
        else:
            benchmark, _, metric = rest.rpartition("/")
            names[key] = f"{benchmark.removesuffix('_test').removesuffix('_validation')} {metric}"
    return names


def is_translation(key: str) -> bool:
    """Whether a key belongs to a suite of translation benchmarks, by its name.

    There the untuned model is what training is to leave behind, not something to retain.
    """
    return "translation" in key.partition("/")[0]
