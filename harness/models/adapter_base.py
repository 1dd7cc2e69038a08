"""Which model an adapter was trained on, kept beside its weights, and compared before it is used.

PEFT names the base by its path. Two models of one shape take each other's adapters without a
word, so the harness keeps a hash of the base's weights as well. Torch-free.
"""

import json
import logging
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from harness.models.folder import (
    ADAPTER_CONFIG,
    adapter_folder,
    model_folder,
    pickled_files,
    read_json,
    weight_files,
)
from harness.models.identity import BASE_FILE, content_hash, folder_hash
from harness.models.spec import ModelSpec
from harness.settings.spec import digest

Verdict: TypeAlias = Literal["the same", "another", "not verified"]

_CACHED = re.compile(r"models--(?:.+--)?([^/]+)/snapshots/")
"""The name of a hub model in the path of a copy of it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BaseOfAdapter:
    """Whether an adapter is put on the model it was trained on.

    Attributes:
        verdict: ``the same`` by the weights' content, ``another`` by that or by its name;
            ``not verified`` where only the names agree, or none is given.
        named: What the adapter calls its base; "" where it has no name for it.
    """

    verdict: Verdict
    named: str


def save_base(folder: Path, spec: ModelSpec) -> None:
    """Writes into an adapter's folder what it was trained on."""
    facts = {"path": spec.path, **_content(spec)}
    (folder / BASE_FILE).write_text(f"{json.dumps(facts, indent=2)}\n", encoding="utf-8")


def base_of(adapter: Path, spec: ModelSpec) -> BaseOfAdapter:
    """What an adapter says of its base, held against the model it is to be put on.

    Args:
        adapter: The adapter's folder.
        spec: The model; an adapter that it names is merged into it first.

    Raises:
        ConfigError: One of the folders is missing or not whole.
    """
    folder = adapter_folder(str(adapter))
    kept = read_json(folder / BASE_FILE)
    if kept:
        content = _content(spec)
        is_same = all(kept.get(name) == content[name] for name in content)
        merged = "" if kept.get("adapter") is None else " with another adapter merged into it"
        return BaseOfAdapter("the same" if is_same else "another", f"{kept.get('path')}{merged}")
    named = str(read_json(folder / ADAPTER_CONFIG).get("base_model_name_or_path") or "")
    if not named:
        return BaseOfAdapter("not verified", "")
    if weights := _weights(Path(named)):
        is_same = weights == _weights(model_folder(spec)) and spec.adapter is None
        return BaseOfAdapter("the same" if is_same else "another", named)
    agree = _short(named) in {_short(spec.path), _short(str(model_folder(spec)))}
    return BaseOfAdapter("not verified" if agree else "another", named)


def warn_of_another_base(adapter: Path, spec: ModelSpec) -> Verdict:
    """Says so where an adapter was trained on another model than it is to be put on.

    Raises:
        ConfigError: One of the folders is missing or not whole.
    """
    base = base_of(adapter, spec)
    if base.verdict == "another":
        merged = "" if spec.adapter is None else f" with {spec.adapter} merged into it"
        _warn(adapter, base.named, f"{spec.path}{merged}")
    return base.verdict


@cache
def _warn(adapter: Path, named: str, model: str) -> None:
    """Once a process: a run looks at its adapters before it begins, and when it loads them."""
    logger.warning(
        "%s: the adapter was trained on %s, and that is not %s: what comes out is neither of the "
        "two tuned",
        adapter,
        named,
        model,
    )


def _content(spec: ModelSpec) -> dict[str, str | None]:
    adapter = None if spec.adapter is None else folder_hash(adapter_folder(spec.adapter))
    return {"weights": _weights(model_folder(spec)), "adapter": adapter}


def _weights(folder: Path) -> str:
    """Hash of a model's weights, whatever the files are called; "" where there are none."""
    files = weight_files(folder) or pickled_files(folder)
    return digest(sorted(map(content_hash, files))) if files else ""


def _short(name: str) -> str:
    """The last part of a path or of a hub id.

    >>> _short("meta-llama/Llama-3.2-1B"), _short("hub/models--a--b-c/snapshots/12ab")
    ('llama-3.2-1b', 'b-c')
    """
    cached = _CACHED.search(name)
    return (cached[1] if cached else name.rstrip("/").rpartition("/")[2]).casefold()
