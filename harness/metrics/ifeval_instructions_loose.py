"""IFEval counted by instruction, loosely."""

from typing import ClassVar

from harness.metrics.ifeval_instructions import IfevalInstructions


class IfevalInstructionsLoose(IfevalInstructions):
    """Share of instructions followed, loosely, 0..1, higher is better.

    An empty answer scores 0. Reference implementation: lm-eval's ``inst_level_loose_acc``.
    """

    loose: ClassVar[bool] = True


METRIC = IfevalInstructionsLoose
