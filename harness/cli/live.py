"""A sweep as it goes, on stderr: a display that redraws itself on a terminal, else plain lines.

On a terminal: one line for the sweep, one for each worker, and above them a line for each trial
that ended, which stays.
"""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.cli.output import duration, number
from harness.records import JSON, SummaryKey
from harness.sweep.progress import Notice, Snapshot, SweepNews, TrialEnded, WorkerView

PLAIN_EVERY_S = 30.0
_BAR_WIDTH = 16


class LiveView:
    """Shows the news of a sweep; a context manager and the ``on_progress`` of ``run_sweep``.

    Args:
        quiet: Show nothing but failures and notices.
        console: Where; stderr by default.
    """

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._quiet = quiet
        self._last_line = time.monotonic()
        self._live: Live | None = None
        if self._console.is_terminal and not quiet:
            self._live = Live(console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the display; the lines of the trials stay."""
        if self._live is not None:
            self._live.stop()

    def __call__(self, news: SweepNews) -> None:
        match news:
            case Snapshot() if self._live is not None:
                self._live.update(_display(news))
            case Snapshot():
                self._plain(news)
            case TrialEnded():
                if not self._quiet or news.reason is not None:
                    self._console.print(_ended(news))
            case Notice(text):
                self._console.print(Text(f"note: {text}", style="yellow"))

    def _plain(self, snapshot: Snapshot) -> None:
        now = time.monotonic()
        if not self._quiet and now - self._last_line >= PLAIN_EVERY_S:
            self._last_line = now
            workers = "; ".join(_doing(worker) for worker in snapshot.workers)
            self._console.print(Text(f"{_headline(snapshot)} | {workers}"))


def _display(snapshot: Snapshot) -> Group:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(width=_BAR_WIDTH)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    for worker in snapshot.workers:
        grid.add_row(
            Text(f"worker {worker.worker}", style="dim"),
            _bar(worker.fraction),
            Text(_doing(worker)),
        )
    total = max(snapshot.runs_total, 1)
    head = Table.grid(padding=(0, 1))
    head.add_column(no_wrap=True)
    head.add_column(no_wrap=True, overflow="ellipsis")
    bar = ProgressBar(total=total, completed=min(snapshot.runs_done, total), width=_BAR_WIDTH)
    head.add_row(bar, Text(_headline(snapshot), style="bold"))
    return Group(head, grid)


def _bar(fraction: float | None) -> ProgressBar:
    if fraction is None:
        return ProgressBar(total=1.0, completed=0.0, width=_BAR_WIDTH)
    return ProgressBar(total=1.0, completed=fraction, width=_BAR_WIDTH)


def _headline(snapshot: Snapshot) -> str:
    """Trials done, failed and running, what was found, and the time left.

    >>> _headline(Snapshot("s", "search", 12, 4, 1, 2, 5, 13, 75.0, 95.0, 0.4, 3, ()))
    '4/12 trials, 1 failed, 2 running, front of 3, 1 min 35 s left'
    """
    if snapshot.phase == "confirm":
        parts = [f"confirming on test: {snapshot.runs_done}/{snapshot.runs_total} runs"]
    else:
        parts = [f"{snapshot.complete}/{snapshot.total} trials"]
        if snapshot.failed:
            parts.append(f"{snapshot.failed} failed")
        parts += [f"{snapshot.running} running", f"front of {snapshot.front}"]
    if snapshot.seconds_left is None:
        parts.append(f"{duration(snapshot.seconds)} so far")
    else:
        parts.append(f"{duration(snapshot.seconds_left)} left")
    return ", ".join(parts)


def _doing(worker: WorkerView) -> str:
    """What a worker is at.

    >>> _doing(WorkerView(0, "trial 3", "adapter", 0.5, 1.25))
    'trial 3: adapter 50 %, loss 1.250'
    """
    text = worker.run
    if worker.stage is not None:
        text += f": {worker.stage}"
    if worker.fraction is not None:
        text += f" {worker.fraction * 100:.0f} %"
    if worker.loss is not None and worker.stage == "adapter":
        text += f", loss {number(worker.loss)}"
    return text


def _ended(trial: TrialEnded) -> Text:
    if trial.reason is not None:
        return Text(f"trial {trial.number} failed: {trial.reason}", style="red")
    scores = ", ".join(
        f"{key.suite if isinstance(key, SummaryKey) else key} {value:.3f}"
        for key, value in trial.scores.items()
    )
    line = Text(f"trial {trial.number}: {scores}")
    if not trial.feasible:
        line.append(" (breaks a constraint)", style="yellow")
    line.append(f"  {_short(trial.params)}", style="dim")
    return line


def _short(params: Mapping[str, JSON]) -> str:
    """Settings in a few words: the last part of each path.

    >>> _short({"variant.name": "radis", "train.learning_rate": 0.0051234})
    'radis learning_rate=0.005123'
    """
    words = []
    for path, value in params.items():
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        name = path.partition(":")[0].rpartition(".")[2]
        words.append(text if path == "variant.name" else f"{name}={text}")
    return " ".join(words)
