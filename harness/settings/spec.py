"""Specifications: frozen pydantic models read from YAML, strict, all faults of a file at once.

Torch-free, as everything that parses must be: a three-hour sweep must not die of a typo, and a typo
must not cost three seconds of imports.

A relative path in a file is looked for beside that file first, then in the working directory.
"""

import copy
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo

from harness.errors import ConfigError, unknown_name
from harness.records import JSON
from harness.settings.yaml import key_lines, parse_yaml, read_text, set_path


class Spec(BaseModel):
    """Parsed from a file or given in Python; immutable, hashable, unknown keys refused.

    The docstring under each field is read from the source by ``harness.settings.catalogue``;
    pydantic would parse every specification's source at each start, a quarter of the time a typo
    may take.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        defer_build=True,  # a typo is told without building what the file does not name
    )

    def plain(self) -> dict[str, JSON]:
        """As plain data, fit for YAML and JSON; ``model_validate`` reads it back."""
        return self.model_dump(mode="json")

    def fingerprint(self) -> str:
        """Sixteen hex digits of the content; the order of keys does not matter."""
        return digest(self.plain())[:16]

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew."""
        fields = type(self).model_fields
        given = {fields[name].alias or name: value for name, value in self}
        return type(self).model_validate({**given, **changes})


SpecType = TypeVar("SpecType", bound=BaseModel)


def digest(value: JSON) -> str:
    """sha256 of plain data in canonical JSON.

    >>> digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find_path(value: JSON, info: ValidationInfo) -> JSON:
    if not isinstance(value, str | Path):
        return value
    return find_path(value, (info.context or {}).get("folder"))


def find_path(value: str | Path, folder: str | Path | None) -> str:
    """Where a path leads, told from the working directory; one that leads nowhere as it is.

    Args:
        value: The path, as written.
        folder: Beside which it is looked for before the working directory.
    """
    path = Path(value).expanduser()
    if not path.is_absolute() and folder is not None and (Path(folder) / path).exists():
        path = Path(folder) / path
    if not path.exists():
        return str(value)
    absolute = Path(os.path.abspath(path))
    working = Path.cwd()
    return str(absolute.relative_to(working) if absolute.is_relative_to(working) else absolute)


LocalPath = Annotated[str, BeforeValidator(_find_path)]
"""A path, or a hub id where there is no such path; existence is checked by whoever opens it."""


def local_paths(spec: BaseModel, prefix: str = "") -> dict[str, tuple[str, ...]]:
    """The settings of a Spec, and of Specs in it, that are paths: what each names, by dotted path.

    One that may be left out and is has no entry.
    """
    paths: dict[str, tuple[str, ...]] = {}
    for name, value in spec:
        entries = value if isinstance(value, tuple) else (value,)
        for number, entry in enumerate(entries):
            if isinstance(entry, BaseModel):
                inner = f"{name}.{number}" if entries is value else name
                paths |= local_paths(entry, f"{prefix}{inner}.")
        field = type(spec).model_fields[name]
        if value is not None and _is_path(field.annotation, field.metadata):
            paths[f"{prefix}{name}"] = tuple(map(str, entries))
    return paths


def _is_path(annotation: Any, metadata: Sequence[Any] = ()) -> bool:
    if any(isinstance(part, BeforeValidator) and part.func is _find_path for part in metadata):
        return True
    if get_origin(annotation) is Annotated:
        inner, *own = get_args(annotation)
        return _is_path(inner, own)
    return any(_is_path(part) for part in get_args(annotation))


def load_spec(
    kind: type[SpecType],
    path: Path,
    overrides: Sequence[tuple[str, JSON]] = (),
    context: Mapping[str, object] | None = None,
) -> SpecType:
    """Reads a Spec from a YAML file, with dotted overrides applied.

    Raises:
        ConfigError: All faults of the file at once, each with line, dotted path, what was found
            and what is allowed.
    """
    text = read_text(path)
    data = parse_yaml(text, str(path))
    return validate(
        kind, data, str(path), overrides, folder=path.parent, text=text, context=context
    )


def validate(
    kind: type[SpecType],
    data: Mapping[str, JSON],
    where: str,
    overrides: Sequence[tuple[str, JSON]] = (),
    *,
    folder: Path | None = None,
    text: str = "",
    context: Mapping[str, object] | None = None,
) -> SpecType:
    """Plain data as a Spec.

    Args:
        kind: Which.
        data: Its fields.
        where: The source, for messages.
        overrides: Values by dotted path that come before those of the data.
        folder: Beside which paths are looked for before the working directory.
        text: The YAML the data were read from, for the lines of faults.
        context: What else its validators are told.

    Raises:
        ConfigError: All faults at once.
    """
    plain = copy.deepcopy(dict(data)) if overrides else dict(data)
    for dotted, value in overrides:
        set_path(plain, dotted, value)
    try:
        return kind.model_validate(plain, context={"folder": folder, **(context or {})})
    except ValidationError as error:
        lines = key_lines(text)
        faults = [f"{_located(where, path, lines)}: {told}" for path, told in explain(error, kind)]
        raise ConfigError("\n".join(faults)) from None


def _located(where: str, path: str, lines: Mapping[str, int]) -> str:
    """The source, the line of the path or of the innermost key around it, and the path."""
    probe = path
    while probe and probe not in lines:
        probe = probe.rpartition(".")[0]
    source = f"{where}:{lines[probe]}" if probe else where
    return f"{source}: {path}" if path else source


def explain(error: ValidationError, kind: type[BaseModel]) -> list[tuple[str, str]]:
    """Each fault as (dotted path, what was found and what is allowed)."""
    faults: list[tuple[str, str]] = []
    for fault in error.errors(include_url=False):
        path = ".".join(str(part) for part in fault["loc"] if not _is_branch(part))
        nested = fault.get("ctx", {}).get("error")
        if isinstance(nested, NestedFaults):
            faults += [
                (".".join(filter(None, (path, inner))), text) for inner, text in nested.faults
            ]
        elif fault["type"] == "extra_forbidden":
            faults.append((path, _unknown_option(fault["loc"], kind)))
        elif fault["type"] == "missing":
            faults.append((path, "missing, and it has no default"))
        elif isinstance(nested, Exception):
            faults.append((path, str(nested)))
        else:
            faults.append((path, f"found {_short(fault['input'])}, {_allowed(fault['msg'])}"))
    return faults


class NestedFaults(ValueError):
    """Faults found by a validator that parsed a part itself (a plug-in by name)."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {text}" for path, text in faults))
        self.faults = faults


def _is_branch(part: int | str) -> bool:
    # pydantic names the branch of a union or a wrapped validator in the location; not a key of ours
    return isinstance(part, str) and ("[" in part or part in {"function-after", "function-wrap"})


def _short(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _allowed(message: str) -> str:
    return "allowed: " + message.removeprefix("Input should be ").removeprefix("Value error, ")


def _unknown_option(location: tuple[int | str, ...], kind: type[BaseModel]) -> str:
    owner: type[BaseModel] | None = kind
    for part in location[:-1]:
        # what is no field is a key or an index of a container of models
        if owner is not None and part in owner.model_fields:
            owner = _model_in(owner.model_fields[str(part)].annotation)
    fields = {} if owner is None else owner.model_fields
    options = sorted(field.alias or name for name, field in fields.items())
    return unknown_name("option", str(location[-1]), options)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model a field holds, by itself or in a container."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in models if model is not None), None)
