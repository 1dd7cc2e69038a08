"""What metrics share that a trained model computes: segment scores, and what was left unread."""

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import ClassVar, Literal

from harness.metrics.shared.metric import MetricSpec
from harness.protocols import LearnedScorer, Services
from harness.records import Prediction
from harness.settings.spec import LocalPath

logger = logging.getLogger(__name__)

_COMPARED = 32
"""Items scored in fp32 too, to say what another precision changes."""


class LearnedMetric(MetricSpec):
    """Mean segment score of a trained model."""

    references: ClassVar[str] = "first"
    """Which of an item's references the model sees: `first` or `none`."""

    model: LocalPath
    """The checkpoint."""

    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the model; bf16 is faster on accelerators and changes the third decimal. By how
    much is measured on 32 items of each benchmark, and kept beside the score: the mean difference
    of an item (`bf16_deviation`) and that of the mean (`bf16_shift`)."""

    @abstractmethod
    def scorer(self, services: Services) -> LearnedScorer:
        """What runs the model.

        Raises:
            MissingExtra: There is none on this machine.
        """

    @abstractmethod
    def weights(self) -> Path:
        """What the scorer is to load.

        Raises:
            EvaluationError: The model is not on this machine and the hub did not give it.
        """

    @abstractmethod
    def identity(self) -> str:
        """The model's name and content.

        Raises:
            EvaluationError: As for ``weights``.
        """

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        """Model by content, package version and precision.

        Raises:
            MissingExtra: Nothing runs the model on this machine.
            EvaluationError: The model is not on this machine and the hub did not give it.
        """
        version = self.scorer(services).version()
        return (
            f"refs:{self.references}|model:{self.identity()}|precision:{self.precision}"
            f"|version:{version}"
        )

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        """Score and 1, [N][2].

        Raises:
            MissingExtra: Nothing runs the model on this machine.
            EvaluationError: It could not score.
        """
        rows = list(map(self._row, predictions))
        scores = self.scorer(services).score(self.weights(), rows, self.precision)
        return [(score, 1.0) for score in scores]

    def facts(
        self,
        predictions: Sequence[Prediction],
        statistics: Sequence[Sequence[float]],
        services: Services,
    ) -> dict[str, float]:
        """Items of which the model reads a part only, and what bf16 changed.

        The latter is measured in fp32 on items spread over all.

        Raises:
            MissingExtra: Nothing runs the model on this machine.
            EvaluationError: It could not score.
        """
        rows = list(map(self._row, predictions))
        cut = self.scorer(services).num_cut(self.weights(), rows)
        if cut:
            logger.warning(
                f"{self.name}: {cut} of {len(rows)} items are longer than {self.model} reads, and "
                "were cut: what stands behind the cut changes no score"
            )
        return {"cut": float(cut), **self._rounding(rows, statistics, services)}

    def _rounding(
        self,
        rows: Sequence[Mapping[str, str]],
        statistics: Sequence[Sequence[float]],
        services: Services,
    ) -> dict[str, float]:
        if self.precision == "fp32":
            return {}
        count = min(_COMPARED, len(rows))
        places = [index * len(rows) // count for index in range(count)]
        compared = [rows[place] for place in places]
        exact = self.scorer(services).score(self.weights(), compared, "fp32")
        changes = [statistics[p][0] - score for p, score in zip(places, exact, strict=True)]
        deviation, shift = fmean(map(abs, changes)), fmean(changes)
        logger.warning(
            f"{self.name}: bf16 changes an item by {deviation:.2g} on average and the mean by "
            f"{shift:+.2g} ({count} items, {self.model})"
        )
        return {"bf16_deviation": deviation, "bf16_shift": shift}

    def _row(self, prediction: Prediction) -> dict[str, str]:
        row = {"src": prediction.source or "", "mt": prediction.answer}
        return row if self.references == "none" else row | {"ref": prediction.references[0]}
