"""What of lm-eval is replaced, all of it here; looked at again whenever its version moves.

Checked against lm-eval 0.4.13: ``lm_eval/api/task.py`` reads its globals ``tqdm`` and ``datasets``,
``lm_eval/utils.py`` renders every template through ``env.from_string``.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import lm_eval.api.task
import lm_eval.utils

from harness.benchmarks.source import HUB

# lm-eval shows a progress bar per benchmark and logs its settings at every call; what a user should
# see is said by whoever calls. And it compiles a template anew for every item, which took nine
# tenths of its time: 7.1 s of CPU for 34 benchmarks of 100 items, 0.7 s with this.
lm_eval.api.task.tqdm = lambda rows, **_: rows
lm_eval.utils.env.from_string = cache(lm_eval.utils.env.from_string)
logging.getLogger("lm_eval").setLevel(logging.ERROR)


@contextmanager
def copies_first(data: Path | None) -> Iterator[None]:
    """Tasks of lm-eval's that are made meanwhile take copies of data sets in the data folder."""
    if data is None:
        yield
        return
    lm_eval.api.task.datasets = _Library((data / HUB).resolve())
    try:
        yield
    finally:
        lm_eval.api.task.datasets = datasets


class _Library:
    """``datasets`` as lm-eval sees it while its tasks are made: copies in a folder come first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getattr__(self, name: str) -> Any:
        return getattr(datasets, name)

    def load_dataset(self, path: str, name: str | None = None, **settings: Any) -> Any:
        """The data set, of its copy if there is one."""
        copy = self._folder / path
        return datasets.load_dataset(str(copy) if copy.is_dir() else path, name, **settings)
