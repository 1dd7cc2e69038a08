"""Checks of the machine: Python, libraries, processors, disk, the hub."""

import importlib
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, TypeAlias

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

PROJECT = "mt-tuning-harness"
DOORS = ("torch", "transformers", "peft", "lm_eval", "sacrebleu", "mlflow", "optuna")
"""Libraries whose import is tried: what the harness cannot do without."""

_GIB = 1024**3
_LEAST_DISK_GIB = 1.0
_GOOD_DISK_GIB = 5.0
_GIB_PER_WORKER = 2.0


State: TypeAlias = Literal["ok", "note", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        state: ``ok``; ``note``: works without, less well; ``missing``: required and not there.
        remedy: What to do, None where there is nothing to do.
    """

    name: str
    state: State
    found: str
    remedy: str | None = None


def check_python() -> Finding:
    """The interpreter against what the project asks for."""
    version = platform.python_version()
    try:
        required = metadata.metadata(PROJECT)["Requires-Python"]
    except metadata.PackageNotFoundError:
        return Finding("python", "missing", f"{version}; {PROJECT} is not installed", "make setup")
    if SpecifierSet(required).contains(version):
        return Finding("python", "ok", f"{version} (wanted {required})")
    remedy = "make setup PYTHON=/path/to/python3.12"
    return Finding("python", "missing", f"{version}, wanted {required}", remedy)


def check_libraries() -> Iterator[Finding]:
    """Every requirement of the project: its version, and for the heavy ones that it imports."""
    try:
        lines = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        return
    requirements = [Requirement(line) for line in lines]
    applicable = [req for req in requirements if req.marker is None or req.marker.evaluate()]
    faults = [fault for requirement in applicable if (fault := version_fault(requirement))]
    broken = [fault for name in DOORS if (fault := _import_fault(name))]
    yield from faults
    yield from broken
    if not faults and not broken:
        yield Finding("libraries", "ok", f"all {len(applicable)} at versions that are wanted")


def version_fault(requirement: Requirement) -> Finding | None:
    """What is wrong with the installed version of a requirement, None when nothing is."""
    name, allowed = requirement.name, str(requirement.specifier) or "any version"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", f"not installed, wanted {allowed}", "make setup")
    if requirement.specifier.contains(version, prereleases=True):
        return None
    return Finding(name, "missing", f"{version}, wanted {allowed}", "make setup")


def _import_fault(name: str) -> Finding | None:
    try:
        importlib.import_module(name)
    except Exception as error:  # whatever a broken installation raises is the finding
        found = f"cannot be imported: {type(error).__name__}: {error}"
        return Finding(name, "missing", found, "rm -r .venv && make setup")
    return None


def check_gpu() -> Finding:
    """Accelerators that PyTorch can use; none are needed for the pocket testbed."""
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError):  # not there, or a shared library of it is not
        return Finding("gpu", "note", "unknown: torch cannot be imported")
    if not torch.cuda.is_available():
        remedy = "fine for the pocket testbed; models of billions of parameters want a GPU"
        return Finding("gpu", "note", "none; models run on the CPU", remedy)
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    memory = torch.cuda.get_device_properties(0).total_memory / _GIB
    return Finding("gpu", "ok", f"{', '.join(names)} ({memory:.0f} GiB)")


def check_processors() -> Finding:
    """How many workers a sweep can have."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = cores or 1
    pages, page_size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    memory = pages * page_size / _GIB
    workers = max(1, min(cores, int(memory / _GIB_PER_WORKER)))
    found = f"{cores} CPU cores, {memory:.1f} GiB of memory: room for --workers {workers}"
    return Finding("processors", "ok", found)


def check_disk(home: Path) -> Finding:
    """Space where the home folder is or will be."""
    folder = next(path for path in [home, *home.absolute().parents] if path.exists())
    if not os.access(folder, os.W_OK):
        return Finding("disk", "missing", f"{folder} cannot be written", "--home DIR elsewhere")
    free = shutil.disk_usage(folder).free / _GIB
    space = f"{free:.1f} GiB free for {home}"
    if free < _LEAST_DISK_GIB:
        remedy = "harness clean --older-than 30, or --home elsewhere"
        return Finding("disk", "missing", space, remedy)
    if free < _GOOD_DISK_GIB:
        return Finding("disk", "note", space, "`harness clean` shows what can go")
    return Finding("disk", "ok", space)


def check_git() -> Finding:
    """Whether runs can carry the commit they were made from."""
    program = shutil.which("git")
    if program is None:
        return Finding("git", "note", "not found; runs carry no commit", "install git")
    return Finding("git", "ok", program)


def check_hub() -> Finding:
    """Whether models named by a hub id may be downloaded."""
    offline = [
        name
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
        if os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"}
    ]
    cache = os.environ.get("HF_HUB_CACHE") or (
        Path(os.environ.get("HF_HOME", "~/.cache/huggingface")) / "hub"
    )
    if offline:
        return Finding("hub", "ok", f"offline ({offline[0]}): model folders and {cache} only")
    return Finding("hub", "ok", "online: a model named by its hub id is downloaded when needed")
