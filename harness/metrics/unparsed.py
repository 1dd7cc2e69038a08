"""Rate of outputs in which a benchmark's rule found no answer."""

from typing import ClassVar

from harness.metrics.shared.rates import Rate
from harness.metrics.shared.texts import says_anything
from harness.records import Prediction


class Unparsed(Rate):
    """Share of outputs that say something of which `extract` made no answer, 0..1, lower is better.

    For benchmarks with `extract: {rule: regex, ...}`: a model that answers in another form than the
    pattern's scores 0 by every other metric, and 1 here. An empty output scores 0 here: nothing was
    said. Reference implementation: this one.
    """

    higher_is_better: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ("unparsed", "other")

    def item(self, prediction: Prediction) -> float:
        """1 for an output with a letter or digit whose answer has none."""
        return float(says_anything(prediction.output) and not says_anything(prediction.answer))


METRIC = Unparsed
