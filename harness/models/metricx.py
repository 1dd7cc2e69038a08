"""MetricX in this process, which loads torch with the first row to score."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.models.metricx_model import MetricXModel


class MetricX:
    """A ``LearnedScorer``; the model it used last stays in memory as long as it does."""

    def __init__(self) -> None:
        self._used: tuple[Path, str] | None = None
        self._model: MetricXModel | None = None

    def version(self) -> str:
        """Package and version of what runs it."""
        return f"transformers {metadata.version('transformers')}"

    def score(
        self, model: Path | str, rows: Sequence[Mapping[str, str]], precision: str = "fp32"
    ) -> list[float]:
        """How bad each translation is, 0..25, in order.

        Args:
            model: The folder of a checkpoint.
            rows: Each with ``src`` and ``mt``, and ``ref`` where the model is to see a reference.
            precision: ``fp32`` or ``bf16``.

        Raises:
            EvaluationError: The folder has no such model, or no tokenizer.
        """
        return self._of(Path(model), precision).score(rows) if rows else []

    def num_cut(self, model: Path | str, rows: Sequence[Mapping[str, str]]) -> int:
        """How many of the rows have more tokens than the model reads."""
        precision = "fp32" if self._used is None else self._used[1]
        return self._of(Path(model), precision).num_cut(rows) if rows else 0

    def _of(self, folder: Path, precision: str) -> "MetricXModel":
        from harness.models.metricx_model import MetricXModel  # heavy: for who scores with it

        if self._model is None or self._used != (folder, precision):
            self._model = None  # its memory is free before the next is read
            self._model, self._used = MetricXModel(folder, precision), (folder, precision)
        return self._model
