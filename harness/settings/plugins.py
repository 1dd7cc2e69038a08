"""A folder is a registry: the plug-ins of a kind are the files of its package.

``harness/variants/radis.py`` ends with ``VARIANT = Radis``; its name is ``radis`` everywhere. Only
the module asked for is imported.
"""

import importlib
import pkgutil
from functools import cache
from typing import Any

from harness.errors import ConfigError, unknown_name

KINDS = {
    "variant": ("harness.variants", "VARIANT"),
    "metric": ("harness.metrics", "METRIC"),
    "penalty": ("harness.training.penalties", "PENALTY"),
    "answering": ("harness.models.answering", "ANSWERING"),
    "format": ("harness.data.formats", "FORMAT"),
}


@cache
def names(kind: str) -> tuple[str, ...]:
    """The plug-ins of a kind, sorted; folders and files with an underscore are none."""
    package = importlib.import_module(KINDS[kind][0])
    return tuple(
        sorted(
            module.name
            for module in pkgutil.iter_modules(package.__path__)
            if not (module.ispkg or module.name.startswith("_"))
        )
    )


def load(kind: str, name: str) -> Any:
    """The class a plug-in file exports.

    Raises:
        ConfigError: No such file; the message names the nearest and lists all.
    """
    package, attribute = KINDS[kind]
    if name not in names(kind):
        raise ConfigError(unknown_name(kind, name, names(kind)))
    return getattr(importlib.import_module(f"{package}.{name}"), attribute)
