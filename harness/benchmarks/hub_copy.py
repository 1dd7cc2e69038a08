"""Data sets of the Hugging Face hub: of a copy in the data folder, else from the hub or its cache.

A copy is converted into a folder that is gone once its rows are in memory. `datasets` would keep
them in its own cache under the last part of the copy's name, and give them back when the files had
been edited, or when another data folder had other files of that name.
"""

import logging
import tempfile
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetsError

from harness.benchmarks.source import HUB
from harness.data.bars import without_bars
from harness.storage.hashes import folder_stamp

logger = logging.getLogger(__name__)

LOAD_ERRORS = (OSError, ValueError, RuntimeError, KeyError, DatasetsError)
"""What comes of data that are not there, cut off or of another form than they say."""

_load = datasets.load_dataset


def load_hub(
    hub_id: str, name: str | None, *places: Any, data: Path | None, **settings: Any
) -> Any:
    """A data set, of its copy at ``hub/<id>`` in the data folder if there is one.

    Args:
        hub_id: Its id, or whatever else ``datasets.load_dataset`` takes.
        name: Of its configurations.
        places: Further arguments of ``datasets.load_dataset`` by position.
        data: The data folder; None when the user named none.
        settings: Further arguments by name.
    """
    copy = None if data is None else data / HUB / hub_id
    with without_bars():
        if copy is None or not copy.is_dir():
            logger.info("%s: no copy in a data folder: from the hub, or its cache", hub_id)
            return _load(hub_id, name, *places, **settings)
        with tempfile.TemporaryDirectory(prefix="harness-hub-") as folder:
            own = {**settings, "cache_dir": folder, "keep_in_memory": True}
            return _load(str(copy.resolve()), name, *places, **own)


def copies_stamp(data: Path | None) -> str:
    """What changes whenever a file of a copy does; "" without copies."""
    return "" if data is None else folder_stamp(data / HUB)
