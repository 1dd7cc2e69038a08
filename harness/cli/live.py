"""A sweep as it goes.

On a terminal: one line for the sweep, one for each worker, and above them a line for each trial
that ended, which stays.
"""

from collections.abc import Mapping

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from harness.cli.display import Display
from harness.cli.output import duration, number
from harness.records import JSON, SummaryKey
from harness.sweep.progress import Notice, Snapshot, SweepNews, TrialEnded, WorkerView

PLAIN_EVERY_S = 30.0
_BAR_WIDTH = 16


class LiveView(Display):
    """Shows the news of a sweep; the ``on_progress`` of ``run_sweep``.

    Args:
        quiet: Show nothing but failures and notices.
        console: Where; stderr by default.
    """

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        super().__init__(PLAIN_EVERY_S, quiet=quiet, console=console)

    def __call__(self, news: SweepNews) -> None:
        """Shows something."""
        match news:
            case Snapshot():
                workers = "; ".join(map(_doing, news.workers))
                self.draw(_picture(news), f"{_headline(news)} | {workers}")
            case TrialEnded():
                if not self.quiet or news.reason is not None:
                    self.console.print(_ended(news))
            case Notice(text):
                self.console.print(Text(f"note: {text}", style="yellow"))


def _picture(snapshot: Snapshot) -> Group:
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
    head = Table.grid(padding=(0, 1))
    head.add_column(no_wrap=True)
    head.add_column(no_wrap=True, overflow="ellipsis")
    done = snapshot.runs_done / max(snapshot.runs_total, 1)
    head.add_row(_bar(done), Text(_headline(snapshot), style="bold"))
    return Group(head, grid)


def _bar(fraction: float | None) -> ProgressBar:
    return ProgressBar(total=1.0, completed=min(fraction or 0.0, 1.0), width=_BAR_WIDTH)


def _headline(snapshot: Snapshot) -> str:
    """Trials done, failed and running, what was found, and the time left.

    >>> _headline(
    ...     Snapshot("s", 12, complete=4, failed=1, running=2, front=3, seconds_left=95.0)
    ... )
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
