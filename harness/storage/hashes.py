"""Checksums of files, remembered for as long as nothing says that a file may have changed.

A file is known again by its path, size, inode and both times: that of its content can be set back
(`cp -p`, `rsync -t`, images with fixed times), that of its record cannot. A file system keeps time
in ticks, so a file that changed a moment ago may change again unnoticed: it is read each time.
"""

import json
import os
import time
from pathlib import Path

from harness.settings.spec import digest, file_sha256
from harness.storage.files import write_whole

_SETTLED_NS = 2 * 10**9
"""Nanoseconds after which a change of a file shows in its times: two seconds is FAT's tick."""
_LARGE = 64 * 2**20
"""Files from this size on keep their checksum on disk: 14 GB takes ten seconds a process."""

_Stamp = tuple[str, int, int, int, int]
_remembered: dict[_Stamp, str] = {}


def content_sha256(file: Path) -> str:
    """sha256 of a file's bytes, links followed.

    Raises:
        OSError: There is no such file.
    """
    path = file.resolve()
    stamp, now = _stamp(path), time.time_ns()
    if stamp in _remembered:
        return _remembered[stamp]
    entry = _entry(stamp) if stamp[1] >= _LARGE else None
    sha256 = None if entry is None else _read(entry)
    if sha256 is not None:
        _remembered[stamp] = sha256
        return sha256
    sha256 = file_sha256(path)
    if _is_settled(stamp, now) and _stamp(path) == stamp:
        _remembered[stamp] = sha256
        if entry is not None:
            write_whole(entry, json.dumps({"path": str(path), "sha256": sha256}))
    return sha256


def folder_stamp(folder: Path) -> str:
    """What is another whenever a file below a folder may be; "" where there is no such folder."""
    if not folder.is_dir():
        return ""
    walked = os.walk(folder, followlinks=True)
    files = [Path(place, name) for place, _, names in walked for name in names]
    stamps, now = [_stamp(file) for file in files if file.is_file()], time.time_ns()
    moment = [] if all(_is_settled(stamp, now) for stamp in stamps) else [now]
    return digest([*sorted(stamps), moment])


def _stamp(path: Path) -> _Stamp:
    facts = path.stat()
    return str(path), facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


def _is_settled(stamp: _Stamp, now: int) -> bool:
    _, _, _, changed, _ = stamp
    return now - changed > _SETTLED_NS


def _entry(stamp: _Stamp) -> Path:
    cache_home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache_home).expanduser() / "mt-tuning-harness" / "sha256" / digest(list(stamp))


def _read(entry: Path) -> str | None:
    try:
        return str(json.loads(entry.read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, KeyError):
        return None
