"""TER: the edits that make an answer the reference, moved word groups counted as one.

Snover et al. (2006), "A Study of Translation Edit Rate with Targeted Human Annotation"; sacreBLEU's
account of Tercom is the reference implementation and does the work here.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from sacrebleu.metrics.ter import TER

from harness.metrics.shared.overlap import OverlapMetric, check_blanks
from harness.records import Prediction


class Ter(OverlapMetric):
    """Edits per hundred words of the reference, from 0 up and lower is better; 100 when empty.

    May exceed 100. Words are what stands between blanks; text without any is an error, unless
    `normalized` and `asian_support` split it. Of several references the nearest counts, over
    their mean length. Reference implementation: sacreBLEU, exactly.
    """

    higher_is_better: ClassVar[bool] = False

    normalized: bool = False
    """Split off punctuation, read XML's entities."""

    no_punct: bool = False
    """Leave punctuation out."""

    asian_support: bool = False
    """Where `normalized`: Chinese and Japanese by characters; where `no_punct`: without their
    punctuation, too."""

    case_sensitive: bool = False
    """Whether case counts."""

    @property
    def title(self) -> str:
        return "TER"

    def scorer(self, predictions: Sequence[Prediction]) -> Any:
        scorer = TER(
            normalized=self.normalized,
            no_punct=self.no_punct,
            asian_support=self.asian_support,
            case_sensitive=self.case_sensitive,
        )
        mend = "split it (Chinese, Japanese: ter.normalized, ter.asian_support), or score by chrf"
        check_blanks(predictions, "ter: Tercom's tokenizer", mend, scorer._preprocess_segment)
        return scorer

    def aggregate(self, totals: Sequence[float]) -> float | None:
        if not totals:
            return None
        return float(TER()._compute_score_from_stats(list(totals)).score)


METRIC = Ter
