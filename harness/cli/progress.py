"""One run as it goes, on stderr: bars with the time left on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from harness.cli.output import duration, number
from harness.records import Event, StageEvent, StepEvent

PLAIN_EVERY_S = 10.0


class RunProgress:
    """Takes the events of a run; stages of one kind (``predictions/...``) share a line.

    Used as a context manager and as the ``on_event`` of a library function.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(file=sys.stderr, highlight=False, quiet=quiet)
        self._quiet = quiet
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._seconds: dict[str, float] = {}
        self._note = ""
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the display and leaves one line on what took how long."""
        self._bars.stop()
        spent = [
            f"{name} {duration(seconds)}"
            for name, seconds in self._seconds.items()
            if seconds >= 0.5
        ]
        if spent and not self._quiet:
            click.echo(f"made: {', '.join(spent)}", err=True)

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepEvent):
            self._step(event)
        else:
            self._stage(event)

    def _step(self, event: StepEvent) -> None:
        loss = event.metrics.get("train/loss")
        if loss is not None:
            self._note = f"loss {number(loss)}"
        self._show("adapter", event.step / max(event.num_steps, 1), self._note)

    def _stage(self, event: StageEvent) -> None:
        name = event.stage.partition("/")[0]
        if event.note and not self._quiet:
            self._console.print(f"{name}: {event.note}", soft_wrap=True)
        if event.state == "progress":
            self._show(name, event.fraction, "")
        elif event.state == "started":
            self._show(name, 0.0, "")
        elif name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))
        if event.state == "done":
            self._seconds[name] = self._seconds.get(name, 0.0) + (event.seconds or 0.0)

    def _show(self, name: str, fraction: float | None, note: str) -> None:
        if self._bars.disable:
            self._plain_line(name, fraction, note)
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=1.0, note="")
        total = None if fraction is None else 1.0
        self._bars.update(self._tasks[name], completed=fraction or 0.0, total=total, note=note)

    def _plain_line(self, name: str, fraction: float | None, note: str) -> None:
        now = time.monotonic()
        if self._quiet or now - self._last_line < PLAIN_EVERY_S:
            return
        self._last_line = now
        share = "" if fraction is None else f" {fraction:.0%}"
        click.echo(f"{name}{share} {note}".rstrip(), err=True)
