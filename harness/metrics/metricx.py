"""MetricX: how bad a translation is given source and reference, learned from human judgements.

Juraska et al., WMT 2024 (MetricX-24), a regression model on mT5. Range: 0..25, an MQM score; lower
is better. An empty answer is scored by the model like any other text, and comes out high. Of
several references the first is used. The reference implementation is google-research/metricx,
``metricx24.predict``: the same wording, limit and head, in this process by transformers.

A model reads 1,536 tokens of source, answer and reference together; how many items were cut there
is kept beside the score (``cut``).
"""

from pathlib import Path
from typing import ClassVar

from pydantic import field_validator

from harness.errors import ConfigError, MissingExtra
from harness.metrics.shared.learned import LearnedMetric
from harness.models.metricx_checkpoint import check_local, find_metricx
from harness.protocols import LearnedScorer, Services
from harness.settings.spec import LocalPath


class MetricXRegression(LearnedMetric):
    """Mean segment score of a MetricX-24 model."""

    needs: ClassVar[tuple[str, ...]] = ("source", "references")
    higher_is_better: ClassVar[bool] = False

    model: LocalPath = "google/metricx-24-hybrid-large-v2p6"
    """A checkpoint's folder, or a hub id (the default is 5 GB, fetched at first use; -xl and -xxl
    are larger and better). Without a tokenizer in the folder that of google/mt5-xl is fetched.
    Checkpoints of MetricX-23 were taught another wording."""

    @field_validator("model", mode="after")
    @classmethod
    def _check_model(cls, value: str) -> str:
        try:
            check_local(value)
        except ConfigError as error:
            raise ValueError(error.message) from None
        return value

    def scorer(self, services: Services) -> LearnedScorer:
        if services.metricx is None:
            raise MissingExtra("MetricX needs its model's process, and none was given")
        return services.metricx

    def weights(self) -> Path:
        return find_metricx(self.model).folder

    def identity(self) -> str:
        return find_metricx(self.model).identity()


METRIC = MetricXRegression
