"""Exact match after normalisation."""

import re
import unicodedata
from typing import ClassVar

from harness.metrics.shared.rates import Rate
from harness.records import Prediction
from harness.storage.predictions import wanted

_QUOTES = "\"'`“”„‚‘’«»‹›"
_FINAL = ".!?…。！？ "


class ExactMatch(Rate):
    """Share of answers equal to the target or to one of the references, 0..1, higher is better.

    Both are normalised first: Unicode NFC, blanks collapsed, case ignored, quotation marks around
    the whole and punctuation at its end dropped. Nothing is dropped inside: "3,5" is not "35".
    An empty answer scores 0, unless an empty one is wanted. Reference implementation: lm-eval's
    ``exact_match`` with ``ignore_case``, which drops all punctuation or none.
    """

    needs: ClassVar[tuple[str, ...]] = ("wanted",)
    labels: ClassVar[tuple[str, ...]] = ("right", "wrong")

    ignore_case: bool = True
    """Whether case is ignored."""

    ignore_final_punctuation: bool = True
    """Whether quotation marks around the answer and punctuation at its end are dropped."""

    def item(self, prediction: Prediction) -> float:
        """1 for a match."""
        answer = self.normalised(prediction.answer)
        return float(any(answer == self.normalised(text) for text in wanted(prediction)))

    def normalised(self, text: str) -> str:
        """The text as it is compared.

        >>> ExactMatch().normalised(' "Toral." ')
        'toral'
        """
        text = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
        if self.ignore_final_punctuation:
            text = text.strip(_QUOTES + " ").rstrip(_FINAL).strip(_QUOTES + " ")
        return text.casefold() if self.ignore_case else text


METRIC = ExactMatch
