"""One training shared by several processes of this machine: they are started, watched and ended.

The process that asks leads. The others are programs of their own (``python -m
harness.trial.launch``) that load the same model, read the same examples and train as the first
does, into a folder nobody keeps. They end at once when the first does, whatever they are doing.
"""

import contextlib
import logging
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, TrainingError
from harness.models.load import take_device
from harness.storage.store import Store
from harness.training.team import ALONE, Process, Team
from harness.trial.resources import Resources
from harness.trial.timeline import Timeline
from harness.trial.train import TrainingJob, train_adapter

logger = logging.getLogger(__name__)

_ORPHANED = 1
_ENDS_WITHIN_S = 60.0


@dataclass(frozen=True)
class _Rank:
    """Which of how many processes, and where they find each other."""

    rank: int
    size: int
    folder: Path


@contextlib.contextmanager
def team_for(job: TrainingJob) -> Iterator[Team]:
    """The processes ``train.processes`` asks for, of which this is the first; then their end.

    Raises:
        TrainingError: One of the processes died.
    """
    size = job.config.train.processes
    if size == 1:
        yield ALONE
        return
    _stay_on_this_machine()
    with tempfile.TemporaryDirectory(prefix="harness-team-") as name:
        folder = Path(name)
        others = [_Other(job, _Rank(rank, size, folder)) for rank in range(1, size)]

        def check() -> None:
            for other in others:
                other.check()

        team = Process(0, size, folder, check)
        try:
            yield team
            for other in others:
                other.finish()
        finally:
            for other in others:
                other.kill()
            team.disconnect()


class _Other:
    """The leading process's view of another."""

    def __init__(self, job: TrainingJob, member: _Rank) -> None:
        self._rank = member
        self._log = member.folder / f"process-{member.rank}.log"
        found_here = os.pathsep.join(path or os.getcwd() for path in sys.path)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # -P: modules are looked for where this process finds them, not where it works
                [sys.executable, "-P", "-m", "harness.trial.launch"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": found_here},
                # It outlives a kill of the first's whole group, by as long as cleaning up takes.
                start_new_session=True,
            )
        assert self._process.stdin is not None
        # It stays open: its end is how the other learns that this process is no more.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(pickle.dumps((job, member)))
            self._process.stdin.flush()

    def check(self) -> None:
        """Raises where it died.

        Raises:
            TrainingError: With the last that it said.
        """
        if self._process.poll() is None:
            return
        words = self._log.read_text(encoding="utf-8", errors="replace").strip()
        number, size = self._rank.rank + 1, self._rank.size
        raise TrainingError(
            f"process {number} of {size} ended with exit status {self._process.returncode}: "
            f"{words.splitlines()[-1] if words else 'it said nothing'}",
            "train.processes: 1 trains in this process alone.",
        )

    def finish(self) -> None:
        """Waits for its end, which is near."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(_ENDS_WITHIN_S):
                logger.warning(
                    "process %d ended with exit status %d, behind its work",
                    self._rank.rank + 1,
                    self._process.returncode,
                )

    def kill(self) -> None:
        """Ends it, if it has not ended, and passes on what it warned of."""
        assert self._process.stdin is not None
        # Dead before its input ends: at that it would delete the folder, the log within.
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines():
            logger.debug("process %d: %s", self._rank.rank + 1, line)


def _stay_on_this_machine() -> None:
    # gloo asks for the host's own name, which not every machine can resolve
    for name in ("lo", "lo0"):
        if name in (interface for _, interface in socket.if_nameindex()):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)


def _take_part(job: TrainingJob, member: _Rank) -> None:
    """Trains as the leading process does; nothing of it is kept."""
    config, store = job.config, Store(job.store)
    timeline = Timeline(lambda event: None)
    resources = Resources(config, store, timeline)
    take_device(config.model, member.rank)
    team = Process(member.rank, member.size, member.folder)
    with tempfile.TemporaryDirectory(dir=member.folder) as folder:
        train_adapter(Path(folder), job, resources, team=team)
    team.disconnect()


def _end_with_the_leader(folder: Path) -> None:
    # Not through sys.stdin: a thread that waits inside its buffer stops Python from ending.
    while os.read(sys.stdin.fileno(), 1):
        pass
    # Killed, the leader could not; where it is at its end, both do.
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(_ORPHANED)


def main() -> None:
    """What a process that takes part does; its part is in what it reads."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    job, member = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_the_leader, args=[member.folder], daemon=True).start()
    try:
        _take_part(job, member)
    except HarnessError as error:
        sys.exit(" ".join(str(error).splitlines()))


if __name__ == "__main__":
    main()
