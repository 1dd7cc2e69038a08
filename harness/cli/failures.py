"""What a failure looks like to the user: a message and an exit code, a traceback only for a bug."""

import contextlib
import errno
import shlex
import sys
import traceback
from collections.abc import Iterator

import click

from harness.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USER, HarnessError

MENDABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
}
"""Faults of the file system that the user can mend: rights, space, a folder where a file is."""


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turns exceptions into a message on stderr and the exit code they stand for."""
    try:
        yield
    except HarnessError as error:
        tell(error)
        raise click.exceptions.Exit(error.exit_code) from None
    except (KeyboardInterrupt, click.Abort):
        again = shlex.join(["harness", *sys.argv[1:]])
        click.echo(f"interrupted; whatever finished is kept, go on with: {again}", err=True)
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from None
    except (click.ClickException, click.exceptions.Exit):
        raise
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        if error.errno not in MENDABLE:
            _tell_bug(error)
        where = f"{error.filename}: " if error.filename else ""
        _tell_error(f"{where}{error.strerror}")
        raise click.exceptions.Exit(EXIT_USER) from None
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "harness":
            _tell_bug(error)
        _tell_error(f"the Python package {error.name!r} is not installed")
        _tell_hint("`make setup` installs what the harness needs; `harness doctor` says what lacks")
        raise click.exceptions.Exit(EXIT_USER) from None
    except Exception as error:
        _tell_bug(error)


def tell(error: HarnessError) -> None:
    """The message of an error, all its lines, then its hint."""
    _tell_error(error.message)
    if error.hint:
        _tell_hint(error.hint)


def _tell_error(message: str) -> None:
    for line in message.splitlines():
        click.echo(f"{click.style('error:', fg='red', bold=True)} {line}", err=True)


def _tell_hint(hint: str) -> None:
    for line in hint.splitlines():
        click.echo(f"{click.style('hint:', fg='cyan')} {line}", err=True)


def _tell_bug(error: Exception) -> None:
    click.echo("".join(traceback.format_exception(error)).rstrip(), err=True)
    click.echo(
        "This is a bug in the harness, no fault of yours: please report it with the lines above.",
        err=True,
    )
    raise click.exceptions.Exit(EXIT_FAILED) from None
