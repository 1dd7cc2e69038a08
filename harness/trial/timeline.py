"""What happens in a run as it happens: stages begin, go on and end, each with its wall time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.protocols import OnEvent, OnProgress
from harness.records import StageEvent


class Timeline:
    """Tells of the stages of a run.

    Args:
        on_event: Whom to tell.
    """

    def __init__(self, on_event: OnEvent) -> None:
        self.on_event = on_event

    @contextmanager
    def stage(self, name: str, *, reused: bool = False) -> Iterator[None]:
        self.on_event(StageEvent(name, "started"))
        start = time.monotonic()
        yield
        seconds = 0.0 if reused else time.monotonic() - start
        self.on_event(StageEvent(name, "reused" if reused else "done", 1.0, seconds))

    def progress(self, name: str) -> OnProgress:
        return lambda fraction: self.on_event(StageEvent(name, "progress", fraction))
