"""Sums answered in the form that was asked for: ``#### 18``, GSM8K's strict match."""

from collections.abc import Sequence
from typing import ClassVar

from harness.metrics.shared.numbers import same_number, strict_number
from harness.metrics.shared.rates import Rate
from harness.records import Prediction
from harness.storage.predictions import wanted


class NumberStrict(Rate):
    """Share of answers whose first number behind "####" is the wanted one, 0..1, higher is better.

    An answer without "####" scores 0 whatever it says, as does an empty one. Reference
    implementation: lm-eval's ``exact_match,strict-match`` of gsm8k.
    """

    needs: ClassVar[tuple[str, ...]] = ("wanted",)

    def item(self, prediction: Prediction) -> float:
        """1 for the right number."""
        found = self.found(prediction.answer)
        return float(any(same_number(found, text) for text in wanted(prediction)))

    def found(self, answer: str) -> str | None:
        """The number an answer gives."""
        return strict_number(answer)

    def classes(self, predictions: Sequence[Prediction]) -> list[str]:
        """`right`, `wrong`, or `none` where no number was found."""
        return [self._kind(prediction) for prediction in predictions]

    def _kind(self, prediction: Prediction) -> str:
        if self.found(prediction.answer) is None:
            return "none"
        return "right" if self.item(prediction) else "wrong"


METRIC = NumberStrict
