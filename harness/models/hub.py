"""Models named by a hub id: found in the local cache, fetched where there is a network."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from harness.errors import ConfigError
from harness.models.spec import ModelSpec

_FILES = (
    *("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja"),
    *("*.tiktoken", "*.bpe", "*.vocab", "*.spm", "*.codes"),
)
_PICKLED = "pytorch_model*.bin"
_UNWANTED = ("*/*", "consolidated*", "adapter_*")
"""Second copies of the weights in other formats, and adapters beside a model."""
_HUB_PREFIX = "models--"


def fetch(spec: ModelSpec) -> Path:
    """The folder of a hub model at its revision, in the local cache.

    Raises:
        ConfigError: It is not there and cannot be fetched.
    """
    files = (*_FILES, "*.py") if spec.trust_remote_code else _FILES
    folder = _snapshot(spec.path, spec.revision, files, hub_cache())
    if spec.allow_pickle and not any(folder.glob("*.safetensors")):
        return _snapshot(spec.path, spec.revision, (*files, _PICKLED), hub_cache())
    return folder


def hub_cache() -> Path:
    """Where models of the hub are kept: HF_HUB_CACHE, else ``hub`` in HF_HOME."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named).expanduser()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return Path(os.environ.get("HF_HOME") or caches / "huggingface").expanduser() / "hub"


def commit_of(folder: Path) -> str | None:
    """The commit a folder of the cache holds; None for any other folder."""
    is_snapshot = folder.parent.name == "snapshots"
    of_hub = folder.parent.parent.name.startswith(_HUB_PREFIX)
    return folder.name if is_snapshot and of_hub else None


def download_command(spec: ModelSpec) -> str:
    """What fetches the model by hand."""
    return f"hf download {spec.path}" + (f" --revision {spec.revision}" if spec.revision else "")


@cache
def _snapshot(path: str, revision: str | None, files: Sequence[str], folder: Path) -> Path:
    # Once a process: every look at the model's files would ask the hub again.
    from huggingface_hub import snapshot_download
    from huggingface_hub.constants import HF_HUB_OFFLINE
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        return Path(
            snapshot_download(
                path,
                revision=revision,
                cache_dir=folder,
                allow_patterns=list(files),
                ignore_patterns=list(_UNWANTED),
            )
        )
    except HFValidationError as error:
        raise ConfigError(f"model.path: {path}: no such folder, and no hub id: {error}") from None
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        if HF_HUB_OFFLINE:
            reason = "and this is offline (HF_HUB_OFFLINE)"
        spec = ModelSpec(path=path, revision=revision)
        raise ConfigError(
            f"model.path: {path}: no such folder, and the hub did not give it: "
            f"{_in_cache(path, revision, folder)}; {reason}",
            f"Fetch it where there is a network: {download_command(spec)}\n"
            f"or name a folder that holds the model.",
        ) from None


def _in_cache(path: str, revision: str | None, folder: Path) -> str:
    cached = folder / f"{_HUB_PREFIX}{path.replace('/', '--')}"
    if not cached.is_dir():
        return f"no folder {cached}"
    names = sorted(one.name for kind in ("refs", "snapshots") for one in cached.glob(f"{kind}/*"))
    return f"{cached} has no revision {revision or 'main'}, it has: {', '.join(names) or 'none'}"
