"""Rate of translations in quotes, emphasis or a fence that the source has not."""

from typing import ClassVar

from harness.data.translations import bare, fenced, without_preface
from harness.metrics.shared.rates import Rate
from harness.records import Prediction


class Wrapped(Rate):
    """Share of outputs whose translation stands in marks of the model's own, 0..1, lower is better.

    Quotes or emphasis around all of it, or a code fence, where the source has none; see
    `harness.data.translations`. With `extract: translation` none of it costs the translation. An
    empty output scores 0. Reference implementation: this one.
    """

    needs: ClassVar[tuple[str, ...]] = ("source",)
    higher_is_better: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ("wrapped", "bare")

    def item(self, prediction: Prediction) -> float:
        """1 for a translation in marks."""
        source = prediction.source or ""
        text = without_preface(prediction.output, source)
        first = text.partition("\n\n")[0]
        return float(fenced(text, source) is not None or bare(first, source) != first)


METRIC = Wrapped
