"""What goes on, on stderr: redrawn in place on a terminal, a plain line now and then elsewhere."""

import time
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text


class Display:
    """A context manager that shows one picture, and lines that stay above it.

    Args:
        plain_every_s: Least time between two plain lines.
        quiet: Show no picture and no plain line.
        console: Where; stderr by default.
    """

    def __init__(
        self, plain_every_s: float, *, quiet: bool = False, console: Console | None = None
    ) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.quiet = quiet
        self._plain_every_s = plain_every_s
        self._last_line = time.monotonic()
        self._live: Live | None = None
        if self.console.is_terminal and not quiet:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._live is not None:
            self._live.stop()

    def draw(self, picture: RenderableType, line: str) -> None:
        """Shows how things stand: the picture on a terminal, elsewhere the line if it is time."""
        now = time.monotonic()
        if self._live is not None:
            self._live.update(picture)
        elif not self.quiet and now - self._last_line >= self._plain_every_s:
            self._last_line = now
            self.console.print(Text(line))
