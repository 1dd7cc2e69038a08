"""Off-target rate: answers in another language than the one wanted.

A known failure of multilingual translation (Zhang et al. 2020, arXiv 2004.11867) and of language
transfer. Identification is by lingua, offline; see `harness.languages.identify` for its rule.
"""

from collections.abc import Sequence
from typing import ClassVar

from harness.languages.identify import (
    RULE_VERSION,
    USUAL_LANGUAGES,
    is_other_language,
    neighbours,
)
from harness.languages.tags import LanguageTag
from harness.metrics.shared.rates import Rate
from harness.protocols import Services
from harness.records import Prediction


class OffTarget(Rate):
    """Share of answers clearly not in the wanted language, 0..1, lower is better.

    An empty answer scores 0, as does one too short to tell (under ten letters, or two words where
    there are blanks) in the right script, and names alone: a short correct answer is never called
    off-target. Of the 1,997 sentences of NTREX-128 each in German, English, Thai and Chinese it
    calls 3, 2, 1 and 2 off-target when their language is wanted, and .984 of them or more when
    another of the four is. Of Chinese it finds .959 where Japanese is wanted, .982 where Korean is.
    Reference implementation: this one, on lingua's confidence values.
    """

    needs: ClassVar[tuple[str, ...]] = ("language",)
    higher_is_better: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ("off_target", "on_target")
    libraries: ClassVar[tuple[str, ...]] = ("lingua-language-detector",)

    languages: tuple[LanguageTag, ...] = USUAL_LANGUAGES
    """Languages an answer may be in, beside those its item names; the fewer, the quicker (each
    Latin-script one takes about 0.2 s and 20 MB) and the surer. Where none are named, those that
    are taken for the wanted one are added: Dutch for German, Ukrainian for Russian."""

    def item(self, prediction: Prediction) -> float:
        """1 for an answer in another language."""
        return float(self.is_foreign(prediction.answer, prediction))

    def is_foreign(self, text: str, prediction: Prediction) -> bool:
        """Whether a text is clearly in another language than the one an item wants."""
        named = (prediction.source_lang, prediction.target_lang)
        near = neighbours(prediction.language or "") if self._adds_neighbours else ()
        candidates = (*self.languages, *near, *(tag for tag in named if tag))
        return is_other_language(text, prediction.language or "", candidates)

    @property
    def _adds_neighbours(self) -> bool:
        return self.languages == USUAL_LANGUAGES

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        """As of any rate, with the neighbours looked for and the version of the rule."""
        wanted = {one.language for one in predictions if one.language}
        near = sorted({tag for language in wanted for tag in neighbours(language)})
        added = f"|near:{','.join(near)}" if near and self._adds_neighbours else ""
        return f"{super().signature(predictions, services)}{added}|rule:{RULE_VERSION}"


METRIC = OffTarget
