"""Where a model's files are, and whether they are all there; torch-free, so errors come early."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

from harness.errors import ConfigError, join_faults
from harness.models.spec import ModelSpec
from harness.records import JSON

HUB_FILES = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
ADAPTER_CONFIG = "adapter_config.json"
_INDEX = "model.safetensors.index.json"
_SETTINGS = ("config.json", "generation_config.json", "tokenizer_config.json", _INDEX)


def model_folder(spec: ModelSpec) -> Path:
    """The model's folder on this machine, fetched from the hub if it is a hub id.

    Raises:
        ConfigError: No such folder; or no configuration, weights, tokenizer or chat template in
            it; or weights that are cut off. All faults at once.
    """
    folder = _locate(spec.path, spec.revision)
    faults = list(_faults(folder))
    if faults:
        raise ConfigError(join_faults(f"model.path: {spec.path}", faults))
    return folder


def adapter_folder(path: str) -> Path:
    """The folder of a PEFT adapter.

    Raises:
        ConfigError: No such folder, or no adapter in it.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ConfigError(f"{path}: no such folder, allowed a folder with {ADAPTER_CONFIG}")
    faults = [
        f"{name} is missing, allowed a folder PEFT saved"
        for name in (ADAPTER_CONFIG, "adapter_model.safetensors")
        if not (folder / name).is_file()
    ]
    faults += [_broken(file) for file in folder.glob("*.safetensors") if _broken(file)]
    if faults:
        raise ConfigError(join_faults(path, faults))
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The weights, sorted by name."""
    return sorted(folder.glob("*.safetensors"))


def chat_template(folder: Path) -> str | None:
    """The template that renders a chat, from either place Hugging Face keeps it."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    settings = read_json(folder / "tokenizer_config.json")
    template = settings.get("chat_template")
    if isinstance(template, list):  # several named templates; the unnamed use is "default"
        template = next((one["template"] for one in template if one["name"] == "default"), None)
    return template if isinstance(template, str) and template else None


def read_json(path: Path) -> Mapping[str, JSON]:
    """A JSON file's mapping; empty where there is no such file."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: found {type(value).__name__}, allowed a mapping")
    return value


def _locate(path: str, revision: str | None) -> Path:
    folder = Path(path)
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise ConfigError(f"model.path: {path}: is a file, allowed the folder it lies in")
    if path.startswith((".", "/", "~")) or path.count("/") != 1:
        raise ConfigError(f"model.path: {path}: no such folder")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        return Path(snapshot_download(path, revision=revision, allow_patterns=list(HUB_FILES)))
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"model.path: {path}: no such folder, and the hub did not give it: {reason}"
        ) from None


def _faults(folder: Path) -> list[str]:
    faults = []
    if not (folder / "config.json").is_file():
        faults.append("config.json is missing, allowed a folder save_pretrained wrote")
    faults += [fault for name in _SETTINGS if (fault := _unreadable(folder / name))]
    files = weight_files(folder)
    if not files:
        other = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        mend = " (pickled weights are not read: save with safe_serialization=True)" if other else ""
        faults.append(f"no weights, allowed *.safetensors{mend}")
    faults += [fault for file in files if (fault := _broken(file))]
    index = {} if _unreadable(folder / _INDEX) else read_json(folder / _INDEX)
    named = set(index.get("weight_map", {}).values())
    faults += [f"{name} is missing" for name in sorted(named - {file.name for file in files})]
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        faults.append(f"no tokenizer, allowed one of {', '.join(TOKENIZER_FILES)}")
    elif not _unreadable(folder / "tokenizer_config.json") and chat_template(folder) is None:
        faults.append(
            "no chat template, and a chat model is wanted: take the -Instruct or -Chat version of "
            "it, or put the template into chat_template.jinja in its folder"
        )
    return faults


def _unreadable(path: Path) -> str:
    """What is wrong with a JSON file; "" if nothing, or if it is not there."""
    try:
        read_json(path)
    except ConfigError as error:
        return f"{path.name}{error.message.removeprefix(str(path))}"
    return ""


def _broken(file: Path) -> str:
    """What is wrong with a safetensors file, by its header and its length; "" if nothing."""
    size = file.stat().st_size
    try:
        with file.open("rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            if length > size - 8:
                raise ValueError("cut off")
            header = json.loads(handle.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[:2] != "__"]
        if 8 + length + max(ends, default=0) != size:
            raise ValueError("cut off")
    except (ValueError, KeyError, TypeError, AttributeError, struct.error):
        return f"{file.name}: not a whole safetensors file ({size} bytes); copy it again"
    return ""
