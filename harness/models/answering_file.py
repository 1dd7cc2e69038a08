"""How a model or adapter has to be asked, kept beside its weights.

A model trained to answer by a chain of tagged texts says little of worth when it is asked plainly.
So its folder says how: ``harness.models.answering`` has the kinds and their settings.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.errors import ConfigError
from harness.models.folder import adapter_folder, model_folder, read_json
from harness.models.spec import ModelSpec
from harness.records import JSON
from harness.settings import plugins
from harness.settings.spec import validate

ANSWERING_FILE = "answering.json"


def save_answering(folder: Path, settings: Mapping[str, JSON] | None) -> None:
    """Writes it into a folder of weights; nothing where the model answers plainly."""
    if settings is not None:
        text = json.dumps(dict(settings), indent=2, ensure_ascii=False)
        (folder / ANSWERING_FILE).write_text(f"{text}\n", encoding="utf-8")


def saved_answering(folder: Path) -> Mapping[str, JSON] | None:
    """Kind and settings; None where the folder says nothing, so the model answers plainly.

    Raises:
        ConfigError: The file is not a JSON mapping, or no kind of answering has such settings.
    """
    path = folder / ANSWERING_FILE
    settings = dict(read_json(path))
    if not settings:
        return None
    others = {name: value for name, value in settings.items() if name != "kind"}
    try:
        validate(plugins.load("answering", str(settings.get("kind"))), others, str(path))
    except ConfigError as error:
        raise ConfigError(
            f"{path}: {error.message.removeprefix(f'{path}: ')}", error.hint
        ) from None
    return settings


def named_answering(path: Path) -> Mapping[str, JSON]:
    """What a folder, or the file in it, says of how a model is asked.

    Raises:
        ConfigError: It says nothing, or nothing that is understood.
    """
    folder = path.parent if path.name == ANSWERING_FILE else path
    settings = saved_answering(folder)
    if settings is None:
        raise ConfigError(
            f"eval.answering: {path}: no {ANSWERING_FILE} there, allowed a folder with one"
        )
    return settings


def answering_of(spec: ModelSpec) -> Mapping[str, JSON] | None:
    """What the adapter of a model says, or where there is none the model itself.

    Raises:
        ConfigError: A folder is missing or incomplete.
    """
    adapter = spec.adapter
    return saved_answering(model_folder(spec) if adapter is None else adapter_folder(adapter))


def copy_answering(source: Path, folder: Path) -> None:
    """Takes it over into another folder; what that said of itself holds no longer."""
    (folder / ANSWERING_FILE).unlink(missing_ok=True)
    if (source / ANSWERING_FILE).is_file():
        shutil.copyfile(source / ANSWERING_FILE, folder / ANSWERING_FILE)
