"""Tasks of lm-eval's as benchmarks: its prompts, its few-shot examples, its metrics.

What identifies their predictions is every request as lm-eval renders it, so that data, wording,
examples and decoding are all in it; the items with their right answers, since what is kept of an
answer is what the task's metrics gave it; and the task's definition with lm-eval's version, which
are these metrics.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from lm_eval.tasks import TaskManager

from harness.benchmarks.hub_copy import LOAD_ERRORS, copies_stamp
from harness.benchmarks.lm_file import FEWSHOT_SEED, LmTask
from harness.benchmarks.lm_patches import copies_first
from harness.benchmarks.source import HUB
from harness.data.bars import without_bars
from harness.errors import ConfigError, DataError, unknown_name
from harness.records import JSON
from harness.settings.spec import digest

_SEEDS = (0, 1234)
"""Of Python's and NumPy's global streams: lm-eval's own defaults."""


def lm_tasks(
    name: str, num_fewshot: int | None, data: Path | None, limit: int | None
) -> tuple[LmTask, ...]:
    """The task of that name, or the tasks of that group or tag.

    Raises:
        ConfigError: lm-eval has none of that name.
        DataError: Its data are neither in the data folder nor to be had.
    """
    return _lm_tasks(name, num_fewshot, data, limit, copies_stamp(data))


@cache
def _lm_tasks(
    name: str, num_fewshot: int | None, data: Path | None, limit: int | None, stamp: str
) -> tuple[LmTask, ...]:
    """Made once a process, as long as no copy of a data set changes, which ``stamp`` says."""
    manager = _manager()
    if name not in manager.all_tasks:
        near = [one for one in manager.all_tasks if one.startswith(name[:3])]
        raise ConfigError(f"lm_eval: {unknown_name('task of lm-eval', name, near[:20])}")
    try:
        with copies_first(data), _seeded():
            tasks = manager.load([name])["tasks"]
    except LOAD_ERRORS as error:
        looked = "no data folder is named" if data is None else f"looked in {data / HUB}"
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"lm_eval: {name}: its data are not to be had: {first} ({looked})",
            "HARNESS_DATA names the data folder; copies of hub data sets go to hub/<id> in it",
        ) from None
    return tuple(_ready(task, num_fewshot, limit) for task in tasks.values())


@cache
def _manager() -> TaskManager:
    return TaskManager()


def _ready(task: Any, num_fewshot: int | None, limit: int | None) -> LmTask:
    shots = task.get_config("num_fewshot") or 0 if num_fewshot is None else num_fewshot
    task.set_config(key="num_fewshot", value=shots)
    task.set_fewshot_seed(seed=FEWSHOT_SEED)
    definition = definition_of(task)
    _keep_items(task)
    task.build_all_requests(limit=limit, rank=0, world_size=1, apply_chat_template=True,
                            chat_template=as_json, tokenizer_name="harness")  # fmt: skip
    rows: dict[int, Mapping[str, JSON]] = {}
    for request in task.instances:
        if request.doc_id not in rows:
            prompt = json.loads(request.args[0])[-1]["content"]
            rows[request.doc_id] = {"id": str(request.doc_id), "prompt": prompt}
    kind = task.OUTPUT_TYPE
    if kind not in ("generate_until", "multiple_choice"):
        raise ConfigError(
            f"lm_eval: {task.task_name}: its requests are {kind}, allowed: generate_until and "
            "multiple_choice"
        )
    version = str((task.get_config("metadata") or {}).get("version", task.VERSION))
    return LmTask(
        task.task_name,
        task,
        tuple(rows.values()),
        asked_sha256(task),
        definition,
        shots,
        version,
        kind,
    )


def asked_sha256(task: Any) -> str:
    """Of all requests of lm-eval's object as they are now, and of the items with their answers."""
    seen, items = hashlib.sha256(), set()
    for request in task.instances:
        seen.update(_canonical(request.args).encode())
        if request.doc_id not in items:
            items.add(request.doc_id)
            seen.update(_canonical([request.doc, task.doc_to_target(request.doc)]).encode())
    return seen.hexdigest()


def _keep_items(task: Any) -> None:
    """Lets a task make its items once.

    lm-eval makes them whenever it looks at them, to ask and again to score, and some tasks shuffle
    the choices: only a cache of the data on disk keeps these from becoming other items.
    """
    make = task.get_config("process_docs")
    items: dict[int, tuple[Any, Any]] = {}

    def once(rows: Any) -> Any:
        if id(rows) not in items:
            with _seeded(), without_bars():
                items[id(rows)] = rows, make(rows)  # kept with them, so that the id stays theirs
        return items[id(rows)][1]

    if make is not None:
        task.set_config(key="process_docs", value=once)


@contextmanager
def _seeded() -> Iterator[None]:
    """The global streams as lm-eval's command line seeds them, for tasks that draw from them."""
    state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(_SEEDS[0])
    np.random.seed(_SEEDS[1])
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)


def definition_of(task: Any) -> str:
    """Digest of a task as lm-eval has it, the source of its functions among it, and of lm-eval."""
    elsewhere = {"dataset_path", "dataset_kwargs", "metadata"}  # the items are known by content
    told = {name: value for name, value in task.dump_config().items() if name not in elsewhere}
    return digest([_without_addresses(_canonical(told)), metadata.version("lm-eval")])


def _canonical(value: Any) -> str:
    def text_of(other: Any) -> str:
        return _without_addresses(str(other))

    return json.dumps(value, default=text_of, ensure_ascii=False)


def _without_addresses(text: str) -> str:
    """A text in which objects name where they lie in memory, the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def as_json(chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
    """The chat as JSON, which is what lm-eval carries as a prompt here."""
    return json.dumps(chat_history, ensure_ascii=False)
