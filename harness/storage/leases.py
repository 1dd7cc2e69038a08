"""Who is at work on something, and whether they still are: the lease a run or a trial carries.

An owner on this machine is alive when its process is; any other is believed until its lease ends.
"""

import os
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LEASE_S = 120.0
"""How long an owner on another machine is believed without a sign of life."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: machine, process id, and when it started, because ids are used again."""

    host: str
    pid: int
    started: str

    def __str__(self) -> str:
        """``host/pid/started``; ``parse_owner`` reads it back."""
        return f"{self.host}/{self.pid}/{self.started}"


@cache
def _owner_of(pid: int) -> Owner:
    return Owner(socket.gethostname(), pid, _start_of(pid) or "")


def this_process() -> Owner:
    """The owner that is asking."""
    return _owner_of(os.getpid())


def parse_owner(text: str) -> Owner | None:
    """The owner a text names, None when it names none."""
    host, _, rest = text.partition("/")
    pid, _, started = rest.partition("/")
    return Owner(host, int(pid), started) if host and pid.isdigit() else None


def ends(now: float | None = None) -> float:
    """When a lease taken now runs out, in seconds since the epoch."""
    return (time.time() if now is None else now) + LEASE_S


def is_alive(owner: Owner | None, lease_ends: float) -> bool:
    """Whether to leave alone what this owner holds."""
    if owner is not None and owner.host == socket.gethostname():
        started = _start_of(owner.pid)
        return started is not None and started == owner.started
    return lease_ends > time.time()


def _start_of(pid: int) -> str | None:
    """Start time of a running process, None when there is none; "" where it cannot be told."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        return _start_without_proc(pid)
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else fields[18]


def _start_without_proc(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""
