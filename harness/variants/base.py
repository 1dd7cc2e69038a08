"""The untuned chat model theta_0, scored and not trained: what every method is compared with."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.protocols import Sources
from harness.records import ExampleSet, Role
from harness.variants.shared.method import Method


class Base(Method):
    """The model as it comes. No text, no weights, no adapter."""

    name: Literal["base"] = "base"

    trains: ClassVar[bool] = False
    weights: ClassVar[Mapping[Role, float]] = {}
    neutral: ClassVar[str] = "none: nothing is trained"

    def examples(self, sources: Sources) -> ExampleSet:
        return ExampleSet(())


VARIANT = Base
