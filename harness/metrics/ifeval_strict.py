"""IFEval: items of which every verifiable instruction is followed to the letter.

Zhou et al. (2023), "Instruction-Following Evaluation for Large Language Models", arXiv 2311.07911.
"""

from collections.abc import Sequence
from typing import ClassVar

from harness.metrics.shared.ifeval import followed
from harness.metrics.shared.rates import Rate
from harness.records import Prediction


class IfevalStrict(Rate):
    """Share of items all of whose instructions are followed, 0..1, higher is better.

    An empty answer scores 0. Reference implementation: lm-eval's ``prompt_level_strict_acc``, whose
    checker does the work; it needs lm-eval's extra `ifeval` and NLTK's punkt_tab.
    """

    needs: ClassVar[tuple[str, ...]] = ("instruction_id_list", "kwargs")
    higher_is_better: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("lm_eval",)
    loose: ClassVar[bool] = False

    def item(self, prediction: Prediction) -> float:
        """1 when all are followed."""
        return float(all(followed(prediction, loose=self.loose)))

    def classes(self, predictions: Sequence[Prediction]) -> list[str]:
        return ["followed" if self.item(prediction) else "broken" for prediction in predictions]


METRIC = IfevalStrict
