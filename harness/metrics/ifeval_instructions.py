"""IFEval counted by instruction: several to an item, each followed or not."""

from collections.abc import Sequence

from harness.metrics.ifeval_strict import IfevalStrict
from harness.metrics.shared.ifeval import followed
from harness.protocols import Services
from harness.records import Prediction


class IfevalInstructions(IfevalStrict):
    """Share of instructions followed to the letter, 0..1, higher is better.

    An empty answer scores 0. Reference implementation: lm-eval's ``inst_level_strict_acc``.
    """

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        """Instructions followed, and instructions, of each item."""
        found = (followed(prediction, loose=self.loose) for prediction in predictions)
        return [(float(sum(one)), float(len(one))) for one in found]


METRIC = IfevalInstructions
