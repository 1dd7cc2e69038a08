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
from functools import cache
from pathlib import Path
from typing import ClassVar

from pydantic import field_validator

from harness.errors import ConfigError, MissingExtra
from harness.metrics.shared.comet_checkpoint import find_checkpoint, local_checkpoint
from harness.metrics.shared.learned import LearnedMetric
from harness.protocols import LearnedScorer, Services
from harness.settings.spec import LocalPath

logger = logging.getLogger(__name__)


class Comet(LearnedMetric):
    """Mean segment score of a COMET model."""

    needs: ClassVar[tuple[str, ...]] = ("source", "references")

    model: LocalPath = "pocket"
    """`pocket` (the testbed's own checkpoint, which knows the pocket world only), a checkpoint's
    folder or `.ckpt` file, or a hub id such as Unbabel/wmt22-comet-da (2.3 GB, fetched at first
    use). Checkpoints are pickles: load only those you trust."""

    @field_validator("model", mode="after")
    @classmethod
    def _check_model(cls, value: str) -> str:
        if value != "pocket":  # shipped; and unread until it is used
            try:
                local_checkpoint(value)
            except ConfigError as error:
                raise ValueError(error.message) from None
        return value

    def scorer(self, services: Services) -> LearnedScorer:
        if services.learned is None:
            raise MissingExtra("COMET needs its worker process, and none was given", "`make setup`")
        return services.learned

    def weights(self) -> Path:
        return find_checkpoint(self.model).weights

    def identity(self) -> str:
        if self.model == "pocket" and "model" not in self.model_fields_set:
            _warn_of_the_default()
        return find_checkpoint(self.model).identity()


@cache
def _warn_of_the_default() -> None:
    logger.warning(
        "comet: no model named, so the pocket testbed's own is used, which knows the pocket world "
        "only (for real languages: comet.model Unbabel/wmt22-comet-da)"
    )


METRIC = Comet
