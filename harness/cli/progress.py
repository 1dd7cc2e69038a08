"""One run as it goes: bars with the time left on a terminal."""

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
from rich.text import Text

from harness.cli.display import Display
from harness.cli.output import duration, number
from harness.records import Event, StageEvent, StepEvent

PLAIN_EVERY_S = 10.0


class RunProgress(Display):
    """Shows the events of a run; stages of one kind (``predictions/...``) share a line.

    It is the ``on_event`` of a library function, and leaves one line on what took how long.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(PLAIN_EVERY_S, quiet=quiet)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._seconds: dict[str, float] = {}
        self._note = ""

    def __exit__(self, *raised: object) -> None:
        super().__exit__(*raised)
        spent = [
            f"{name} {duration(seconds)}"
            for name, seconds in self._seconds.items()
            if seconds >= 0.5
        ]
        if spent and not self.quiet:
            self.console.print(Text(f"made: {', '.join(spent)}"), soft_wrap=True)

    def __call__(self, event: Event) -> None:
        """Shows an event."""
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
        if event.note and not self.quiet:
            self.console.print(Text(f"{name}: {event.note}"), soft_wrap=True)
        if event.state == "progress":
            self._show(name, event.fraction)
        elif event.state == "started":
            self._show(name, 0.0)
        elif name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))
        if event.state == "done":
            self._seconds[name] = self._seconds.get(name, 0.0) + (event.seconds or 0.0)

    def _show(self, name: str, fraction: float | None, note: str = "") -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=1.0, note="")
        total = None if fraction is None else 1.0
        self._bars.update(self._tasks[name], completed=fraction or 0.0, total=total, note=note)
        share = "" if fraction is None else f" {fraction:.0%}"
        self.draw(self._bars, f"{name}{share} {note}".rstrip())
