"""Tasks of lm-eval's as benchmarks: its prompts, its few-shot examples, its metrics.

What identifies their predictions is every request as lm-eval renders it, so that data, wording,
examples and decoding are all in it; the items with their right answers, since what is kept of an
answer is what the task's metrics gave it; and the task's definition with lm-eval's version, which
are these metrics.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from lm_eval.tasks import TaskManager

from harness.benchmarks.hub_copy import LOAD_ERRORS, copies_stamp
from harness.benchmarks.lm_file import LmTask
from harness.benchmarks.lm_patches import copies_first
from harness.benchmarks.source import HUB
from harness.errors import ConfigError, DataError, unknown_name
from harness.records import JSON
from harness.settings.spec import digest

_SEED = 1234
"""For the choice of few-shot examples: lm-eval's own default."""


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
        with copies_first(data):
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
    task.set_fewshot_seed(seed=_SEED)
    task.build_all_requests(limit=limit, rank=0, world_size=1, apply_chat_template=True,
                            chat_template=as_json, tokenizer_name="harness")  # fmt: skip
    seen = hashlib.sha256()
    rows: dict[int, Mapping[str, JSON]] = {}
    for request in task.instances:
        seen.update(_canonical(request.args).encode())
        if request.doc_id not in rows:
            seen.update(_canonical([request.doc, task.doc_to_target(request.doc)]).encode())
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
        seen.hexdigest(),
        definition_of(task),
        shots,
        version,
        kind,
    )


def definition_of(task: Any) -> str:
    """Digest of a task as lm-eval has it, the source of its functions among it, and of lm-eval."""
    elsewhere = {"dataset_path", "dataset_kwargs", "metadata"}  # the items are known by content
    told = {name: value for name, value in task.dump_config().items() if name not in elsewhere}
    return digest([_canonical(told), metadata.version("lm-eval")])


def _canonical(value: Any) -> str:
    return json.dumps(value, default=_stable, ensure_ascii=False)


def _stable(value: Any) -> str:
    """What is no JSON as text that is the same in every process: without addresses in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))


def as_json(chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
    """The chat as JSON, which is what lm-eval carries as a prompt here."""
    return json.dumps(chat_history, ensure_ascii=False)
