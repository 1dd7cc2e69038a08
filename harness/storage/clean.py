"""What a store holds and what of it can go.

Nothing here loses knowledge: results stay in the home folder, and a stage that is gone is made
again when it is next needed, at the cost of its time.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError, unknown_name
from harness.storage.journal import FILE
from harness.storage.store import Entry, Store, bytes_in

STAGES = (
    "corpus",
    "contamination",
    "completions",
    "examples",
    "adapter",
    "answering",
    "predictions",
    "scores",
)
_DAY_S = 86400.0
_HALF_DONE = ".checkpoint"
_ANSWERS = "answers kept so far"
_RUN = "training half done"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one stage takes up; ``num_outdated`` were made with other library versions."""

    stage: str
    num_folders: int
    num_bytes: int
    num_outdated: int


@dataclass(frozen=True, slots=True)
class Removable:
    """A folder that can go, and why."""

    path: Path
    stage: str
    num_bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Removed:
    """What ``remove`` did; folders a live process was building are left and counted."""

    num_folders: int
    num_bytes: int
    num_busy: int


def usage(store: Store) -> tuple[Usage, ...]:
    """Per stage, in the order of the flow."""
    by_stage: dict[str, list[Entry]] = {}
    for entry in store.entries():
        by_stage.setdefault(entry.stage, []).append(entry)
    return tuple(
        Usage(
            stage,
            len(entries),
            sum(entry.num_bytes for entry in entries),
            sum(bool(entry.changed) for entry in entries),
        )
        for stage, entries in sorted(by_stage.items(), key=lambda item: _position(item[0]))
    )


def removable(
    store: Store,
    *,
    stage: str | None = None,
    outdated: bool = False,
    older_than_days: float | None = None,
) -> tuple[Removable, ...]:
    """Folders that fit *all* of the given conditions, and the drafts of builds that were killed.

    Without any condition only the drafts are chosen. What is half done fits its stage and its age;
    of what made it nothing is known, so it never counts as outdated.

    Raises:
        ConfigError: No stage of that name.
    """
    if stage is not None and stage not in STAGES:
        raise ConfigError(f"--stage: {unknown_name('stage', stage, STAGES)}")
    chosen = [
        Removable(path, path.parent.name, bytes_in(path), "draft of a build that was killed")
        for path in store.drafts()
        if stage in (None, path.parent.name) and path.suffix != _HALF_DONE
    ]
    if stage is None and not outdated and older_than_days is None:
        return tuple(chosen)
    latest = math.inf if older_than_days is None else time.time() - older_than_days * _DAY_S
    chosen += [
        half
        for half in half_done(store)
        if not outdated and stage in (None, half.stage) and _changed(half.path) <= latest
    ]
    for entry in store.entries():
        if stage not in (None, entry.stage) or entry.created > latest:
            continue
        if outdated and not entry.changed:
            continue
        days = (time.time() - entry.created) / _DAY_S
        reason = f"made with {', '.join(entry.changed)}" if outdated else f"{days:.0f} days old"
        chosen.append(Removable(entry.path, entry.stage, entry.num_bytes, reason))
    return tuple(chosen)


def half_done(store: Store) -> tuple[Removable, ...]:
    """What runs that were ended go on from; a server's answers among it were paid for."""
    return tuple(
        Removable(
            path, path.parent.name, bytes_in(path), _ANSWERS if (path / FILE).exists() else _RUN
        )
        for path in sorted(store.drafts())
        if path.suffix == _HALF_DONE
    )


def remove(store: Store, folders: Sequence[Removable]) -> Removed:
    """Removes the folders, each at once for every reader; what is being built is left alone.

    Raises:
        ConfigError: A run or a sweep is at work in this store.
    """
    with store.exclusive_lock() as held:
        if not held:
            raise ConfigError(
                f"{store.root}: a run or a sweep is at work here; nothing was removed",
                "clean when it has ended; it may need any of these folders",
            )
        gone = [folder for folder in folders if store.remove(folder.path)]
    return Removed(len(gone), sum(folder.num_bytes for folder in gone), len(folders) - len(gone))


def _position(stage: str) -> tuple[int, str]:
    return (STAGES.index(stage) if stage in STAGES else len(STAGES), stage)


def _changed(folder: Path) -> float:
    """When anything in a folder was last written, in seconds since 1970."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return max(file.stat().st_mtime for file in files or [folder])
