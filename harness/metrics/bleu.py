"""BLEU: n-gram precision of a corpus with a brevity penalty.

Papineni et al. (2002), "BLEU: a Method for Automatic Evaluation of Machine Translation"; sacreBLEU
(Post 2018, arXiv 1804.08771) is the reference implementation and does the work here.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from sacrebleu.metrics.bleu import BLEU

from harness.errors import DataError, MissingExtra
from harness.languages.identify import has_no_blanks
from harness.metrics.shared.overlap import OverlapMetric
from harness.records import Prediction
from harness.storage.predictions import wanted

_TOKENIZERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}
# written without spaces between words, and sacreBLEU has no tokenizer for them
_TOKENIZERS |= dict.fromkeys(["th", "lo", "km", "my", "bo"], "char")
_ORDERS = 4
_LOOKED_AT = 200
"""Items without a language whose references are looked at."""


class Bleu(OverlapMetric):
    """Corpus BLEU, 0..100, higher is better; a corpus of empty answers scores 0.

    The value of a single item is its statistics put through the corpus formula: good for finding
    items, not comparable with sentence BLEU. Reference implementation: sacreBLEU, exactly.
    """

    title: ClassVar[str] = "BLEU"

    tokenize: Literal["auto", "13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"] = "auto"
    """`auto`: by the target language: `zh`, `ja-mecab`, `ko-mecab`; `char` for Thai, Lao, Khmer,
    Burmese and Tibetan; else `13a`. Text without blanks in a language nobody named is an error."""

    lowercase: bool = False
    """Whether case is ignored."""

    def scorer(self, predictions: Sequence[Prediction]) -> Any:
        """SacreBLEU's BLEU with the tokenizer of the target language."""
        name = self.tokenize if self.tokenize != "auto" else _tokenizer_for(predictions)
        try:
            return BLEU(tokenize=name, lowercase=self.lowercase, force=True)
        except (ImportError, RuntimeError) as error:
            language = name.partition("-")[0]
            raise MissingExtra(
                f"BLEU needs a word splitter for {language}: {str(error).strip().splitlines()[0]}",
                f"pip install 'sacrebleu[{language}]'",
            ) from None

    def aggregate(self, totals: Sequence[float]) -> float | None:
        if len(totals) != 2 + 2 * _ORDERS:
            return None
        answer_length, reference_length, *counts = map(int, totals)
        correct, total = counts[:_ORDERS], counts[_ORDERS:]
        score = BLEU.compute_bleu(
            correct, total, answer_length, reference_length, smooth_method="exp"
        )
        return float(score.score)


def _tokenizer_for(predictions: Sequence[Prediction]) -> str:
    """The tokenizer of the predictions' target language."""
    silent = [row for row in predictions if not (row.target_lang or row.language)]
    if has_no_blanks(text for row in silent[:_LOOKED_AT] for text in wanted(row)):
        raise DataError(
            f"bleu: {len(silent)} of {len(predictions)} items do not say their language, and their "
            "references have no blanks between words: as one word each they would score near zero",
            "say the target language (--target-lang th) or set the tokenizer (bleu.tokenize=char)",
        )
    tags: dict[str, str] = {}  # by tokenizer the first language that needs it
    for row in predictions:
        tag = row.target_lang or row.language or ""
        tags.setdefault(_TOKENIZERS.get(tag.partition("-")[0].lower(), "13a"), tag)
    if len(tags) > 1:
        raise DataError(
            f"bleu: target languages {', '.join(sorted(tags.values()))} need different "
            "tokenizers; score one language at a time, or set `tokenize`"
        )
    return next(iter(tags), "13a")


METRIC = Bleu
