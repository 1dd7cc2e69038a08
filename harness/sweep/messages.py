"""What parent and worker say to each other."""

from dataclasses import dataclass
from typing import Any

from harness.records import Event, TrialResult
from harness.trial.config import TrialConfig


@dataclass(frozen=True, slots=True)
class Task:
    """Parent: run this. ``id`` says for people what it is."""

    id: str
    config: TrialConfig


@dataclass(frozen=True, slots=True)
class Answer:
    """Parent: what the learned scorer said, or the error it raised."""

    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """Worker: everything is imported, tasks are welcome."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Worker: cannot start, and starting another one would not help."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Worker: a call of the learned scorer."""

    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """Worker: news of the task."""

    event: Event


@dataclass(frozen=True, slots=True)
class Done:
    """Worker: the task's result."""

    result: TrialResult


@dataclass(frozen=True, slots=True)
class Failed:
    """Worker: the task cannot be done."""

    reason: str
