"""Words as a SentencePiece model splits them, for sacreBLEU."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.errors import DataError, MissingExtra

_KEPT = 2**16
"""Segments whose pieces are kept, as sacreBLEU does: references are split once a benchmark."""


class SentencePieces:
    """A tokenizer of sacreBLEU's kind with a model of one's own.

    Raises:
        MissingExtra: There is no sentencepiece.
        DataError: The file is no SentencePiece model.
    """

    def __init__(self, model: Path) -> None:
        self._processor = _processor(str(model.absolute()))

    def __call__(self, line: str) -> str:
        """The pieces of a segment, with blanks between."""
        return _pieces(self._processor, line)


@lru_cache(_KEPT)
def _pieces(processor: Any, line: str) -> str:
    return " ".join(processor.encode(line, out_type=str))


@lru_cache(4)
def _processor(path: str) -> Any:
    try:
        from sentencepiece import SentencePieceProcessor
    except ImportError:
        raise MissingExtra(
            "bleu: spBLEU needs sentencepiece, and there is none", "pip install sentencepiece"
        ) from None
    try:
        return SentencePieceProcessor(model_file=path)
    except (OSError, RuntimeError):
        raise DataError(f"bleu.spm: {path}: no SentencePiece model") from None
