"""Rate of outputs cut by the token limit."""

from typing import ClassVar

from harness.metrics.shared.rates import Rate
from harness.records import Prediction


class Truncated(Rate):
    """Share of outputs the token limit cut before the model ended them, 0..1, lower is better.

    An empty output that ended scores 0. Reference implementation: this one.
    """

    needs: ClassVar[tuple[str, ...]] = ("finished",)
    higher_is_better: ClassVar[bool] = False

    def item(self, prediction: Prediction) -> float:
        """1 for an output that was cut."""
        return 0.0 if prediction.finished else 1.0


METRIC = Truncated
