"""Why workers died, and how often over one run: when to try again and when to give up."""

import contextlib
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from harness.sweep.messages import RunKey

OF_ITS_OWN = 3
"""Crashes, or kills for want of memory, in one run without a new stage between: give up."""

FROM_OUTSIDE = 10
"""The same for kills by somebody, which say nothing about the run."""

_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a process ended, and how often that may happen."""

    text: str
    limit: int


class Deaths:
    """Counts over runs and over starts in a row."""

    def __init__(self) -> None:
        self._of_run: Counter[RunKey] = Counter()
        self._reached: set[tuple[RunKey, str]] = set()
        self._starts = 0
        self._num_oom_kills = _num_oom_kills()

    def cause(self, code: int) -> Cause:
        """What an exit code means; to be asked once for each death, soon after it."""
        before, self._num_oom_kills = self._num_oom_kills, _num_oom_kills()
        if code == -signal.SIGKILL and self._num_oom_kills > before:
            return Cause("killed by the system for want of memory", OF_ITS_OWN)
        if code in _OUTSIDE:
            return Cause(f"killed from outside ({signal.Signals(-code).name})", FROM_OUTSIDE)
        if code < 0:
            return Cause(f"crashed ({signal.Signals(-code).name})", OF_ITS_OWN)
        return Cause(f"ended with exit code {code}", OF_ITS_OWN)

    def in_run(self, key: RunKey) -> int:
        """Counts a death in a run; how many there are now."""
        self._of_run[key] += 1
        return self._of_run[key]

    def progress(self, key: RunKey, stage: str) -> None:
        """A stage the run has not come to before forgives the deaths until then."""
        if (key, stage) not in self._reached:
            self._reached.add((key, stage))
            del self._of_run[key]

    def at_start(self) -> int:
        """Counts a death before the worker was ready; how many in a row."""
        self._starts += 1
        return self._starts

    def started(self) -> None:
        self._starts = 0


def _num_oom_kills() -> int:
    """How many processes the kernel has killed for want of memory; 0 where it does not say."""
    total = 0
    for path in ("/sys/fs/cgroup/memory.events", "/proc/vmstat"):
        with contextlib.suppress(OSError):
            for line in Path(path).read_text(encoding="ascii").splitlines():
                name, _, count = line.partition(" ")
                total += int(count) if name == "oom_kill" else 0
    return total
