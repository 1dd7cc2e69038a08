"""chrF: F-score of character n-grams; as `chrf` everywhere, chrF2 without word n-grams.

Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation"; this is what WMT
publishes. sacreBLEU is the reference implementation and does the work here.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from pydantic import Field
from sacrebleu.metrics.chrf import CHRF

from harness.metrics.shared.overlap import OverlapMetric
from harness.records import Prediction


class Chrf(OverlapMetric):
    """Corpus chrF2, 0..100, higher is better; a corpus of empty answers scores 0.

    Works for any script, also without spaces. Reference implementation: sacreBLEU, exactly.
    """

    title: ClassVar[str] = "chrF2"
    word_order: ClassVar[int] = 0

    char_order: int = Field(6, ge=1)
    """Longest character n-gram."""

    lowercase: bool = False
    """Whether case is ignored."""

    def scorer(self, predictions: Sequence[Prediction]) -> Any:
        return CHRF(
            char_order=self.char_order, word_order=self.word_order, lowercase=self.lowercase
        )

    def aggregate(self, totals: Sequence[float]) -> float | None:
        if not totals:
            return None
        scorer = _scorer(self.char_order, self.word_order)
        return float(scorer._compute_score_from_stats([int(total) for total in totals]).score)


@cache
def _scorer(char_order: int, word_order: int) -> Any:
    return CHRF(char_order=char_order, word_order=word_order)


METRIC = Chrf
