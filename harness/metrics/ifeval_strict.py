"""IFEval: items of which every verifiable instruction is followed to the letter.

Zhou et al. (2023), "Instruction-Following Evaluation for Large Language Models", arXiv 2311.07911.
"""

from collections.abc import Sequence
from typing import ClassVar

from harness.metrics.shared.ifeval import check_here, followed
from harness.metrics.shared.rates import Rate
from harness.records import Prediction


class IfevalStrict(Rate):
    """Share of items all of whose instructions are followed, 0..1, higher is better.

    An empty answer scores 0. Reference implementation: lm-eval's ``prompt_level_strict_acc``, whose
    checker does the work; it needs lm-eval's extra `ifeval` and NLTK's punkt_tab (`harness doctor
    --fetch punkt_tab`). What an instruction leaves open, which the checker draws anew each time
    (two items of IFEval ask for a letter that is none), is drawn here by the item's id.
    """

    version: ClassVar[int] = 2

    needs: ClassVar[tuple[str, ...]] = ("instruction_id_list", "kwargs")
    labels: ClassVar[tuple[str, ...]] = ("followed", "broken")
    libraries: ClassVar[tuple[str, ...]] = ("lm_eval",)
    loose: ClassVar[bool] = False

    def check_here(self, predictions: Sequence[Prediction]) -> None:
        check_here(predictions)

    def item(self, prediction: Prediction) -> float:
        """1 when all are followed."""
        return float(all(followed(prediction, loose=self.loose)))


METRIC = IfevalStrict
