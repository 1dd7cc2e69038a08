"""Margins: which difference is too small to matter, by axis or by metric, declared beforehand."""

from collections.abc import Mapping
from types import MappingProxyType

from harness.records import Axis

DEFAULT_MARGINS: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys((axis.value for axis in Axis), 0.02),
        **dict.fromkeys(("bleu", "chrf", "chrf_pp"), 0.5),
        "comet": 0.005,
    }
)
"""Of an axis's summaries on their 0..1 scale, and of metrics in their units."""
