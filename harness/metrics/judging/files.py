"""Where the published files of a judge are: prompts, reference answers, answers to compare with.

None is shipped. A path is taken as it stands, else looked for in the data folder.
"""

import os
from pathlib import Path

from harness.benchmarks.data import DATA_VARIABLE
from harness.benchmarks.source import located
from harness.errors import MissingExtra
from harness.settings.spec import file_sha256


def find_file(setting: str, named: str, get: str) -> Path:
    """The file a setting names.

    Args:
        setting: Its dotted path, for the message.
        named: What it says.
        get: Where such a file is to be had.

    Raises:
        MissingExtra: It is nowhere: what needs it is not measured.
    """
    data = os.environ.get(DATA_VARIABLE)
    file = located(named, Path(), Path(data) if data else None)
    if file is not None:
        return file
    where = f"in {data}" if data else f"({DATA_VARIABLE} names it)"
    raise MissingExtra(
        f"{setting}: no such file: {named}, neither here nor in the data folder {where}",
        f"get {get}",
    )


def short_sha256(path: Path) -> str:
    """The beginning of a file's checksum, as signatures have it."""
    return file_sha256(path)[:12]
