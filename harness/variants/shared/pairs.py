"""Training on the pairs as they stand: what plain fine-tuning is, and methods that hold it back."""

from harness.data.segments import pair_prompt
from harness.protocols import Sources
from harness.records import Example, ExampleSet, Role, Segment
from harness.variants.shared.method import Method


class OnPairs(Method):
    """Trains on (x, y); what differs from plain fine-tuning is a penalty, if anything."""

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
