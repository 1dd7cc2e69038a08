"""Rate of empty answers."""

from typing import ClassVar

from harness.metrics.shared.rates import Rate
from harness.metrics.shared.texts import says_anything
from harness.records import Prediction


class Empty(Rate):
    """Share of answers without any letter or digit, 0..1, lower is better.

    An empty answer scores 1, whether nothing was said or the benchmark's `extract` found no answer
    in what was said, which `unparsed` counts alone; one of blanks and punctuation scores 1, too.
    Reference implementation: this one.
    """

    higher_is_better: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ("empty", "filled")

    def item(self, prediction: Prediction) -> float:
        """1 for an empty answer."""
        return float(not says_anything(prediction.answer))


METRIC = Empty
