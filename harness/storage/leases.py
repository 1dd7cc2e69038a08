"""Who is at work on something, and whether they still are: the lease a run or a trial carries.

An owner on this machine is alive when its process is; any other is believed until its lease ends.
"""

import os
import socket
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LEASE_S = 120.0
"""How long an owner on another machine is believed without a sign of life."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: machine, process id, and when it started, because ids are used again."""

    host: str
    pid: int
    started: str

    def __str__(self) -> str:
        """``host/pid/started``; ``parse_owner`` reads it back."""
        return f"{self.host}/{self.pid}/{self.started}"


def this_process() -> Owner:
    """The owner that is asking."""
    pid = os.getpid()
    return Owner(socket.gethostname(), pid, _start_of(pid) or "")


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
    if owner is None or owner.host != socket.gethostname():
        return lease_ends > time.time()
    started = _start_of(owner.pid)
    # Leases once held the ticks alone, and nothing at all where there is no /proc.
    return started is not None and owner.started in (started, started.partition("@")[0], "")


def _start_of(pid: int) -> str | None:
    """When a running process started, None when there is none.

    On Linux in ticks since the boot and which boot that was, as psutil's seconds since the epoch
    move with the system's clock.
    """
    if sys.platform != "linux":
        return _creation_time(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else f"{fields[18]}@{_boot_id()}"


def _creation_time(pid: int) -> str | None:
    import psutil  # 10 ms that no start on Linux has to wait for

    try:
        process = psutil.Process(pid)
        gone = process.status() == psutil.STATUS_ZOMBIE
        return None if gone else repr(process.create_time())
    except psutil.Error:
        return None


@cache
def _boot_id() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip() if _BOOT_ID.is_file() else ""
