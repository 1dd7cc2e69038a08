"""Instruction constraints kept, after IFEval (Zhou et al. 2023, arXiv 2311.07911), strict."""

from typing import Any, ClassVar

from harness.errors import DataError
from harness.metrics.shared.constraints import faults_of, holds
from harness.metrics.shared.rates import Rate
from harness.records import Prediction


class Constraints(Rate):
    """Share of items whose answer keeps all of the item's constraints, 0..1, higher is better.

    An item has `constraints`: a list of {"kind": ..., arguments}; the kinds are those of
    `harness.metrics.shared.constraints`. An empty answer scores 0. Reference implementation:
    IFEval's prompt-level strict accuracy, for the kinds both have.
    """

    needs: ClassVar[tuple[str, ...]] = ("constraints",)
    labels: ClassVar[tuple[str, ...]] = ("kept", "broken")

    def item(self, prediction: Prediction) -> float:
        """1 when every constraint is kept."""
        constraints: Any = prediction.extra["constraints"]
        faults = faults_of(constraints)
        if faults:
            raise DataError(
                "\n".join(f"item {prediction.id!r}: constraints.{fault}" for fault in faults)
            )
        answer = prediction.answer
        return float(bool(answer.strip()) and all(holds(one, answer) for one in constraints))


METRIC = Constraints
