"""Which pairs a training reaches: texts are written for those alone where they are few."""

import itertools

from harness.data.corpora import corpora_identity
from harness.data.rows import tokenise
from harness.data.segments import pair_example
from harness.models.generation.completions import NotStored
from harness.records import Pair, Role
from harness.storage.store import Stage
from harness.training.batches import steps
from harness.training.prepare import prepare
from harness.trial.config import TrialConfig
from harness.trial.resources import Resources
from harness.variants.shared.method import writes

EXAMPLES_VERSION = 2


def examples_stage(config: TrialConfig, resources: Resources, *, few: bool = False) -> Stage:
    """Of all pairs, or of the few that the steps reach."""
    variant, train = config.variant, config.train
    teachers = {name: generator.identity for name, generator in resources.teachers(variant).items()}
    return Stage(
        "examples",
        EXAMPLES_VERSION,
        {
            "corpora": corpora_identity(resources.data),
            "prompt": {"template": resources.data.prompt, "system": resources.data.system},
            "variant": variant.identity(),
            "generator": resources.generator.identity,
            "teachers": teachers,
            "seed": config.seed,
            # once text was written for all pairs, however few of them training reached
            **({"reached": [train.steps, train.batch_size, train.max_length]} if few else {}),
        },
    )


def examples_of(config: TrialConfig, resources: Resources) -> tuple[Stage, tuple[Pair, ...] | None]:
    """The ``examples`` stage of a training, and the pairs it is of where those are to be made.

    The text of all pairs is used where it is there, unless this training began with that of few.
    """
    stage, of_few = (examples_stage(config, resources, few=few) for few in (False, True))
    if resources.store.has(of_few):
        return of_few, None
    if resources.store.has(stage):
        return stage, None
    pairs = reached(config, resources)
    if pairs is None or is_written(config, resources):
        return stage, None
    return of_few, pairs


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
