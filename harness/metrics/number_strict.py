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
    labels: ClassVar[tuple[str, ...]] = ("right", "wrong")

    def item(self, prediction: Prediction) -> float:
        """1 for the right number."""
        number = self.number(prediction.answer)
        return float(any(same_number(number, text) for text in wanted(prediction)))

    def number(self, answer: str) -> str | None:
        """The number an answer gives."""
        return strict_number(answer)

    def classes(self, predictions: Sequence[Prediction]) -> list[str]:
        """`right`, `wrong`, or `none` where no number was found."""
        kinds = super().classes(predictions)
        answers = [self.number(prediction.answer) for prediction in predictions]
        return ["none" if n is None else kind for n, kind in zip(answers, kinds, strict=True)]


METRIC = NumberStrict
