"""What a model is, as plain data, without loading it: the identity every stage builds on.

Torch-free. Weights and configuration enter by content, so a moved or renamed folder stays the same
model, and an edited one does not.
"""

import hashlib
import json
import os
from functools import cache
from pathlib import Path

from harness.models.devices import device_kind
from harness.models.folder import (
    adapter_folder,
    chat_template,
    model_folder,
    pickled_files,
    read_json,
)
from harness.models.spec import ModelSpec
from harness.models.thoughts import thinking
from harness.records import JSON
from harness.settings.spec import digest, file_sha256
from harness.storage.files import write_whole

_UNHASHED = {"README.md", "LICENSE", "RECIPE.json", ".gitattributes"}
_HASHED_SUFFIXES = {".safetensors", ".json", ".model", ".txt", ".jinja", ".py"}
_CHOICES = ("attention", "quantise")
"""Settings that change numbers, and of which None is how it was before there were any."""
_LARGE = 64 * 2**20
"""Files from this size on keep their hash on disk: hashing 14 GB takes ten seconds a process."""


def model_identity(spec: ModelSpec) -> dict[str, JSON]:
    """Content hash, chat template hash, dtype, device kind and threads; what else was chosen.

    Raises:
        ConfigError: The model's files are not there or not whole.
    """
    folder = model_folder(spec)
    template = chat_template(folder, spec.chat_template) or ""
    identity: dict[str, JSON] = {
        "content": folder_hash(folder),
        "chat_template": hashlib.sha256(template.encode()).hexdigest(),
        "dtype": spec.dtype,
        "device": device_kind(spec),
        "threads": spec.threads,
    }
    if spec.adapter is not None:
        identity["adapter"] = folder_hash(adapter_folder(spec.adapter))
    pickled = pickled_files(folder)
    if pickled:
        identity["pickled"] = [content_hash(file) for file in pickled]
    identity |= {name: value for name in _CHOICES if (value := getattr(spec, name)) is not None}
    if thinking(template) is not None:
        identity["thinking"] = thinking(template)
    return identity


def folder_hash(folder: Path) -> str:
    """sha256 over the names and contents of all files that make the model what it is.

    Of an adapter's configuration the paths are left out: they say where its base lay, not what it
    is.
    """
    hashes = {
        str(file.relative_to(folder)): content_hash(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix in _HASHED_SUFFIXES and file.name not in _UNHASHED
    }
    return digest(hashes)


def content_hash(file: Path) -> str:
    """sha256 of a file, remembered on disk for large ones."""
    if file.name == "adapter_config.json":
        config = dict(read_json(file))
        config.pop("base_model_name_or_path", None)
        return digest(config)
    facts = file.resolve().stat()
    return _file_hash(str(file.resolve()), facts.st_size, facts.st_mtime_ns)


@cache
def _file_hash(path: str, size: int, modified: int) -> str:
    if size < _LARGE:
        return file_sha256(Path(path))
    cache_home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(cache_home).expanduser() / "mt-tuning-harness" / "sha256"
    entry = folder / digest([path, size, modified])
    try:
        return str(json.loads(entry.read_text(encoding="utf-8"))["sha256"])
    except (OSError, ValueError, KeyError):
        sha256 = file_sha256(Path(path))
    write_whole(entry, json.dumps({"path": path, "sha256": sha256}))
    return sha256
