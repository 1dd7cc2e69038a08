"""Every error the harness raises on purpose, and the exit code each one means.

    HarnessError
    ├── ConfigError (ValueError)        2   a specification file or option is wrong
    ├── DataError (ValueError)          2   a corpus, benchmark or predictions file is wrong
    ├── MissingExtra (ImportError)      2   an optional program or library is not installed
    ├── TrainingError (RuntimeError)    3   training stopped: non-finite loss, out of memory
    └── EvaluationError (RuntimeError)  3   a model or a metric could not be run to its end

The other exit codes are answers, not errors: 0 done, 1 "the answer is no" (``check``: regression,
``doctor``: something required is missing), 4 ``check`` cannot decide, 130 interrupted.
The command line prints message and hint of these, never a traceback; any other exception is a bug.
"""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

EXIT_DONE = 0
EXIT_NO = 1
EXIT_USER = 2
EXIT_FAILED = 3
EXIT_UNDECIDED = 4
EXIT_INTERRUPTED = 130


class HarnessError(Exception):
    """Root of the tree: a message for the user, an optional hint, an exit code."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """The message, with the hint on a line of its own."""
        return self.message if self.hint is None else f"{self.message}\n{self.hint}"


class ConfigError(HarnessError, ValueError):
    """A specification or an option is wrong; the message lists every fault of the file at once."""

    exit_code = EXIT_USER


class DataError(HarnessError, ValueError):
    """A data file is wrong; the message names file and line, what was found and what is allowed."""

    exit_code = EXIT_USER


class MissingExtra(HarnessError, ImportError):
    """Something optional is needed and not installed; the hint says how to get it."""

    exit_code = EXIT_USER


class TrainingError(HarnessError, RuntimeError):
    """Training cannot go on; the message says at which step and why."""


class EvaluationError(HarnessError, RuntimeError):
    """A model or a metric could not be run to its end."""


def raise_all(errors: Sequence[HarnessError]) -> None:
    """One DataError of all that is wrong, if anything is: messages first, then the hints."""
    if errors:
        hints = [error.hint for error in errors if error.hint is not None]
        raise DataError(
            "\n".join(dict.fromkeys(error.message for error in errors)),
            "\n".join(dict.fromkeys(hints)) or None,
        )


def join_faults(where: str, faults: Iterable[str]) -> str:
    """One message for all faults of one file, a line each, every line naming the file.

    >>> print(join_faults("a.yaml", ["seed: found 'x', allowed an integer"]))
    a.yaml: seed: found 'x', allowed an integer
    """
    return "\n".join(f"{where}: {fault}" for fault in faults)


def unknown_name(what: str, name: str, known: Sequence[str]) -> str:
    """The sentence for a name that is not there, with the nearest that is.

    >>> unknown_name("variant", "sfft", ["radis", "sft"])
    "unknown variant 'sfft'; did you mean 'sft'? (known: radis, sft)"
    """
    near = difflib.get_close_matches(name, known, n=1)
    meant = f" did you mean {near[0]!r}?" if near else ""
    listed = f" (known: {', '.join(known)})" if known else ""
    return f"unknown {what} {name!r}{';' if meant else ''}{meant}{listed}"


def existing(path: Path, kind: type[HarnessError] = DataError, hint: str | None = None) -> Path:
    """The path, if a file or a folder is there.

    Args:
        path: Of either.
        kind: Raised if there is none, with the nearest name beside it.
        hint: What else to say then.
    """
    if path.exists():
        return path
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    meant = f"did you mean {path.with_name(near[0])}?" if near else None
    raise kind(f"{path}: no such file", "\n".join(filter(None, (meant, hint))) or None)


def existing_file(
    path: Path, kind: type[HarnessError] = DataError, hint: str | None = None
) -> Path:
    """The path, if a file is there; raises as ``existing`` does, and of a folder."""
    if path.is_dir():
        raise kind(f"{path}: is a folder, allowed a file")
    return existing(path, kind, hint)
