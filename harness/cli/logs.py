"""Where log lines go: to stderr, the harness's own as ``-v`` and ``-q`` say."""

import logging
import sys
from typing import TextIO

import click

FORMAT = "%(levelname)s %(name)s: %(message)s"


class _CurrentStderr(logging.StreamHandler[TextIO]):
    """Writes to whatever ``sys.stderr`` is now, so that a redirection is never missed."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """The standard error stream of this moment."""
        return sys.stderr


def configure_logging(level: int = logging.WARNING) -> None:
    """One handler on stderr: the harness from ``level`` up, other libraries from warnings up.

    Warnings of libraries (``warnings.warn``) are log lines too, shown with ``--verbose`` only:
    what a user can mend is said by the harness itself.
    """
    root = logging.getLogger()
    if not any(isinstance(handler, _CurrentStderr) for handler in root.handlers):
        handler = _CurrentStderr()
        handler.setFormatter(logging.Formatter(FORMAT))
        root.addHandler(handler)
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("harness").setLevel(level)
    logging.captureWarnings(True)
    verbose = level < logging.WARNING
    logging.getLogger("py.warnings").setLevel(logging.WARNING if verbose else logging.ERROR)


def is_quiet() -> bool:
    """Whether ``-q`` was given: no progress either."""
    return logging.getLogger("harness").level >= logging.ERROR


def on_verbose(ctx: click.Context, param: click.Parameter, count: int) -> None:
    """Callback of ``-v``: once for a line per stage, twice for everything."""
    if count:
        configure_logging(logging.INFO if count == 1 else logging.DEBUG)


def on_quiet(ctx: click.Context, param: click.Parameter, quiet: bool) -> None:
    """Callback of ``-q``: errors only."""
    if quiet:
        configure_logging(logging.ERROR)
