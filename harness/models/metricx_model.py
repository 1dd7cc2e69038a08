"""Scores translations with MetricX: mT5 whose decoder's first step says how bad one is.

The encoder reads source, candidate and reference as one text, of MetricX-24's wording; the decoder
takes one step; the logit of one token, held between 0 and 25, is the score (Juraska et al. 2024,
"MetricX-24: The Google Submission to the WMT 2024 Metrics Shared Task", and the facts of its public
code: 1,536 tokens at most, the end token left out).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoTokenizer, MT5Config, MT5ForConditionalGeneration
from transformers.utils import logging as transformers_logging

from harness.errors import EvaluationError
from harness.models.folder import read_json
from harness.models.metricx_checkpoint import SCORE_TOKEN, tokenizer_of

_MOST_TOKENS = 1536
_WORST = 25.0
_BATCH_SIZE = 16
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_SHARED = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}
"""Left out of files that keep each tensor once."""


class MetricXModel:
    """A checkpoint, its weights read at the first score."""

    def __init__(self, folder: Path, precision: str) -> None:
        self._folder, self._dtype = folder, _DTYPES[precision]
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._is_tied = bool(read_json(folder / "config.json").get("tie_word_embeddings"))

    @cached_property
    def _model(self) -> Any:
        transformers_logging.disable_progress_bar()
        # it reports shared embeddings that files leave out; what matters is checked below
        transformers_logging.set_verbosity_error()
        try:
            config = MT5Config.from_pretrained(self._folder, local_files_only=True)
            # the library ties the head to the embeddings whatever the file says
            config.tie_word_embeddings = self._is_tied
            model, info = MT5ForConditionalGeneration.from_pretrained(
                self._folder,
                config=config,
                dtype=self._dtype,
                local_files_only=True,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError, UnpicklingError) as error:
            reason = str(error).strip().splitlines()[0]
            raise EvaluationError(
                f"MetricX cannot be loaded from {self._folder}: {reason}"
            ) from None
        missing = set(info["missing_keys"]) - _SHARED
        if missing:
            raise EvaluationError(
                f"{self._folder}: no MetricX checkpoint: {', '.join(sorted(missing)[:3])} "
                f"missing in its weights"
            )
        model.encoder.embed_tokens = model.decoder.embed_tokens = model.shared
        return model.eval().to(self._device)

    @torch.inference_mode()
    def score(self, rows: Sequence[Mapping[str, str]]) -> list[float]:
        """How bad each translation is, 0..25, in order.

        Raises:
            EvaluationError: The folder has no such model, or no tokenizer.
        """
        texts = [ids[:-1][: _MOST_TOKENS - 1] for ids in _ids(_tokenizer(self._folder), rows)]
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        scores = [0.0] * len(texts)
        for start in range(0, len(order), _BATCH_SIZE):
            indices = order[start : start + _BATCH_SIZE]
            batch = [torch.tensor(texts[index]) for index in indices]
            for index, score in zip(indices, self._batch(batch), strict=True):
                scores[index] = score
        return scores

    def num_cut(self, rows: Sequence[Mapping[str, str]]) -> int:
        """How many of the rows have more tokens than the model reads."""
        return sum(len(ids) > _MOST_TOKENS for ids in _ids(_tokenizer(self._folder), rows))

    def _batch(self, texts: Sequence[torch.Tensor]) -> list[float]:
        model = self._model
        ids = pad_sequence(list(texts), batch_first=True).to(self._device)
        lengths = torch.tensor([len(text) for text in texts], device=self._device)
        mask = (torch.arange(ids.shape[1], device=self._device) < lengths[:, None]).long()
        encoded = model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        begin = torch.zeros(len(texts), 1, dtype=torch.long, device=self._device)
        step = model.decoder(
            input_ids=begin, encoder_hidden_states=encoded, encoder_attention_mask=mask
        ).last_hidden_state[:, 0]
        if self._is_tied:
            step = step * model.config.d_model**-0.5
        logits = (step @ model.lm_head.weight[SCORE_TOKEN]).float()
        scores: list[float] = logits.clamp(0.0, _WORST).tolist()
        return scores


@lru_cache(1)
def _tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(tokenizer_of(folder), local_files_only=True)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EvaluationError(
            f"MetricX's tokenizer cannot be read from {folder}: {reason}"
        ) from None


def _ids(tokenizer: Any, rows: Sequence[Mapping[str, str]]) -> list[list[int]]:
    """Tokens of the rows as MetricX reads them, the end token last."""
    if not rows:
        return []
    ids: list[list[int]] = tokenizer([_text(row) for row in rows], verbose=False)["input_ids"]
    return ids


def _text(row: Mapping[str, str]) -> str:
    """The row in MetricX-24's wording.

    >>> _text({"src": "Hi.", "mt": "Hallo.", "ref": "Hallo!"})
    'source: Hi. candidate: Hallo. reference: Hallo!'
    """
    text = f"source: {row['src']} candidate: {row['mt']}"
    return f"{text} reference: {row['ref']}" if "ref" in row else text
