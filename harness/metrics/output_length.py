"""Tokens generated per item: what an answer costs.

Models trained with rationales go on after the translation (RaDis, arXiv 2410.13944); this is their
price at inference, over the whole output and not over the answer extracted from it.
"""

from typing import ClassVar

from harness.metrics.shared.rates import Rate
from harness.records import Prediction


class OutputLength(Rate):
    """Mean number of tokens generated, the end token among them; 0 or more, lower is better.

    An empty output scores 0, or 1 where the model generated its end token. Comparable between
    models of one tokenizer only. Reference implementation: this one.
    """

    needs: ClassVar[tuple[str, ...]] = ("num_tokens",)
    higher_is_better: ClassVar[bool] = False

    def item(self, prediction: Prediction) -> float:
        return float(prediction.num_tokens or 0)


METRIC = OutputLength
