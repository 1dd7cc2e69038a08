"""Off-target rate: answers in another language than the one wanted.

A known failure of multilingual translation (Zhang et al. 2020, arXiv 2004.11867) and of language
transfer. Identification is by lingua, offline; see `harness.languages.identify` for its rule.
"""

from collections.abc import Sequence
from typing import ClassVar

from harness.languages.identify import USUAL_LANGUAGES, is_other_language, rules
from harness.languages.tags import LanguageTag
from harness.metrics.shared.rates import Rate
from harness.protocols import Services
from harness.records import Prediction


class OffTarget(Rate):
    """Share of answers clearly not in the wanted language, 0..1, lower is better.

    An empty answer scores 0, as does one too short to tell (under two words or ten letters) in
    the right script: a short correct answer is never called off-target. Of 4,034 sentences of news
    and conversation (NTREX-128, WMT22) each in German and English, it calls 4 and 2 off-target
    when their language is wanted, and .992 and .990 of them when the other one is; of 2,856 short
    English sentences (Tatoeba) none, and .977. Of 3,994 in Thai and Chinese (NTREX-128), full of
    names in Latin letters, it calls 2 off-target, which quote French. Reference implementation:
    this one, on lingua's confidence values.
    """

    needs: ClassVar[tuple[str, ...]] = ("language",)
    higher_is_better: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ("off_target", "on_target")
    libraries: ClassVar[tuple[str, ...]] = ("lingua-language-detector",)

    languages: tuple[LanguageTag, ...] = USUAL_LANGUAGES
    """Languages an answer may be in, beside those its item names; the fewer, the quicker (each
    Latin-script one takes about 0.2 s and 20 MB) and the surer."""

    def item(self, prediction: Prediction) -> float:
        """1 for an answer in another language."""
        named = (prediction.source_lang, prediction.target_lang)
        candidates = (*self.languages, *(tag for tag in named if tag))
        return float(is_other_language(prediction.answer, prediction.language or "", candidates))

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        """As of any rate, and what was changed since for languages in other scripts than Latin."""
        wanted = {one.language for one in predictions if one.language}
        return super().signature(predictions, services) + rules(wanted)


METRIC = OffTarget
