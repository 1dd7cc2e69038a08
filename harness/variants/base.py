"""The untuned chat model theta_0, scored and not trained: what every method is compared with."""

from typing import ClassVar, Literal

from harness.variants.shared.method import Textless


class Base(Textless):
    """The model as it comes. No text, no weights, no adapter."""

    name: Literal["base"] = "base"

    trains: ClassVar[bool] = False
    neutral: ClassVar[str] = "none: nothing is trained"


VARIANT = Base
