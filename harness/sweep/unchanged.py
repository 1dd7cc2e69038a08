"""A sweep goes on with the settings and files it began with, or not at all.

Otherwise trials that were trained on, asked and scored by different things stand on one front.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from harness.errors import ConfigError
from harness.evaluation.score import metric_named
from harness.records import JSON
from harness.settings.spec import Spec, local_paths
from harness.settings.yaml import flatten
from harness.sweep.made_from import data_of, known_of, made_from
from harness.sweep.record import journal_path, stored_result, sweep_folder
from harness.sweep.spec import CheckedSweep, SweepSpec
from harness.sweep.study import Study, find_study

MAY_CHANGE = ("trials", "confirm", "question")
"""Settings that may differ when a sweep is continued."""


def check_begun(checked: CheckedSweep, *, home: Path, storage: str | None) -> None:
    """As ``check_unchanged``, of a sweep as it lies there, for whoever is about to plan its rest.

    Raises:
        ConfigError: Everything that changed.
    """
    spec = checked.spec
    study = find_study(journal_path(home, spec.name, storage), storage, spec.name)
    if study is not None:
        check_unchanged(study, spec, made_from(spec, checked.selection), home)


def check_unchanged(
    study: Study | None, spec: SweepSpec, contents: Mapping[str, str], home: Path
) -> tuple[str, ...]:
    """Holds what a sweep is now against what it was when it began.

    Args:
        study: Of the sweep; None where it has not begun.
        spec: Of the sweep, as given now.
        contents: What it is made from now, see ``made_from``.
        home: Folder of the results.

    Returns:
        What cannot be compared, because an earlier version began the sweep and did not note it.

    Raises:
        ConfigError: Everything that changed.
    """
    if study is None or "spec" not in study.notes:
        return ()
    notes = study.notes
    if not study.trials() and "base" not in notes:
        return ()  # nothing was made yet
    noted = notes.get("made_from")
    began = list(_told_by_results(study, spec, home) if noted is None else noted.items())
    # paths may differ where their contents are compared
    paths = frozenset[str]() if noted is None else frozenset(_paths(spec))
    faults = [*_changes(notes["spec"], spec, paths)]
    faults += [
        f"{name}: {'changed' if name in contents else 'is gone'} since the sweep began"
        for name, content in began
        if contents.get(name) != content
    ]
    if faults:
        raise ConfigError(
            "\n".join(f"sweep {spec.name}: {fault}" for fault in dict.fromkeys(faults)),
            f"{len(study.trials())} trials were made with what it was: give the new sweep another "
            f"name, set settings and files back ({', '.join(MAY_CHANGE)} may change), or remove "
            f"{sweep_folder(home, spec.name)} to begin anew",
        )
    told = {name for name, _ in began}
    return () if noted is not None else tuple(name for name in contents if name not in told)


def not_verified(names: Sequence[str]) -> str | None:
    """What is said of contents that nothing was noted of; None where there are none."""
    if not names:
        return None
    kinds = dict.fromkeys(name.partition(":")[0] for name in names)
    shown = ", ".join(list(kinds)[:_MOST_SHOWN]) + (", ..." if len(kinds) > _MOST_SHOWN else "")
    return (
        f"an earlier version began this sweep and did not note all it was made from: not verified "
        f"for {shown}; noted from now on"
    )


_MOST_SHOWN = 6


def _told_by_results(study: Study, spec: SweepSpec, home: Path) -> Iterator[tuple[str, str]]:
    """What is known of a sweep that an earlier version began: its data, and what results tell.

    It may have gone on over other files, so every run's result is asked. Where corpora are
    searched, those of one run are not those of the sweep.
    """
    several_corpora = any(path.startswith("data.") for path in spec.space)
    yield from data_of(study.notes.get("benchmarks", {})).items()
    fingerprints = [study.notes["base"]] if "base" in study.notes else []
    fingerprints += [
        fingerprint
        for trial in study.trials()
        for fingerprint in trial.notes.get("runs", {}).values()
    ]
    for fingerprint in fingerprints:
        if (result := stored_result(home, fingerprint)) is not None:
            for name, content in known_of(result).items():
                if not (several_corpora and name.startswith("corpus ")):
                    yield name, content


def _changes(noted: Mapping[str, JSON], spec: SweepSpec, paths: frozenset[str]) -> Iterator[str]:
    now = _whole(spec)
    if noted == now:
        return
    before, after = _flat(_as_of_now(noted)), _flat(now)
    for path in dict.fromkeys((*before, *after)):
        old, new = before.get(path), after.get(path)
        if old == new and (path in before) == (path in after):
            continue
        if path in paths and old is not None and new is not None:
            continue
        was, is_now = (repr(flat[path]) if path in flat else "not set" for flat in (before, after))
        yield f"{path}: was {was}, is {is_now}"


def _as_of_now(noted: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Noted settings with those that versions since then added, at their defaults."""
    try:
        return _whole(SweepSpec.model_validate(noted))
    except ValidationError:  # a setting of then is none any more: told as a change
        return noted


def _whole(spec: SweepSpec) -> dict[str, JSON]:
    """All settings, those among them that plain data leave out where they are as usual."""
    return {**spec.plain(), "margins": dict(spec.margins)}


def _flat(plain: Mapping[str, JSON]) -> dict[str, JSON]:
    """Values by dotted path, those of trainings in a chain by their number in it."""
    flat: dict[str, JSON] = {}
    for path, value in flatten(plain).items():
        if path.partition(".")[0] in MAY_CHANGE:
            continue
        if isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
            flat |= flatten({f"{path}.{number}": entry for number, entry in enumerate(value)})
        else:
            flat[path] = value
    return flat


def _paths(spec: SweepSpec) -> Iterator[str]:
    """Dotted paths of settings that say where something lies whose content is compared."""
    yield from local_paths(spec.base, "base.")
    for name, settings in spec.base.eval.metrics.items():
        metric = metric_named(name, settings)
        if isinstance(metric, Spec):
            yield from local_paths(metric, f"base.eval.metrics.{name}.")
