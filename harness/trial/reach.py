"""Which pairs a training reaches: texts are written for those alone where they are few."""

import itertools

from harness.data.rows import tokenise
from harness.data.segments import pair_example
from harness.models.generation.completions import NotStored
from harness.records import Pair, Role
from harness.training.batches import steps
from harness.training.prepare import prepare
from harness.trial.config import TrialConfig
from harness.trial.resources import Resources
from harness.variants.shared.method import writes


def reached(config: TrialConfig, resources: Resources) -> tuple[Pair, ...] | None:
    """The pairs of a training's steps, in their order; None where text is written for all.

    That is where no model writes, and where half of the pairs or more are reached. They are the
    pairs that ``sft`` sees in the same steps.
    """
    variant, train = config.variant, config.train
    if not writes(variant) or train.steps is None:
        return None
    pairs = resources.corpora.parallel
    if 2 * train.steps * train.batch_size >= len(pairs):
        return None
    tokenizer = resources.tokenizer
    sources = resources.sources(variant, config.seed)
    rows = tokenise(
        [pair_example(sources, pair) for pair in pairs],
        tokenizer.encode,
        tokenizer.ending,
        train.max_length,
        tokenizer.encode_first,
    ).rows
    if 2 * train.steps * train.batch_size >= len(rows):
        return None
    order = steps(prepare(rows, {Role.TRANSLATION: 1.0}), train.batch_size, config.seed)
    by_id = {pair.id: pair for pair in pairs}
    taken = itertools.islice(order, train.steps)
    return tuple(by_id[row.example_id] for step in taken for row in step)


def is_written(config: TrialConfig, resources: Resources) -> bool:
    """Whether all of a variant's text is stored, for all pairs."""
    try:
        config.variant.examples(resources.written_sources(config.variant, config.seed))
    except NotStored:
        return False
    return True
