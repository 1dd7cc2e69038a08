"""Scores translations with COMET, for an interpreter that has unbabel-comet; see ``line_worker``.

Stand-alone: it imports nothing of the harness, whose environment cannot hold unbabel-comet.

    -> {"checkpoint": ".../model.ckpt", "precision": "fp32", "sets": [ROWS, ...]}
    <- {"sets": [{"scores": [...]}  or  {"error": "..."}, ...]}
    -> {"checkpoint": ".../model.ckpt", "measure": ROWS}
    <- {"cut": 3}

ROWS are [{"src", "mt", "ref"}, ...], the rows of one benchmark and trial; without "ref" for models
that need no reference. Sets share the embeddings of sources and references, but no batch: a score
changes with its batch by rounding (1e-7 in fp32, up to 4e-3 in bf16), and would then depend on who
asked at the same moment. Batches over all sets were measured to be 1.06 to 1.19 times as fast.

Checkpoints are pickles: load only those you trust.
"""

import logging
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import chdir
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Row = dict[str, str]
BATCH_SIZE = 16
"""As in ``model.predict``; rows are batched in the order of their length."""
TEXT_SETS_KEPT = 64
"""Sources or references of a benchmark whose embeddings stay in memory."""


class Apart:
    """unbabel-comet's models that embed each sentence by itself, every distinct text once.

    RegressionMetric reads source, translation and reference, ReferencelessRegression no reference.
    The sources and references of a benchmark never change, so they are embedded at its first
    scoring only. They are kept as a set and embedded in an order of their own: a score does not
    depend on what was scored before.
    """

    def __init__(self, model: Any, precision: str) -> None:
        self.model, self.precision = model, precision
        self._kept = lru_cache(TEXT_SETS_KEPT)(self._embed)

    def score(self, rows: Sequence[Row]) -> list[float]:
        import torch

        sources = self._of(rows, "src", self._kept)
        outputs = self._of(rows, "mt", self._embed)
        references = [self._of(rows, "ref", self._kept)] if self.model.requires_references() else []
        with torch.inference_mode(), autocast(self.model, self.precision):
            found = self._estimate(sources, outputs, *references)
        scores: list[float] = found.float().tolist()
        return scores

    def _estimate(
        self, sources: "torch.Tensor", outputs: "torch.Tensor", *references: "torch.Tensor"
    ) -> "torch.Tensor":
        """Scores, [N]; the referenceless model has no method for the part behind the embeddings."""
        import torch

        if references:
            estimate: torch.Tensor = self.model.estimate(sources, outputs, *references).score
            return estimate
        features = outputs, sources, outputs * sources, (outputs - sources).abs()
        estimate = self.model.estimator(torch.cat(features, dim=1)).view(-1)
        return estimate

    def _of(self, rows: Sequence[Row], key: str, embed: Any) -> "torch.Tensor":
        """Embeddings of one field of the rows, [N, H]."""
        texts = tuple(sorted({row[key] for row in rows}))
        index_of = {text: index for index, text in enumerate(texts)}
        embeddings: torch.Tensor = embed(texts)
        return embeddings[[index_of[row[key]] for row in rows]]

    def _embed(self, texts: tuple[str, ...]) -> "torch.Tensor":
        """Embeddings of distinct texts, [N, H], those of alike many tokens in one batch."""
        import torch

        order = by_tokens(self.model, texts)
        batches = []
        with torch.inference_mode(), autocast(self.model, self.precision):
            for start in range(0, len(order), BATCH_SIZE):
                chosen = [texts[index] for index in order[start : start + BATCH_SIZE]]
                batch = self.model.encoder.prepare_sample(chosen)
                inputs = {key: value.to(self.model.device) for key, value in batch.items()}
                batches.append(self.model.get_sentence_embedding(**inputs))
        return torch.cat(batches)[torch.tensor(order).argsort()]


class Joint:
    """Any other model of unbabel-comet, by the steps of its own ``predict`` without the trainer."""

    def __init__(self, model: Any, precision: str) -> None:
        self.model, self.precision = model, precision

    def score(self, rows: Sequence[Row]) -> list[float]:
        import torch

        order = by_tokens(self.model, [" ".join(row.values()) for row in rows])
        scores = [0.0] * len(rows)
        with torch.inference_mode(), autocast(self.model, self.precision):
            for start in range(0, len(order), BATCH_SIZE):
                places = order[start : start + BATCH_SIZE]
                batch = self.model.prepare_for_inference([rows[place] for place in places])
                moved = self.model.transfer_batch_to_device(batch, self.model.device, 0)
                found = self.model.predict_step(moved)["scores"].float().tolist()
                for place, score in zip(places, found, strict=True):
                    scores[place] = score
        return scores


def by_tokens(model: Any, texts: Sequence[str]) -> list[int]:
    """Places of the texts, the shortest first; of equally long ones in the order given."""
    ids = model.encoder.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    return sorted(range(len(texts)), key=lambda place: len(ids[place]))


def num_cut(model: Any, rows: Sequence[Row]) -> int:
    """How many rows have a text, or all texts of a joint input, of more tokens than are read."""
    from comet.models import ReferencelessRegression, RegressionMetric

    encoder, keys = model.encoder, ["mt", "src", "ref"]
    if isinstance(model, ReferencelessRegression):
        keys = ["mt", "src"]
    is_joint = not isinstance(model, ReferencelessRegression | RegressionMetric)
    if is_joint:
        segments = model.hparams.get("input_segments", keys)
        keys = [key for key in keys if key == "mt" or key in segments]
    texts = sorted({row[key] for row in rows for key in keys if key in row})
    lengths = dict(zip(texts, map(len, encoder.tokenizer(texts)["input_ids"]), strict=True))
    longest = encoder.max_positions - 2  # as its prepare_sample cuts each text

    def is_cut(row: Row) -> bool:
        sizes = [lengths[row[key]] for key in keys if key in row]
        # as its concat_sequences joins them: without their own ends, with separators between
        joint = sum(min(size, longest) - 2 for size in sizes)
        joint += 2 + (len(sizes) - 1) * encoder.size_separator
        return max(sizes) > longest or (is_joint and joint > encoder.max_positions)

    return sum(map(is_cut, rows))


def autocast(model: Any, precision: str) -> Any:
    """fp32 as it is, or bfloat16 where torch deems it safe."""
    import torch

    return torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16")


@cache
def load(checkpoint: str, precision: str) -> Apart | Joint:
    """A checkpoint ready to score; loaded once."""
    from comet.models import ReferencelessRegression, RegressionMetric

    model = load_model(checkpoint)
    apart = type(model) in (RegressionMetric, ReferencelessRegression)
    return Apart(model, precision) if apart else Joint(model, precision)


@cache
def load_model(checkpoint: str) -> Any:
    """The model on the accelerator if there is one.

    A checkpoint names its encoder; a relative name means a folder beside ``hparams.yaml``, so it is
    loaded from there.
    """
    import torch
    from comet import load_from_checkpoint

    with chdir(Path(checkpoint).parents[1]):
        model = load_from_checkpoint(checkpoint, local_files_only=True)
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def answer(checkpoint: str, precision: str, rows: Sequence[Row]) -> dict[str, Any]:
    """The scores of a set of rows, or why there are none."""
    try:
        model = load_model(checkpoint)
        if model.requires_references() and any("ref" not in row for row in rows):
            raise ValueError(f"{type(model).__name__} needs references; comet scores with them")
        return {"scores": load(checkpoint, precision).score(rows)}
    except Exception as error:  # whatever a checkpoint may raise is the asker's to hear
        traceback.print_exc()
        reason = str(error).strip().splitlines() or ["no reason given"]
        return {"error": f"{type(error).__name__}: {reason[0]}"}


def answer_all(request: dict[str, Any]) -> dict[str, Any]:
    """The answer of every set of rows in a request, or how many rows are cut."""
    if "measure" in request:
        return {"cut": num_cut(load_model(request["checkpoint"]), request["measure"])}
    model = request["checkpoint"], request["precision"]
    return {"sets": [answer(*model, rows) for rows in request["sets"]]}


def prepare(num_threads: str) -> tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]:
    """Loads the libraries, quietly; the version of unbabel-comet, and what answers requests.

    Raises:
        ImportError: This interpreter cannot run COMET.
    """
    warnings.simplefilter("ignore")
    import comet
    import torch
    import transformers

    logging.disable(logging.WARNING)
    torch.set_num_threads(int(num_threads))
    transformers.logging.set_verbosity_error()
    if int(transformers.__version__.split(".")[0]) >= 5:
        raise ImportError(f"unbabel-comet needs transformers<5, found {transformers.__version__}")
    return comet.__version__, answer_all
