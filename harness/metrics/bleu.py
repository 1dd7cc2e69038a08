"""BLEU: n-gram precision of a corpus with a brevity penalty.

Papineni et al. (2002), "BLEU: a Method for Automatic Evaluation of Machine Translation"; sacreBLEU
(Post 2018, arXiv 1804.08771) is the reference implementation and does the work here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from sacrebleu.metrics.bleu import BLEU

from harness.errors import DataError, MissingExtra
from harness.languages.tags import primary
from harness.metrics.shared.overlap import OverlapMetric, check_blanks
from harness.metrics.shared.sentence_pieces import SentencePieces
from harness.protocols import Services
from harness.records import Prediction
from harness.settings.spec import LocalPath, file_sha256

_TOKENIZERS = {"ja": "ja-mecab", "ko": "ko-mecab"}
# Chinese of all kinds: Cantonese, Wu, Min Nan, Hakka, Gan, Xiang, Jin, Min Dong, the classical one
_TOKENIZERS |= dict.fromkeys(
    ["zh", "yue", "wuu", "nan", "hak", "gan", "hsn", "cjy", "cdo", "lzh"], "zh"
)
# written without spaces between words, and sacreBLEU has no tokenizer for them
_TOKENIZERS |= dict.fromkeys(
    ["th", "lo", "km", "my", "bo", "dz", "nod", "tts", "shn", "mnw", "ksw", "khb", "tdd"], "char"
)
_SENTENCE_PIECES = ("flores101", "flores200", "spBLEU-1K")
_SPLIT_AT_BLANKS = ("13a", "intl", "none")
_ORDERS = 4


class Bleu(OverlapMetric):
    """Corpus BLEU, 0..100, higher is better; a corpus of empty answers scores 0.

    The value of a single item is its statistics put through the corpus formula: good for finding
    items, not comparable with sentence BLEU. Reference implementation: sacreBLEU, exactly.
    """

    tokenize: Literal[
        "auto", "13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none",
        "flores101", "flores200", "spBLEU-1K",
    ] = "auto"  # fmt: skip
    """`auto`: by the target language: `zh`, `ja-mecab`, `ko-mecab`; `char` for Thai, Lao, Khmer,
    Burmese, Tibetan and their neighbours; else `13a`. Text without blanks between words is an error
    for `13a`, `intl` and `none`, which split there. `flores101`, `flores200` and `spBLEU-1K` make
    it spBLEU, with the model in `spm`."""

    lowercase: bool = False
    """Whether case is ignored."""

    smooth_method: Literal["exp", "floor", "add-k", "none"] = "exp"
    """What stands for an order of which no n-gram matches."""

    smooth_value: float | None = Field(None, ge=0)
    """Of `floor` (0.1 where none is said) and `add-k` (1)."""

    spm: LocalPath | None = None
    """SentencePiece model of spBLEU, which `tokenize` names: a file, of which nothing is fetched
    (sacreBLEU keeps those it fetched in ~/.sacrebleu/models)."""

    @field_validator("smooth_value", mode="after")
    @classmethod
    def _check_value(cls, value: float | None, info: ValidationInfo) -> float | None:
        method = info.data.get("smooth_method", "floor")  # no such method is told already
        if value is not None and method not in ("floor", "add-k"):
            raise ValueError(
                f"found {value:g} with smooth_method: {method}, allowed with: floor, add-k"
            )
        return value

    @field_validator("spm", mode="after")
    @classmethod
    def _check_file(cls, value: str | None, info: ValidationInfo) -> str | None:
        tokenizer = info.data.get("tokenize")
        if value is None and tokenizer in _SENTENCE_PIECES:
            raise ValueError(
                f"found none with tokenize: {tokenizer}, allowed: its SentencePiece model's file"
            )
        if value is not None and tokenizer not in (*_SENTENCE_PIECES, None):
            raise ValueError(
                f"found {value!r} with tokenize: {tokenizer}, allowed with: "
                f"{', '.join(_SENTENCE_PIECES)}"
            )
        if value is not None and not Path(value).is_file():
            raise ValueError(f"found {value!r}, allowed: a SentencePiece model's file")
        return value

    @property
    def title(self) -> str:
        return "BLEU"

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        signature = super().signature(predictions, services)
        return (
            signature if self.spm is None else f"{signature}|spm:{file_sha256(Path(self.spm))[:12]}"
        )

    def check_here(self, predictions: Sequence[Prediction]) -> None:
        self.scorer(predictions)

    def scorer(self, predictions: Sequence[Prediction]) -> Any:
        """SacreBLEU's BLEU with the tokenizer of the target language."""
        name = self.tokenize if self.tokenize != "auto" else _tokenizer_for(predictions)
        if name in _SPLIT_AT_BLANKS:
            check_blanks(
                predictions,
                f"bleu: the tokenizer {name}",
                "say the target language (--target-lang th) or set bleu.tokenize=char",
            )
        try:
            return self._scorer(name)
        except (ImportError, RuntimeError) as error:
            language = name.partition("-")[0]
            raise MissingExtra(
                f"BLEU needs a word splitter for {language}: {str(error).strip().splitlines()[0]}",
                f"pip install 'sacrebleu[{language}]'",
            ) from None

    def _scorer(self, name: str) -> BLEU:
        settings = {
            "lowercase": self.lowercase,
            "smooth_method": self.smooth_method,
            "smooth_value": self.smooth_value,
            "force": True,
        }
        if self.spm is None:
            return BLEU(tokenize=name, **settings)
        scorer = BLEU(tokenize="none", **settings)
        scorer.tokenizer, scorer.tokenizer_signature = SentencePieces(Path(self.spm)), name
        return scorer

    def aggregate(self, totals: Sequence[float]) -> float | None:
        if len(totals) != 2 + 2 * _ORDERS:
            return None
        answer_length, reference_length, *counts = map(int, totals)
        correct, total = counts[:_ORDERS], counts[_ORDERS:]
        score = BLEU.compute_bleu(
            correct,
            total,
            answer_length,
            reference_length,
            smooth_method=self.smooth_method,
            smooth_value=self.smooth_value,
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


METRIC = Bleu
