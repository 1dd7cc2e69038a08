"""A file that is there whole or not at all, made once however many begin to."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path


def publish_once(path: Path, make: Callable[[Path], object]) -> None:
    """Makes a file under another name and puts it in place, unless it is there by then.

    Whoever is killed while making it leaves nothing under the name itself; what they leave beside
    it the next one removes.

    Args:
        path: Of the file; its folder is made if it is not there.
        make: Fills the path it is given, in the same folder; never given the same one twice, since
            a library may remember what it made by name.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex}.draft")
    _clear(path)
    try:
        make(draft)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another was quicker: theirs is as good
        except OSError:  # a file system without links
            os.rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _clear(path: Path) -> None:
    """Removes drafts whose makers are gone."""
    for left in path.parent.glob(f".{path.name}.*.draft*"):
        maker = int(left.name.removeprefix(f".{path.name}.").partition(".")[0])
        if maker == os.getpid() or not _is_alive(maker):
            left.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
