"""Margins: which difference is too small to matter, by axis or by metric, declared beforehand."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from harness.errors import unknown_name
from harness.records import Axis
from harness.settings import plugins

DEFAULT_MARGINS: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys((axis.value for axis in Axis), 0.02),
        **dict.fromkeys(("bleu", "chrf", "chrf_pp"), 0.5),
        "comet": 0.005,
    }
)
"""Of an axis's summaries on their 0..1 scale, and of metrics in their units."""


def unknown_yardsticks(names: Iterable[str]) -> list[tuple[str, str]]:
    """Those of the names that are of no axis and no metric, each with what to say of it."""
    known = [*(axis.value for axis in Axis), *plugins.names("metric")]
    return [
        (name, unknown_name("axis or metric", name, known)) for name in names if name not in known
    ]
