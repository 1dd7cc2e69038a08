"""Sums answered in any form: the last number is taken, GSM8K's flexible extraction."""

from harness.metrics.number_strict import NumberStrict
from harness.metrics.shared.numbers import flexible_number


class NumberFlexible(NumberStrict):
    """Share of answers whose last number is the wanted one, 0..1, higher is better.

    An empty answer scores 0. Reference implementation: lm-eval's ``exact_match,flexible-extract``
    of gsm8k.
    """

    def number(self, answer: str) -> str | None:
        """The number an answer ends with."""
        return flexible_number(answer)


METRIC = NumberFlexible
