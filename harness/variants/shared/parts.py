"""A variant or a trained adapter as a setting of something else: read by name, written as data."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator, ValidationError, ValidationInfo

from harness.errors import ConfigError
from harness.protocols import Combining, Variant
from harness.records import JSON
from harness.settings import plugins
from harness.settings.spec import LocalPath, NestedFaults, Spec, explain
from harness.variants.shared.method import parts_of


class AdapterFolder(Spec):
    """An adapter that is there already."""

    adapter: LocalPath
    """Folder PEFT saved it to."""


Part: TypeAlias = Variant | AdapterFolder
"""What an adapter to combine comes from: trained by a variant, or read."""


def variant_by_name(value: object, info: ValidationInfo) -> Variant:
    """A variant from its name or its settings."""
    if isinstance(value, Spec):
        return value  # type: ignore[return-value]  # a variant already parsed
    settings = {"name": value} if isinstance(value, str) else value
    if not isinstance(settings, dict) or not isinstance(settings.get("name"), str):
        known = ", ".join(plugins.names("variant"))
        raise ValueError(f"found {value!r}, allowed {{name: NAME, ...}} with one of: {known}")
    try:
        kind = plugins.load("variant", settings["name"])
    except ConfigError as error:
        raise NestedFaults([("name", error.message)]) from None
    try:
        parsed: Variant = kind.model_validate(settings, context=info.context)
    except ValidationError as error:
        raise NestedFaults(explain(error, kind)) from None
    return parsed


def plain_of(part: Part) -> JSON:
    """A variant or a part as the data ``variant_by_name`` and ``part_by_name`` read."""
    return part.plain() if isinstance(part, Spec) else {"name": part.name}


def part_by_name(value: object, info: ValidationInfo) -> Part:
    """A variant that trains an adapter, by name or settings, or ``{adapter: FOLDER}``."""
    if isinstance(value, AdapterFolder):
        return value
    if isinstance(value, dict) and "adapter" in value and "name" not in value:
        try:
            return AdapterFolder.model_validate(value, context=info.context)
        except ValidationError as error:
            raise NestedFaults(explain(error, AdapterFolder)) from None
    variant = variant_by_name(value, info)
    if not (variant.trains or isinstance(variant, Combining)):
        raise ValueError(f"found {variant.name}, which has no adapter; allowed: one that trains")
    return variant


def adapters_read(variant: Variant) -> Iterator[Path]:
    """Every adapter folder it combines, its parts' among them."""
    for part in parts_of(variant).values():
        if isinstance(part, Path):
            yield part
        else:
            yield from adapters_read(part)


def source_of(part: Part) -> Variant | Path:
    """The part as ``Combining.parts`` has it."""
    return Path(part.adapter) if isinstance(part, AdapterFolder) else part


if TYPE_CHECKING:
    VariantField = Variant
    PartField = Part
else:
    VariantField = Annotated[object, PlainValidator(variant_by_name), PlainSerializer(plain_of)]
    PartField = Annotated[object, PlainValidator(part_by_name), PlainSerializer(plain_of)]
