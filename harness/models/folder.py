"""Where a model's files are, and whether they are all there; torch-free, so errors come early."""

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, join_faults
from harness.models.hub import download_command, fetch
from harness.models.quantise import check_quantise
from harness.models.spec import ModelSpec
from harness.settings.yaml import read_text

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
ADAPTER_CONFIG = "adapter_config.json"
_INDEX = "model.safetensors.index.json"
_PICKLED, _PICKLED_INDEX = "pytorch_model*.bin", "pytorch_model.bin.index.json"
_SETTINGS = ("config.json", "generation_config.json", "tokenizer_config.json", _INDEX)
_ATTENTION = {"full_attention", "sliding_attention"}
"""Layers whose past is keys and values by column; all columns are kept, a window masks the rest."""
_NO_ROWS = "the state of others cannot be kept row by row yet"
_RECURRENT = frozenset(
    [
        "bamba",
        "falcon_h1",
        "falcon_mamba",
        "jamba",
        "mamba",
        "mamba2",
        "nemotron_h",
        "recurrent_gemma",
        "rwkv",
        "zamba",
        "zamba2",
    ]
)
"""Types of models that keep a state in some layers, of which their config.json need not tell."""
_NO_TEMPLATE = (
    "no chat template, and a chat model is wanted: take the -Instruct or -Chat version of it, or "
    "give it one: model.chat_template: FILE, a Jinja file"
)


def model_folder(spec: ModelSpec) -> Path:
    """The model's folder on this machine, fetched from the hub if it is a hub id.

    Raises:
        ConfigError: No such folder; or no configuration, weights, tokenizer or chat template in
            it; or weights that are cut off. All faults at once.
        MissingExtra: It is to be quantised, and the library is not there.
    """
    check_quantise(spec)
    folder = _locate(spec)
    faults = list(_faults(folder, spec))
    if faults:
        fetched = folder != Path(spec.path)
        place = f" (in {folder})" if fetched else ""
        raise ConfigError(
            join_faults(f"model.path: {spec.path}{place}", faults),
            f"fetch what is missing: {download_command(spec)}" if fetched else None,
        )
    return folder


def adapter_folder(path: str) -> Path:
    """The folder of a PEFT adapter.

    Raises:
        ConfigError: No such folder, or no adapter in it.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ConfigError(f"{path}: no such folder, allowed a folder with {ADAPTER_CONFIG}")
    inner = sorted(one.parent for one in folder.glob(f"*/{ADAPTER_CONFIG}"))
    mend = f" (there is one in {', '.join(map(str, inner))})" if inner else ""
    faults = [
        f"{name} is missing, allowed a folder PEFT saved{mend}"
        for name in (ADAPTER_CONFIG, "adapter_model.safetensors")
        if not (folder / name).is_file()
    ]
    faults += [_broken(file) for file in folder.glob("*.safetensors") if _broken(file)]
    if faults:
        raise ConfigError(join_faults(path, faults))
    return folder


def tokenizer_folder(path: str) -> Path:
    """A folder with a tokenizer and a chat template.

    Raises:
        ConfigError: It has none.
    """
    folder = Path(path)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ConfigError(
            f"tokenizer: {path}: no tokenizer there, allowed a folder with one of "
            f"{', '.join(TOKENIZER_FILES)}"
        )
    if not chat_template(folder):
        raise ConfigError(f"tokenizer: {path}: its tokenizer has no chat template")
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The weights, sorted by name."""
    return sorted(folder.glob("*.safetensors"))


def pickled_files(folder: Path) -> list[Path]:
    """The weights of a folder that has no safetensors, sorted by name."""
    return [] if weight_files(folder) else sorted(folder.glob(_PICKLED))


def chat_template(folder: Path, given: str | None = None) -> str | None:
    """The template that renders a chat: the given file, or from where Hugging Face keeps it.

    Raises:
        ConfigError: There is no such file.
    """
    if given is not None:
        try:
            return read_text(Path(given))
        except ConfigError as error:
            raise ConfigError(f"model.chat_template: {error.message}", error.hint) from None
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    settings = read_json(folder / "tokenizer_config.json")
    template = settings.get("chat_template")
    if isinstance(template, list):  # several named templates; the unnamed use is "default"
        template = next((one["template"] for one in template if one["name"] == "default"), None)
    return template if isinstance(template, str) and template else None


def special_tokens(folder: Path) -> dict[str, str]:
    """The tokens that a template may name, such as ``bos_token``, by their names."""
    settings = read_json(folder / "tokenizer_config.json")
    named = {**read_json(folder / "special_tokens_map.json"), **settings}
    extra = settings.get("extra_special_tokens")
    named |= extra if isinstance(extra, dict) else {}
    texts = {
        name: token.get("content") if isinstance(token, dict) else token
        for name, token in named.items()
        if name.endswith("_token")
    }
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def read_json(path: Path) -> Mapping[str, Any]:
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


def _locate(spec: ModelSpec) -> Path:
    path = spec.path
    folder = Path(path)
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise ConfigError(f"model.path: {path}: is a file, allowed the folder it lies in")
    if path.startswith((".", "/", "~")) or path.count("/") != 1:
        raise ConfigError(f"model.path: {path}: no such folder")
    return fetch(spec)


def _faults(folder: Path, spec: ModelSpec) -> list[str]:
    faults = []
    if not (folder / "config.json").is_file():
        faults.append("config.json is missing, allowed a folder save_pretrained wrote")
    faults += _adapter_faults(folder)
    if not _unreadable(folder / "config.json"):
        faults += _kind_faults(read_json(folder / "config.json"))
    faults += [fault for name in _SETTINGS if (fault := _unreadable(folder / name))]
    faults += _weight_faults(folder, spec.allow_pickle)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        faults.append(f"no tokenizer, allowed one of {', '.join(TOKENIZER_FILES)}")
    elif not _unreadable(folder / "tokenizer_config.json"):
        try:
            faults += [] if chat_template(folder, spec.chat_template) else [_NO_TEMPLATE]
        except ConfigError as error:
            faults.append(error.message)
    return faults


def _kind_faults(config: Mapping[str, Any]) -> list[str]:
    """Why a model of such a configuration cannot be talked to row by row."""
    kind = config.get("model_type")
    if config.get("is_encoder_decoder"):
        return [f"has an encoder ({kind}), allowed a model that goes on with its text"]
    text = config.get("text_config")
    inner = text if isinstance(text, dict) else config
    if inner.get("model_type") in _RECURRENT:
        return [f"is a {inner['model_type']}, allowed attention in every layer: {_NO_ROWS}"]
    return layer_faults(inner.get("layer_types") or ())


def layer_faults(types: Iterable[str]) -> list[str]:
    """Kinds of layers whose past is not kept yet, as a fault.

    >>> layer_faults(["full_attention"]), len(layer_faults(["conv"]))
    ([], 1)
    """
    other = sorted(set(types) - _ATTENTION)
    return [
        f"has layers of type {name}, allowed {', '.join(sorted(_ATTENTION))}: {_NO_ROWS}"
        for name in [", ".join(other)]
        if other
    ]


def _adapter_faults(folder: Path) -> list[str]:
    """Adapter files in a model's folder, which transformers puts on the model without a word."""
    names = [file.name for file in sorted(folder.glob("adapter_model*"))]
    names = [ADAPTER_CONFIG, *names] if (folder / ADAPTER_CONFIG).is_file() else names
    if not names:
        return []
    if not any(file.name not in names for file in weight_files(folder)):
        named = _named_base(folder)
        return [f"is the folder of an adapter, allowed as model.adapter beside a model.path{named}"]
    return [
        f"{' and '.join(names)} beside a model: base or tuned is not to be told; allowed without "
        "them, and the adapter in a folder of its own as model.adapter"
    ]


def _named_base(folder: Path) -> str:
    config = {} if _unreadable(folder / ADAPTER_CONFIG) else read_json(folder / ADAPTER_CONFIG)
    base = config.get("base_model_name_or_path")
    return f" (it names {base})" if base else ""


def _weight_faults(folder: Path, allow_pickle: bool) -> list[str]:
    pickled = pickled_files(folder)
    files, index_name = weight_files(folder), _INDEX
    if pickled and allow_pickle:
        files, index_name = pickled, _PICKLED_INDEX
    if not files:
        other = bool(pickled) or any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        mend = " (pickled weights are not read: save with safe_serialization=True, or where you "
        mend += "trust their maker set model.allow_pickle: true)"
        return [f"no weights, allowed *.safetensors{mend if other else ''}"]
    faults = [fault for file in files if file.suffix != ".bin" and (fault := _broken(file))]
    index = {} if _unreadable(folder / index_name) else read_json(folder / index_name)
    named = set(index.get("weight_map", {}).values())
    return faults + [f"{name} is missing" for name in sorted(named - {one.name for one in files})]


def _unreadable(path: Path) -> str:
    """What is wrong with a JSON file; "" if nothing, or if it is not there."""
    try:
        read_json(path)
    except ConfigError as error:
        return f"{path.name}{error.message.removeprefix(str(path))}"
    return ""


def _broken(file: Path) -> str:
    """What is wrong with a safetensors file, by its header and its length; "" if nothing."""
    if not file.exists():
        return f"{file.name}: is a link to nothing, as a download that broke off leaves it"
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
