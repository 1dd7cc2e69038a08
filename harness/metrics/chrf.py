"""chrF: F-score of character n-grams; as `chrf` everywhere, chrF2 without word n-grams.

Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation"; this is what WMT
publishes. sacreBLEU is the reference implementation and does the work here.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import Field
from sacrebleu.metrics.chrf import CHRF

from harness.metrics.shared.overlap import OverlapMetric
from harness.records import Prediction


class Chrf(OverlapMetric):
    """Corpus chrF2, 0..100, higher is better; a corpus of empty answers scores 0.

    Works for any script, also without spaces. Reference implementation: sacreBLEU, exactly.
    """

    char_order: int = Field(6, ge=1)
    """Longest character n-gram."""

    word_order: int = Field(0, ge=0)
    """Longest word n-gram; 0 for none."""

    beta: int = Field(2, ge=1)
    """How many times as much recall counts as precision; 2 is what WMT publishes."""

    lowercase: bool = False
    """Whether case is ignored."""

    remove_whitespace: bool = True
    """Whether blanks are no part of character n-grams."""

    eps_smoothing: bool = False
    """Smooth by a small constant, as chrF++.py, NLTK and Moses do, instead of by the orders that
    are there."""

    @property
    def title(self) -> str:
        return f"chrF{self.beta}" + "+" * self.word_order

    def scorer(self, predictions: Sequence[Prediction]) -> Any:
        return _scorer(
            char_order=self.char_order,
            word_order=self.word_order,
            beta=self.beta,
            lowercase=self.lowercase,
            whitespace=not self.remove_whitespace,
            eps_smoothing=self.eps_smoothing,
        )

    def aggregate(self, totals: Sequence[float]) -> float | None:
        if not totals:
            return None
        scorer = self.scorer(())
        return float(scorer._compute_score_from_stats([int(total) for total in totals]).score)


@cache
def _scorer(**settings: Any) -> Any:
    return CHRF(**settings)


METRIC = Chrf
