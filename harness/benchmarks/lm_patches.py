"""What of lm-eval is replaced, all of it here; looked at again whenever its version moves.

Checked against lm-eval 0.4.13: ``lm_eval/api/task.py`` reads its global ``tqdm`` and calls
``datasets.load_dataset``, as tasks with code of their own do; ``lm_eval/utils.py`` renders every
template through ``env.from_string``.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import lm_eval.api.task
import lm_eval.utils

from harness.benchmarks.hub_copy import load_hub
from harness.data.bars import without_bars

# lm-eval shows a progress bar per benchmark and logs its settings at every call; what a user should
# see is said by whoever calls. And it compiles a template anew for every item, which took nine
# tenths of its time: 7.1 s of CPU for 34 benchmarks of 100 items, 0.7 s with this.
lm_eval.api.task.tqdm = lambda rows, **_: rows
lm_eval.utils.env.from_string = cache(lm_eval.utils.env.from_string)
logging.getLogger("lm_eval").setLevel(logging.ERROR)


_data: ContextVar[Path | None] = ContextVar("data", default=None)
"""The data folder, while tasks are made: a task's own code may have kept ``load_dataset``."""


@contextmanager
def copies_first(data: Path | None) -> Iterator[None]:
    """Tasks of lm-eval's that are made meanwhile take copies of data sets in the data folder."""
    token, original = _data.set(data), datasets.load_dataset
    datasets.load_dataset = _load_dataset
    try:
        with without_bars(), redirect_stdout(sys.stderr):  # some say there what they look for
            yield
    finally:
        datasets.load_dataset = original
        _data.reset(token)


def _load_dataset(path: str, name: str | None = None, *places: Any, **settings: Any) -> Any:
    """What ``datasets.load_dataset`` is to the code of a task."""
    return load_hub(path, name, *places, data=_data.get(), **settings)
