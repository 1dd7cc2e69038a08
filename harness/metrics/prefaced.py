"""Rate of translations that something is said in front of."""

from typing import ClassVar

from harness.data.translations import without_preface
from harness.metrics.shared.rates import Rate
from harness.records import Prediction


class Prefaced(Rate):
    """Share of outputs that begin with something else than the translation, 0..1, lower is better.

    "Sure! Here is the translation:", "German:", a role of the chat template; see
    `harness.data.translations`. With `extract: translation` none of it costs the translation: this
    tells how often it was cut. An empty output scores 0. Reference implementation: this one.
    """

    needs: ClassVar[tuple[str, ...]] = ("source",)
    higher_is_better: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ("prefaced", "at_once")

    def item(self, prediction: Prediction) -> float:
        """1 for an output with a preface."""
        output = prediction.output.strip()
        return float(without_preface(output, prediction.source or "") != output)


METRIC = Prefaced
