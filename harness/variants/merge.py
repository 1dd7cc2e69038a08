"""Adapters trained apart and merged into one, by the methods PEFT has.

Each adapter learns one thing (by default translation by plain fine-tuning, and answers to general
chats); what is merged is their updates dW, each with a weight.

Task arithmetic: Ilharco et al. 2023, 2212.04089. TIES: Yadav et al. 2023, 2306.01708. DARE: Yu et
al. 2024, 2311.03099. Merging is ``add_weighted_adapter`` of PEFT.

What the methods do, and what to know of them:

- ``cat`` is the weighted sum of the dW, exactly; the rank is the sum of the ranks. The default.
- ``svd`` is the best approximation of that sum at the largest rank of the parts.
- ``linear`` sums the matrices A and B apart from each other, so that their products mix: close to
  the sum only where the adapters are alike. It needs equal ranks, as do the next four.
- ``ties``, ``dare_linear``, ``dare_ties`` and ``magnitude_prune`` drop all but ``density`` of the
  entries, and do so in A and in B, as PEFT does. The papers do it to dW: that is what the names
  that end in ``_svd`` do, cut to the largest rank of the parts afterwards.
- SLERP is not among them: PEFT 0.21 does not have it.
- DoRA is refused: its dW is not scale B A.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, FiniteFloat, StringConstraints, model_validator

from harness.errors import unknown_name
from harness.protocols import Variant
from harness.records import JSON
from harness.settings.spec import NestedFaults
from harness.variants.shared.method import Textless
from harness.variants.shared.parts import AdapterFolder, PartField, source_of

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]

_WHOLE = {"cat", "svd", "linear"}
"""Methods that drop nothing, and so have no density."""


class Merge(Textless):
    """Merges adapters. Data, seed and training of those it trains are the trial's."""

    name: Literal["merge"] = "merge"

    adapters: dict[Name, PartField] = Field(
        default={
            "translation": "sft",  # type: ignore[dict-item]  # as a file gives them
            "general": {"name": "replay", "only_replies": True},  # type: ignore[dict-item]
        },
        min_length=2,
    )
    """What is merged, by a name for each: a variant that trains, by its name or with its settings,
    or `{adapter: FOLDER}`, an adapter that is there already."""

    adapter_weights: dict[Name, FiniteFloat] = Field(default_factory=dict)
    """Weight of each adapter's dW, by its name; 1 for those not named. Below 0 takes away."""

    method: Literal[
        "cat",
        "svd",
        "linear",
        "ties",
        "ties_svd",
        "dare_linear",
        "dare_linear_svd",
        "dare_ties",
        "dare_ties_svd",
        "magnitude_prune",
        "magnitude_prune_svd",
    ] = "cat"
    """How, see above."""

    density: float = Field(0.5, gt=0.0, le=1.0)
    """Share of entries that is kept, by the methods that drop some."""

    neutral: ClassVar[str] = "with `cat` its dW is the weighted sum of the parts'"

    @model_validator(mode="after")
    def _weights_have_an_adapter(self) -> "Merge":
        faults = [
            (f"adapter_weights.{name}", unknown_name("adapter", name, list(self.adapters)))
            for name in self.adapter_weights
            if name not in self.adapters
        ]
        if faults:
            raise NestedFaults(faults)
        return self

    @property
    def trains(self) -> bool:  # type: ignore[override]
        """Whether any part does."""
        parts = self.adapters.values()
        return any(not isinstance(part, AdapterFolder) and part.trains for part in parts)

    @property
    def parts(self) -> Mapping[str, Variant | Path]:
        return {name: source_of(part) for name, part in self.adapters.items()}

    @property
    def combination(self) -> Mapping[str, JSON]:
        """PEFT's method with its weights, and its density where it has one."""
        weights = {name: self.adapter_weights.get(name, 1.0) for name in self.adapters}
        kept = {} if self.method in _WHOLE else {"density": self.density}
        return {"method": self.method, "weights": weights, **kept}


VARIANT = Merge
