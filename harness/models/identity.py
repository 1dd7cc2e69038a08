"""What a model is, as plain data, without loading it: the identity every stage builds on.

Torch-free. Weights and configuration enter by content, so a moved or renamed folder stays the same
model, and an edited one does not.
"""

import hashlib
from datetime import date
from pathlib import Path

from harness.models.chat_template import template_in
from harness.models.devices import device_kind
from harness.models.folder import (
    adapter_folder,
    chat_template,
    model_folder,
    pickled_files,
    read_json,
)
from harness.models.spec import ModelSpec
from harness.models.template_source import written_date
from harness.models.thoughts import thinking
from harness.records import JSON
from harness.settings.spec import digest
from harness.storage.hashes import content_sha256

BASE_FILE = "adapter_base.json"
"""In an adapter's folder: what it was trained on; no part of what it is."""

_UNREAD = {"README.md", "LICENSE", "RECIPE.json", ".gitattributes", BASE_FILE}
_ALWAYS = {".safetensors", ".json", ".model", ".txt", ".jinja", ".py"}
_NEVER = {
    *(".md", ".pdf", ".html", ".ipynb", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp"),
    *(".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".ot", ".onnx", ".gguf", ".tflite"),
    *(".zip", ".tar", ".gz", ".zst", ".lock", ".log", ".tmp", ".metadata", ".pyc"),
}
"""Endings of what is about a model, and of weights in forms that are not read; see ``pickled``."""
_PAPERS = ("readme", "licen", "notice", "copying", "use_policy", "authors", "changelog")
"""How the names of texts begin that are about a model."""
_CHOICES = ("attention", "quantise", "thoughts")
"""Settings that change numbers, and of which None is how it was before there were any."""


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
    chosen = spec.model_dump(mode="json", include=set(_CHOICES))
    identity |= {name: value for name, value in chosen.items() if value is not None}
    identity |= chat_identity(folder, spec.chat_template, spec.chat_date)
    if thinking(template) is not None:
        identity["thinking"] = thinking(template)
    return identity


def chat_identity(
    folder: Path, given: str | None = None, chat_date: date | None = None
) -> dict[str, JSON]:
    """What else is in a prompt: the date that a template writes, the roles it reads as parts.

    Nothing for a template that does neither; of the folder, or the file that is given.

    Raises:
        ConfigError: The template draws at random.
    """
    day = written_date(chat_template(folder, given) or "", chat_date)
    parts = template_in(folder, given, chat_date).parts
    dated: dict[str, JSON] = {} if day is None else {"chat_date": day.isoformat()}
    return {**dated, "parts": [*sorted(parts)]} if parts else dated


def folder_hash(folder: Path) -> str:
    """sha256 over the names and contents of all files that make the model what it is.

    Of an adapter's configuration the paths are left out: they say where its base lay, not what it
    is.
    """
    return digest(
        {str(file.relative_to(folder)): content_hash(file) for file in read_files(folder)}
    )


def read_files(folder: Path) -> list[Path]:
    """The files that a model or its tokenizer may read: all but those known to be aside."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return [file for file in files if _is_read(file.relative_to(folder))]


def _is_read(path: Path) -> bool:
    if path.name in _UNREAD:
        return False
    is_aside = any(part.startswith(".") for part in path.parts) or path.suffix.lower() in _NEVER
    is_paper = not path.suffix and path.name.lower().startswith(_PAPERS)
    return path.suffix in _ALWAYS or not (is_aside or is_paper)


def content_hash(file: Path) -> str:
    """sha256 of a file; of an adapter's configuration without the path of its base."""
    if file.name == "adapter_config.json":
        config = dict(read_json(file))
        config.pop("base_model_name_or_path", None)
        return digest(config)
    return content_sha256(file)
