"""YAML files as plain data, strictly: a key given twice is an error, faults name their line.

Beside the reading of files, what is done with the plain data before a Spec validates it: dotted
paths set, read and flattened.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.errors import ConfigError, HarnessError, existing_file
from harness.records import JSON

# Ten times as fast where PyYAML was built with libyaml, as its wheels are; the same otherwise.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_SafeLoader):  # type: ignore[misc, valid-type]
    """YAML 1.1 as usual, but a key given twice is an error and ``1e-3`` is a number."""


def _construct_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in mapping:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is given twice", key_node.start_mark
            )
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


def _construct_scalar(loader: _UniqueKeyLoader, node: yaml.ScalarNode) -> str | float:
    # YAML 1.1 reads 5e-3 as text for want of a dot; whoever writes a learning rate means 0.005.
    text: str = loader.construct_scalar(node)
    if not node.style and "e" in text.lower():  # plain: neither quoted nor a block
        try:
            return float(text)
        except ValueError:
            return text
    return text


_UniqueKeyLoader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_UniqueKeyLoader.add_constructor("tag:yaml.org,2002:str", _construct_scalar)


def read_yaml(path: Path) -> dict[str, JSON]:
    """The mapping in a YAML file.

    Raises:
        ConfigError: No such file, not UTF-8, not YAML, or its top level is not a mapping.
    """
    return parse_yaml(read_text(path), str(path))


def read_text(path: Path, kind: type[HarnessError] = ConfigError, hint: str | None = None) -> str:
    """A UTF-8 file's text; its absence, told with the hint, and its encoding raise the error."""
    try:
        return existing_file(path, kind, hint).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise kind(f"{path}: not UTF-8 at byte {error.start}") from None


def parse_yaml(text: str, where: str) -> dict[str, JSON]:
    """The mapping in a YAML text; ``where`` names it in errors."""
    try:
        value = yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f":{error.problem_mark.line + 1}"
        raise ConfigError(f"{where}{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: not valid YAML: {error}") from None
    if not isinstance(value, dict):
        found = "nothing" if value is None else type(value).__name__
        raise ConfigError(f"{where}: found {found}, allowed a mapping of settings")
    return value


def parse_override(text: str) -> tuple[str, JSON]:
    """``train.learning_rate=1e-3`` as path and value; the value is read as YAML.

    >>> parse_override("lora.rank=8")
    ('lora.rank', 8)
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ConfigError(f"--set {text}: allowed PATH=VALUE, for example lora.rank=8")
    try:
        return path.strip(), yaml.load(value, Loader=_UniqueKeyLoader)
    except yaml.YAMLError:
        raise ConfigError(f"--set {text}: the value is not valid YAML") from None


def set_path(data: dict[str, JSON], dotted: str, value: JSON) -> None:
    """Sets ``a.b.c`` in nested mappings, made on the way; validation judges the result."""
    *folders, last = dotted.split(".")
    for name in folders:
        inner = data.get(name)
        if not isinstance(inner, dict):
            inner = data[name] = {}
        data = inner
    data[last] = value


def get_path(data: Mapping[str, JSON], dotted: str) -> JSON:
    """The value at ``a.b.c``; KeyError with the whole path where there is none."""
    value: JSON = data
    for name in dotted.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise KeyError(dotted)
        value = value[name]
    return value


def flatten(data: Mapping[str, JSON], prefix: str = "") -> dict[str, JSON]:
    """Nested mappings with dotted keys.

    >>> flatten({"lora": {"rank": 8}, "seed": 1})
    {'lora.rank': 8, 'seed': 1}
    """
    flat: dict[str, JSON] = {}
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def key_lines(text: str) -> dict[str, int]:
    """Line number of every key of a YAML text, by dotted path."""
    lines: dict[str, int] = {}

    def visit(node: yaml.Node | None, prefix: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                path = f"{prefix}{key.value}"
                lines[path] = key.start_mark.line + 1
                visit(value, f"{path}.")
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                lines[f"{prefix}{index}"] = item.start_mark.line + 1
                visit(item, f"{prefix}{index}.")

    visit(yaml.compose(text, Loader=_SafeLoader), "")
    return lines
