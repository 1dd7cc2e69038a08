"""Rate of empty answers."""

from typing import ClassVar

from harness.metrics.shared.rates import Rate
from harness.records import Prediction


class Empty(Rate):
    """Share of answers without any letter or digit, 0..1, lower is better.

    An empty answer scores 1; one of blanks and punctuation alone does too. Reference
    implementation: this one.
    """

    higher_is_better: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ("empty", "filled")

    def item(self, prediction: Prediction) -> float:
        """1 for an empty answer."""
        return 0.0 if any(character.isalnum() for character in prediction.answer) else 1.0


METRIC = Empty
