"""Files and folders that are there whole or not at all, whoever is killed and whatever fails.

What is written has a draft's name first, is put on the disk, then renamed; the folder that holds
the name is put on the disk last.
"""

import contextlib
import errno
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from harness.records import JSON
from harness.storage import leases

_DRAFT = ".draft"
_APART = "~"
"""Between the parts of a draft's name; no name of a machine has it."""
_LONGEST = 64
"""Bytes of a file's name in that of its draft, which may have 255 with machine and process."""
_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""What file systems say that put no folder on the disk, as some of the network and of programs."""


def write_whole(path: Path, content: bytes | str | Callable[[IO[bytes]], object]) -> None:
    """Writes a file, in the place of the one that was there; any number may write it at once.

    Args:
        path: Of the file; its folder is made if it is not there.
        content: Text is written as UTF-8; a function writes into the open file it is given.

    Raises:
        OSError: It cannot be written, and ``path`` is as it was; names ``path``, not the draft.
    """
    with _draft_of(path) as draft:
        with draft.open("xb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        _sync(path.parent)


def write_rows(path: Path, rows: Iterable[Mapping[str, JSON]]) -> None:
    """Writes JSON lines, one object each; the folder is made if it is not there.

    Half a pair of code units, which UTF-8 cannot hold, is written as JSON escapes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def publish_once(path: Path, make: Callable[[Path], object]) -> None:
    """Makes a file under another name and puts it in place, unless it is there by then.

    Args:
        path: Of the file; its folder is made if it is not there.
        make: Fills the path it is given, in the same folder; never given the same one twice, since
            a library may remember what it made by name.

    Raises:
        OSError: It cannot be written.
    """
    if path.exists():
        return
    with _draft_of(path) as draft:
        make(draft)
        _sync(draft)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another was quicker: theirs is as good
        except OSError:  # a file system without links
            os.rename(draft, path)
        _sync(path.parent)


def publish_folder(draft: Path, path: Path) -> None:
    """Gives a folder that is complete its name, which no folder with files has."""
    for file in draft.rglob("*"):
        _sync(file)
    _sync(draft)
    os.rename(draft, path)
    _sync(path.parent)


@contextlib.contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    """A path beside it that no other process or thread has, gone afterwards."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear(path)
    owner = str(leases.this_process()).split("/")
    draft = path.with_name("." + _APART.join((*owner, uuid.uuid4().hex, _tail(path))) + _DRAFT)
    try:
        yield draft
    except OSError as error:
        if error.filename not in (None, str(draft)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        draft.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    """Removes drafts whose makers are gone."""
    for other in path.parent.glob(f".*{_APART}*{_DRAFT}*"):
        *owner, _, name = other.name[1:].split(_APART, 4)
        if not name.startswith(_tail(path) + _DRAFT):
            continue
        with contextlib.suppress(FileNotFoundError):  # its maker is just done with it
            ends = leases.ends(other.stat().st_mtime)
            if not leases.is_alive(leases.parse_owner("/".join(owner)), ends):
                other.unlink()


def _tail(path: Path) -> str:
    """What a draft's name has of the file's: all, or where that is long what is as good as it."""
    name = os.fsencode(path.name)
    return path.name if len(name) <= _LONGEST else hashlib.sha256(name).hexdigest()[:_LONGEST]


def _sync(path: Path) -> None:
    """Puts a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)
