"""COMET: quality of a translation given its source and a reference, learned from human judgements.

Rei et al., EMNLP 2020 (arXiv 2009.09025), as unbabel-comet computes it. Range: what the checkpoint
was trained on, for most 0..1; higher is better. An empty answer is scored by the model like any
other text, and comes out low. Of several references the first is used. The reference
implementation is unbabel-comet itself, ``model.predict`` to 1e-5. Its command ``comet-score``
(2.2.7) rounds every model to half precision, so its figures differ by up to 1e-3.

A model reads so many tokens of each text (most: 512), or of all texts of an item together; how many
items were cut there is kept beside the score (``cut``).
"""

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from statistics import fmean
from typing import ClassVar, Literal

from pydantic import field_validator

from harness.errors import ConfigError, MissingExtra
from harness.metrics.shared.comet_checkpoint import find_checkpoint, local_checkpoint
from harness.metrics.shared.metric import MetricSpec
from harness.protocols import LearnedScorer, Services
from harness.records import Prediction
from harness.settings.spec import LocalPath

logger = logging.getLogger(__name__)

_COMPARED = 32
"""Items scored in fp32 too, to say what another precision changes."""


class Comet(MetricSpec):
    """Mean segment score of a COMET model."""

    needs: ClassVar[tuple[str, ...]] = ("source", "references")
    references: ClassVar[str] = "first"

    model: LocalPath = "pocket"
    """`pocket` (the testbed's own checkpoint, which knows the pocket world only), a checkpoint's
    folder or `.ckpt` file, or a hub id such as Unbabel/wmt22-comet-da (2.3 GB, fetched at first
    use). Checkpoints are pickles: load only those you trust."""

    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the model; bf16 is faster on accelerators and changes the third decimal. By how
    much is measured on 32 items of each benchmark, and kept beside the score: the mean difference
    of an item (`bf16_deviation`) and that of the mean (`bf16_shift`)."""

    @field_validator("model", mode="after")
    @classmethod
    def _check_model(cls, value: str) -> str:
        if value != "pocket":  # shipped; and unread until it is used
            try:
                local_checkpoint(value)
            except ConfigError as error:
                raise ValueError(error.message) from None
        return value

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        """Model by content, package version and precision.

        Raises:
            MissingExtra: There is no COMET on this machine.
            EvaluationError: The model is not on this machine and the hub did not give it.
        """
        if self.model == "pocket" and "model" not in self.model_fields_set:
            _warn_of_the_default()
        identity = find_checkpoint(self.model).identity()
        version = _scorer(services).version()
        return (
            f"refs:{self.references}|model:{identity}|precision:{self.precision}|version:{version}"
        )

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        """Score and 1, [N][2].

        Raises:
            MissingExtra: There is no COMET on this machine.
            EvaluationError: COMET could not score.
        """
        rows = [self._row(prediction) for prediction in predictions]
        weights = find_checkpoint(self.model).weights
        scores = _scorer(services).score(weights, rows, self.precision)
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
            MissingExtra: There is no COMET on this machine.
            EvaluationError: COMET could not score.
        """
        model, rows = find_checkpoint(self.model).weights, list(map(self._row, predictions))
        cut = _scorer(services).num_cut(model, rows)
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
        exact = _scorer(services).score(find_checkpoint(self.model).weights, compared, "fp32")
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


def _scorer(services: Services) -> LearnedScorer:
    if services.learned is None:
        raise MissingExtra("COMET needs its worker process, and none was given", "`make setup`")
    return services.learned


@cache
def _warn_of_the_default() -> None:
    logger.warning(
        "comet: no model named, so the pocket testbed's own is used, which knows the pocket world "
        "only (for real languages: comet.model Unbabel/wmt22-comet-da)"
    )


METRIC = Comet
