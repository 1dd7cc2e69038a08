"""WiSE-FT: a trained adapter taken part of the way, theta_0 + alpha dW; nothing more is trained.

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", 2109.01903, section 3: the weights
(1 - alpha) theta_0 + alpha theta_1 lie on the line between the untuned model and the tuned one, and
a middle of it often keeps most of what both do well.

With an adapter theta_1 is theta_0 + dW, so the line is dW scaled, which is done in B: the result is
an adapter of the same size.

Deviations and choices:

- The paper interpolates all weights of a model fine-tuned whole; here those that the adapter
  touches, which are all that differ.
- Default alpha .5, the paper's choice where nothing is known; it goes in steps of .1. A sweep over
  alpha trains its source once per seed.
- DoRA is refused: its dW is not scale B A.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from harness.models.answering_file import saved_answering
from harness.protocols import Variant
from harness.records import JSON
from harness.variants.shared.method import Textless, own_answering
from harness.variants.shared.parts import AdapterFolder, PartField, source_of


class Wise(Textless):
    """Scales what another method trained. Its data, seed and training are the trial's."""

    name: Literal["wise"] = "wise"

    source: PartField = "sft"  # type: ignore[assignment]  # a name, as a file gives it
    """What is scaled: a variant that trains, by its name or with its settings, or
    `{adapter: FOLDER}`, an adapter that is there already."""

    alpha: float = Field(0.5, ge=0.0, le=1.0)
    """How far to go: 0 is the untuned model, 1 the source."""

    neutral: ClassVar[str] = "at alpha 1 it equals its source, logit by logit"

    @property
    def trains(self) -> bool:  # type: ignore[override]
        return not isinstance(self.source, AdapterFolder) and self.source.trains

    @property
    def parts(self) -> Mapping[str, Variant | Path]:
        return {"source": source_of(self.source)}

    @property
    def combination(self) -> Mapping[str, JSON]:
        """The source's update, scaled."""
        return {"method": "scale", "factor": self.alpha}

    @property
    def answering(self) -> Mapping[str, JSON] | None:
        """As its source's models do."""
        if isinstance(self.source, AdapterFolder):
            return saved_answering(Path(self.source.adapter))
        return own_answering(self.source)


VARIANT = Wise
