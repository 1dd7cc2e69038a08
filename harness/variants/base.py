"""The untuned chat model theta_0, scored and not trained: what every method is compared with."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.protocols import Sources
from harness.records import JSON, ExampleSet, Role
from harness.spec import Spec


class Base(Spec):
    """The model as it comes. No text, no weights, no adapter."""

    name: Literal["base"] = "base"
    """The method."""

    trains: ClassVar[bool] = False
    weights: ClassVar[Mapping[Role, float]] = {}
    penalty: ClassVar[Mapping[str, JSON] | None] = None
    renew_every: ClassVar[int | None] = None
    neutral: ClassVar[str] = "none: nothing is trained"

    def identity(self) -> Mapping[str, JSON]:
        """Nothing it could vary in."""
        return {"name": self.name}

    def examples(self, sources: Sources) -> ExampleSet:
        """No text: this variant does not train."""
        return ExampleSet(())


VARIANT = Base
