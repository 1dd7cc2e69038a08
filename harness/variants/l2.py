"""Plain fine-tuning held back: a penalty on the squared size of what the adapter adds.

The loss is that of ``sft`` plus (s / 2) ||dW||^2, summed over the adapted layers, dW = scale B A
being the change of the frozen weights. It tells how much of what ``ewc`` keeps is owed to knowing
which weights matter.

Kirkpatrick et al. 2017 (1612.00796, figure 1) compare EWC with this penalty, which holds every
weight equally; Li et al. 2018 (1802.01483, section 3) know it as L2-SP.

Not the optimiser's weight decay: that pulls A and B towards zero one by one and is decoupled from
the loss. Here the product is held, by the gradient of the loss.

The default is the strongest of 1e-4, 1e-3, ... 1 whose loss on held-out translations of the pocket
testbed is no worse than that of ``sft``: .399 to .433 (100 steps, rank 16, alpha 32, learning rate
5e-3, one seed). The loss on general answers is .010 then, .044 after ``sft``, .003 untuned. The
norm is a sum over layers, so larger models want other strengths.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from harness.records import JSON
from harness.variants.shared.method import NO_TEXT, Method


class L2(Method):
    """Trains on (x, y); the update's norm costs."""

    name: Literal["l2"] = "l2"

    strength: float = Field(0.001, ge=0.0, allow_inf_nan=False, json_schema_extra=NO_TEXT)
    """s in (s / 2) ||dW||^2; 0 is plain fine-tuning."""

    neutral: ClassVar[Mapping[str, JSON]] = {"strength": 0.0}

    @property
    def penalty(self) -> Mapping[str, JSON]:
        return {"kind": "l2", "strength": self.strength}


VARIANT = L2
