"""Plain fine-tuning: cross-entropy on the reference translation, the prompt masked.

The reference point of every other method: each of them has a setting at which it must equal this.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.data.segments import pair_prompt
from harness.protocols import Sources
from harness.records import JSON, Example, ExampleSet, Role, Segment
from harness.variants._method import Method


class Sft(Method):
    """Trains on (x, y) as it stands. No settings of its own."""

    name: Literal["sft"] = "sft"
    """The method."""

    neutral: ClassVar[Mapping[str, JSON]] = {}

    @property
    def weights(self) -> Mapping[Role, float]:
        """All on the translation."""
        return {Role.TRANSLATION: 1.0}

    def examples(self, sources: Sources) -> ExampleSet:
        """One example per pair: prompt, then the reference with the end of the turn."""
        return ExampleSet(
            tuple(
                Example(
                    pair.id,
                    (
                        pair_prompt(sources, pair),
                        Segment(Role.TRANSLATION, pair.target, ends_turn=True),
                    ),
                    pair_id=pair.id,
                )
                for pair in sources.corpora.parallel
            )
        )


VARIANT = Sft
