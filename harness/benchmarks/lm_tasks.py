"""Tasks of lm-eval's as benchmarks: its prompts, its few-shot examples, its metrics.

What identifies their predictions is every request as lm-eval renders it, so that data, wording and
examples are all in it.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lm_eval.tasks import TaskManager

from harness.benchmarks.hub_copy import LOAD_ERRORS, copies_stamp
from harness.benchmarks.lm_file import LmTask
from harness.benchmarks.lm_patches import copies_first
from harness.benchmarks.source import HUB
from harness.errors import ConfigError, DataError, unknown_name
from harness.records import JSON

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
        seen.update(json.dumps(request.args, default=str, ensure_ascii=False).encode())
        prompt = json.loads(request.args[0])[-1]["content"]
        rows.setdefault(request.doc_id, {"id": str(request.doc_id), "prompt": prompt})
    kind = task.OUTPUT_TYPE
    if kind not in ("generate_until", "multiple_choice"):
        raise ConfigError(
            f"lm_eval: {task.task_name}: its requests are {kind}, allowed: generate_until and "
            "multiple_choice"
        )
    version = str((task.get_config("metadata") or {}).get("version", task.VERSION))
    return LmTask(
        task.task_name, task, tuple(rows.values()), seen.hexdigest(), shots, version, kind
    )


def as_json(chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
    """The chat as JSON, which is what lm-eval carries as a prompt here."""
    return json.dumps(chat_history, ensure_ascii=False)
