"""Stages and the store: what was made once, is found again by the hash of what made it.

A stage's folder is written under a temporary name, its manifest last, then renamed: a folder that
is there is complete, whatever was killed. Builders of the same stage in different processes wait
for each other on a file lock, which the operating system drops when its holder dies; so resuming
is a cache hit and there is no resume code.
"""

import contextlib
import fcntl
import json
import logging
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import NotRequired, TypeAlias, TypedDict

from harness.errors import DataError
from harness.records import JSON
from harness.settings.spec import digest
from harness.storage.files import publish_folder

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
_IN_USE = ".in-use.lock"
_RECORDED = (
    *("torch", "transformers", "peft", "accelerate", "bitsandbytes", "tokenizers", "sentencepiece"),
    *(
        "tiktoken",
        "numpy",
        "datasets",
        "jinja2",
        "lm-eval",
        "sacrebleu",
        "lingua-language-detector",
    ),
)


@dataclass(frozen=True)
class Stage:
    """One step of the flow with the identity of its output.

    Attributes:
        name: ``corpus``, ``completions``, ``examples``, ``adapter``, ``predictions`` or ``scores``.
        version: Bumped when the stage's code changes its output.
        identity: Plain data: everything that may change the output, and nothing else.
    """

    name: str
    version: int
    identity: Mapping[str, JSON]

    @cached_property
    def key(self) -> str:
        """``name`` excluded: 24 hex digits of version and identity."""
        return digest({"version": self.version, "identity": self.identity})[:24]


class Manifest(TypedDict):
    """What a stage's folder says of itself; ``created`` in seconds since 1970.

    ``left_out`` where the folder comes from an archive that keeps no more of such stages.
    """

    stage: str
    key: str
    version: int
    identity: Mapping[str, JSON]
    facts: Mapping[str, float]
    versions: Mapping[str, str]
    created: float
    seconds: float
    left_out: NotRequired[bool]


@dataclass(frozen=True)
class Built:
    """A complete stage folder, whether it was there already, and what making it took.

    What is known of a stage is known of one whose files an archive has left out, too: ``whole``
    gives the folder to those who read the files.
    """

    path: Path
    key: str
    reused: bool
    seconds: float
    facts: Mapping[str, float] = field(default_factory=dict)
    left_out: bool = False

    def whole(self) -> Path:
        """The folder with all its files.

        Raises:
            DataError: They were left out of the archive this home was unpacked from.
        """
        if self.left_out:
            stage = self.path.parent.name
            raise DataError(
                f"{stage} {self.key[:8]}: its files were left out of the archive that this home "
                "was unpacked from, and what is asked for needs them",
                f"`harness clean --stage {stage} --yes` removes what is there of them; the same "
                "command then makes them again",
            )
        return self.path


@dataclass(frozen=True)
class Entry:
    """A stage folder as ``harness clean`` sees it.

    ``changed`` are the libraries (``name version``) it was made with that are another version now.
    """

    stage: str
    path: Path
    created: float
    num_bytes: int
    changed: tuple[str, ...]


MakeAll: TypeAlias = Callable[[Mapping[str, Path]], Sequence[Mapping[str, float] | None]]
"""Fills the folders of stages, given by key; returns facts for their manifests."""


class Store:
    """A folder of stage folders: ``<root>/<stage>/<key>/``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, stage: Stage) -> Path:
        """Where the stage's output is or will be."""
        return self.root / stage.name / stage.key

    def unfinished(self, stage: Stage) -> Path:
        """A folder for what is half done of a stage: it outlives a builder that is killed.

        For the builder alone, who holds the stage's lock; gone once the stage is complete.
        """
        return self.path(stage).with_name(f".{stage.key}.checkpoint")

    def has(self, stage: Stage) -> bool:
        return (self.path(stage) / MANIFEST).is_file()

    def find(self, stage: Stage) -> Built | None:
        """The complete output, or None."""
        try:
            record = read_manifest(self.path(stage))
        except FileNotFoundError:
            return None
        _warn_of_other_versions(stage, record["versions"])
        left_out = record.get("left_out", False)
        return Built(
            self.path(stage), stage.key, True, record["seconds"], record["facts"], left_out
        )

    def build(self, stage: Stage, make: Callable[[Path], Mapping[str, float] | None]) -> Built:
        """The stage's output, made by ``make(folder)`` unless it is there.

        ``make`` fills an empty folder and may return facts for the manifest. When it raises,
        nothing is published. Another process building the same stage is waited for.
        """
        built = self.find(stage)
        if built is not None:
            return built
        return self.build_together([stage], lambda folders: [make(folders[stage.key])])[0]

    def build_together(self, stages: Sequence[Stage], make: MakeAll) -> list[Built]:
        """The outputs of stages that are made in one go, in order; like ``build`` otherwise.

        Args:
            stages: With different keys.
            make: Fills the empty folders it is given, by key of the stage: those of the stages
                that are not there. Returns facts for their manifests, in the same order.
        """
        with contextlib.ExitStack() as locks:
            # always in the order of the keys, so that two processes never hold what the other wants
            for stage in sorted(stages, key=lambda stage: stage.key):
                if self.find(stage) is None:
                    locks.enter_context(self._lock(stage))
            outputs = {stage.key: self.find(stage) for stage in stages}
            missing = [stage for stage in stages if outputs[stage.key] is None]
            if missing:
                outputs |= self._make(missing, make)
        return [built for stage in stages if (built := outputs[stage.key]) is not None]

    def _make(self, stages: Sequence[Stage], make: MakeAll) -> dict[str, Built]:
        start = time.monotonic()
        drafts = {stage.key: self.path(stage).with_name(f".{stage.key}.draft") for stage in stages}
        try:
            for draft in drafts.values():
                # what is there is of a builder that was killed: we hold its lock
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir(parents=True)
            facts = [dict(given or {}) for given in make(drafts)]
        except BaseException:
            for draft in drafts.values():
                shutil.rmtree(draft, ignore_errors=True)
            raise
        seconds = round((time.monotonic() - start) / len(stages), 3)
        built: dict[str, Built] = {}
        for stage, given in zip(stages, facts, strict=True):
            _write_manifest(drafts[stage.key], stage, given, seconds)
            publish_folder(drafts[stage.key], self.path(stage))
            shutil.rmtree(self.unfinished(stage), ignore_errors=True)
            logger.info("%s %s made in %.1f s", stage.name, stage.key[:8], seconds)
            built[stage.key] = Built(self.path(stage), stage.key, False, seconds, given)
        return built

    def manifests(self, name: str) -> Iterator[tuple[Path, Manifest]]:
        """Every complete folder of the stages of a name whose files are there, and its manifest."""
        for path in sorted((self.root / name).glob(f"[!.]*/{MANIFEST}")):
            record = read_manifest(path.parent)
            if not record.get("left_out", False):
                yield path.parent, record

    def entries(self) -> Iterator[Entry]:
        """Every complete stage folder."""
        for manifest in sorted(self.root.glob(f"*/*/{MANIFEST}")):
            folder = manifest.parent
            if folder.name.startswith("."):
                continue
            record = read_manifest(folder)
            changed = tuple(f"{name} {old}" for name, old, _ in _changed(record["versions"]))
            yield Entry(folder.parent.name, folder, record["created"], bytes_in(folder), changed)

    def drafts(self) -> list[Path]:
        """Folders that were being written when their process died, and what was half done."""
        folders = [*self.root.glob("*/.*.draft"), *self.root.glob("*/.*.checkpoint")]
        return [path for path in folders if not self._is_locked(path)]

    @contextlib.contextmanager
    def shared_lock(self) -> Iterator[None]:
        """Says that its folders are being read: nothing is removed until this ends."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / _IN_USE).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield

    @contextlib.contextmanager
    def exclusive_lock(self) -> Iterator[bool]:
        """Whether nobody reads its folders; nobody starts to until this ends."""
        with self._try_lock(self.root / _IN_USE) as mine:
            yield mine

    def remove(self, folder: Path) -> bool:
        """Removes a stage folder or a draft; False when a live process is building there."""
        key = folder.name.removeprefix(".").removesuffix(".draft").removesuffix(".checkpoint")
        with self._try_lock(folder.with_name(f".{key}.lock")) as mine:
            if not mine:
                return False
            draft = folder.with_name(f".{key}.draft")
            if folder != draft and folder.exists():
                shutil.rmtree(draft, ignore_errors=True)
                os.rename(folder, draft)  # a folder under its own name is complete, always
            shutil.rmtree(draft, ignore_errors=True)
            return True

    def _is_locked(self, draft: Path) -> bool:
        lock = draft.with_suffix(".lock")
        with self._try_lock(lock) as mine:
            return not mine

    @staticmethod
    @contextlib.contextmanager
    def _try_lock(path: Path) -> Iterator[bool]:
        with path.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    @contextlib.contextmanager
    def _lock(self, stage: Stage) -> Iterator[None]:
        path = self.path(stage).with_name(f".{stage.key}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def bytes_in(folder: Path) -> int:
    """The size of all files in a folder, at any depth."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def read_manifest(folder: Path) -> Manifest:
    """What a complete stage folder says of itself.

    Raises:
        FileNotFoundError: The folder is not there, or not complete.
    """
    manifest: Manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return manifest


def _write_manifest(folder: Path, stage: Stage, facts: Mapping[str, float], seconds: float) -> None:
    record: Manifest = {
        "stage": stage.name,
        "key": stage.key,
        "version": stage.version,
        "identity": stage.identity,
        "facts": facts,
        "versions": dict(library_versions()),
        "created": time.time(),
        "seconds": seconds,
    }
    (folder / MANIFEST).write_text(json.dumps(record, indent=1), encoding="utf-8")


@cache
def library_versions() -> tuple[tuple[str, str], ...]:
    """Name and version of Python and of each library that may change a stage's output."""
    versions = [("python", platform.python_version())]
    for name in _RECORDED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions.append((name, metadata.version(name)))
    return tuple(versions)


def _changed(made_with: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Name, version then and version now of each library that is another now."""
    now = dict(library_versions())
    return [
        (name, version, now[name])
        for name, version in made_with.items()
        if now.get(name, version) != version
    ]


_warned: set[str] = set()


def _warn_of_other_versions(stage: Stage, made_with: Mapping[str, str]) -> None:
    changed = [f"{name} {old} -> {new}" for name, old, new in _changed(made_with)]
    if changed and stage.key not in _warned:
        _warned.add(stage.key)
        logger.warning(
            "%s %s was made with other versions (%s); `harness clean --stage %s --outdated` "
            "removes such output, and the next run makes it again",
            stage.name,
            stage.key[:8],
            ", ".join(changed),
            stage.name,
        )
