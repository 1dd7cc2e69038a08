"""IFEval, loose: an answer may open or close with a line of its own, and use asterisks."""

from typing import ClassVar

from harness.metrics.ifeval_strict import IfevalStrict


class IfevalLoose(IfevalStrict):
    """Share of items all of whose instructions are followed, loosely, 0..1, higher is better.

    An empty answer scores 0. Reference implementation: lm-eval's ``prompt_level_loose_acc``.
    """

    loose: ClassVar[bool] = True


METRIC = IfevalLoose
