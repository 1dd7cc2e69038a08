"""Plain fine-tuning: cross-entropy on the reference translation, the prompt masked.

The reference point of every other method: each of them has a setting at which it must equal this.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.records import JSON
from harness.variants.shared.method import Method


class Sft(Method):
    """Trains on (x, y) as it stands. No settings of its own."""

    name: Literal["sft"] = "sft"

    neutral: ClassVar[Mapping[str, JSON]] = {}


VARIANT = Sft
