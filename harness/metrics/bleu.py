"""BLEU: n-gram precision of a corpus with a brevity penalty.

Papineni et al. (2002), "BLEU: a Method for Automatic Evaluation of Machine Translation"; sacreBLEU
(Post 2018, arXiv 1804.08771) is the reference implementation and does the work here.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from sacrebleu.metrics.bleu import BLEU

from harness.errors import DataError, MissingExtra
from harness.languages.identify import has_no_blanks
from harness.languages.tags import primary
from harness.metrics.shared.overlap import OverlapMetric
from harness.records import Prediction
from harness.storage.predictions import wanted

_TOKENIZERS = {"ja": "ja-mecab", "ko": "ko-mecab"}
# Chinese of all kinds: Cantonese, Wu, Min Nan, Hakka, Gan, Xiang, Jin, Min Dong, the classical one
_TOKENIZERS |= dict.fromkeys(
    ["zh", "yue", "wuu", "nan", "hak", "gan", "hsn", "cjy", "cdo", "lzh"], "zh"
)
# written without spaces between words, and sacreBLEU has no tokenizer for them
_TOKENIZERS |= dict.fromkeys(
    ["th", "lo", "km", "my", "bo", "dz", "nod", "tts", "shn", "mnw", "ksw", "khb", "tdd"], "char"
)
_SPLIT_AT_BLANKS = ("13a", "intl", "none")
_ORDERS = 4
_LOOKED_AT = 200
"""Items whose references are looked at for blanks."""


class Bleu(OverlapMetric):
    """Corpus BLEU, 0..100, higher is better; a corpus of empty answers scores 0.

    The value of a single item is its statistics put through the corpus formula: good for finding
    items, not comparable with sentence BLEU. Reference implementation: sacreBLEU, exactly.
    """

    title: ClassVar[str] = "BLEU"

    tokenize: Literal["auto", "13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"] = "auto"
    """`auto`: by the target language: `zh`, `ja-mecab`, `ko-mecab`; `char` for Thai, Lao, Khmer,
    Burmese, Tibetan and their neighbours; else `13a`. Text without blanks between words is an error
    for `13a`, `intl` and `none`, which split there."""

    lowercase: bool = False
    """Whether case is ignored."""

    def scorer(self, predictions: Sequence[Prediction]) -> Any:
        """SacreBLEU's BLEU with the tokenizer of the target language."""
        name = self.tokenize if self.tokenize != "auto" else _tokenizer_for(predictions)
        if name in _SPLIT_AT_BLANKS:
            _check_blanks(predictions, name)
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
    tags: dict[str, str] = {}  # by tokenizer the first language that needs it
    for row in predictions:
        tag = row.target_lang or row.language or ""
        tags.setdefault(_TOKENIZERS.get(primary(tag), "13a"), tag)
    if len(tags) > 1:
        raise DataError(
            f"bleu: target languages {', '.join(sorted(tags.values()))} need different "
            "tokenizers; score one language at a time, or set `tokenize`"
        )
    return next(iter(tags), "13a")


def _check_blanks(predictions: Sequence[Prediction], name: str) -> None:
    step = max(1, len(predictions) // _LOOKED_AT)
    if not has_no_blanks(text for row in predictions[::step] for text in wanted(row)):
        return
    tags = {row.target_lang or row.language for row in predictions} - {None, ""}
    said = f"in {', '.join(sorted(map(str, tags)))}" if tags else "of items that say no language"
    raise DataError(
        f"bleu: the tokenizer {name} splits at blanks, and the references {said} have none between "
        "words: as one word each they would score near zero",
        "say the target language (--target-lang th) or set the tokenizer (bleu.tokenize=char)",
    )


METRIC = Bleu
