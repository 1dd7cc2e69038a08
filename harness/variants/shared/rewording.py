"""Whether a model's own wording of a reference may stand for it, and if not, why.

A module of its own because sacreBLEU takes a fifth of a second to load.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics.chrf import CHRF

from harness.errors import ConfigError, EvaluationError
from harness.languages.identify import is_other_language
from harness.records import Pair

REASONS = ("meta_phrase", "language", "length", "chrf")
"""Why a rewording is refused, in the order looked for."""


@dataclass(frozen=True)
class Check:
    """What a rewording must fulfil.

    Attributes:
        language: Whether it must not clearly be in the source's language.
        max_length_ratio: Characters of the longer of it and the reference per one of the shorter.
        min_chrf: Least chrF2 to the reference, 0..100.
        meta_phrases: What only text about the task says; one that the reference has too may stand.
    """

    language: bool
    max_length_ratio: float
    min_chrf: float
    meta_phrases: Sequence[str]

    def fault(self, text: str, pair: Pair) -> str | None:
        """The first reason it may not stand for the pair's target; None when it may.

        Raises:
            ConfigError: The identifier does not know a language of the pair.
        """
        said, reference = text.lower(), pair.target.lower()
        if any(p in said and p not in reference for p in map(str.lower, self.meta_phrases)):
            return "meta_phrase"
        if self.language and _is_foreign(text, pair):
            return "language"
        lengths = sorted((len(text.strip()), len(pair.target.strip())))
        if lengths[1] > self.max_length_ratio * lengths[0]:
            return "length"
        if self.chrf(text, pair.target) < self.min_chrf:
            return "chrf"
        return None

    def chrf(self, text: str, reference: str) -> float:
        """Sentence chrF2, 0..100."""
        return float(CHRF().sentence_score(text, [reference]).score)


def _is_foreign(text: str, pair: Pair) -> bool:
    try:
        return is_other_language(text, pair.target_lang, (pair.source_lang,))
    except EvaluationError as error:
        raise ConfigError(
            f"variant.check_language: {error.message}", "Set variant.check_language: false."
        ) from error
