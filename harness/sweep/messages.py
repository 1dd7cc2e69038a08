"""What parent and worker say to each other."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from harness.records import Event, TrialResult
from harness.trial.config import TrialConfig

Phase: TypeAlias = Literal["sweep", "base", "trial", "seed", "confirm"]


@dataclass(frozen=True, slots=True)
class RunKey:
    """Which run of a sweep: what it is, and of which trial and seed.

    The runs of the tracking store have such keys too; a trial of one seed is its only run.
    """

    phase: Phase
    number: int | None = None
    seed: int | None = None

    def __str__(self) -> str:
        match self.phase:
            case "trial":
                return f"trial {self.number}"
            case "seed":
                return f"trial {self.number}, seed {self.seed}"
            case "confirm":
                return f"trial {self.number}, confirming seed {self.seed}"
            case _:
                return self.phase


@dataclass(frozen=True, slots=True)
class Run:
    """Parent: run this."""

    key: RunKey
    config: TrialConfig


@dataclass(frozen=True, slots=True)
class ScorerAnswer:
    """Parent: what the learned scorer said, or the error it raised."""

    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """Worker: everything is imported, runs are welcome."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Worker: cannot start, and starting another one would not help."""

    reason: str


@dataclass(frozen=True, slots=True)
class ScorerCall:
    """Worker: a call of the learned scorer."""

    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """Worker: news of the run."""

    event: Event


@dataclass(frozen=True, slots=True)
class Done:
    """Worker: the run's result."""

    result: TrialResult


@dataclass(frozen=True, slots=True)
class Failed:
    """Worker: the run cannot be made."""

    reason: str
