"""Exact match after normalisation."""

import re
import unicodedata
from typing import ClassVar

from harness.metrics.shared.rates import Rate
from harness.records import Prediction
from harness.storage.predictions import wanted

_QUOTES = "\"'`“”„‚‘’«»‹›"
_FINAL = ".!?…。！？ "
_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ＇′‘", "'"))
_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3})([^*_]+)\1")
_CHOICE = re.compile(r"[(\[]?(\w{1,2})[)\]]")
"""The letter or number of a choice in brackets: (A), A), [2]."""


class ExactMatch(Rate):
    """Share of answers equal to the target or to one of the references, 0..1, higher is better.

    Both are normalised first: Unicode NFC, blanks collapsed, apostrophes of one kind, case ignored,
    quotation marks and emphasis around the whole and punctuation at its end dropped, and brackets
    around the letter or number of a choice. Nothing is dropped inside: "3,5" is not "35".
    An empty answer scores 0, unless an empty one is wanted. Reference implementation: lm-eval's
    ``exact_match`` with ``ignore_case``, which drops all punctuation or none.
    """

    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("wanted",)
    labels: ClassVar[tuple[str, ...]] = ("right", "wrong")

    ignore_case: bool = True
    """Whether case is ignored."""

    ignore_final_punctuation: bool = True
    """Whether quotation marks, emphasis and a choice's brackets around the answer, and punctuation
    at its end, are dropped."""

    def item(self, prediction: Prediction) -> float:
        """1 for a match."""
        answer = self.normalised(prediction.answer)
        return float(any(answer == self.normalised(text) for text in wanted(prediction)))

    def normalised(self, text: str) -> str:
        """The text as it is compared.

        >>> [ExactMatch().normalised(text) for text in (' "Toral." ', "**Toral**", "(A)")]
        ['toral', 'toral', 'a']
        """
        text = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
        if self.ignore_final_punctuation:
            text = _bare(_bare(text)).translate(_APOSTROPHES)
        return text.casefold() if self.ignore_case else text


def _bare(text: str) -> str:
    text = text.strip(_QUOTES + " ").rstrip(_FINAL).strip(_QUOTES + " ")
    for pattern, group in ((_EMPHASIS, 2), (_CHOICE, 1)):
        if enclosed := pattern.fullmatch(text):
            text = enclosed[group]
    return text


METRIC = ExactMatch
