"""At the setting a variant calls neutral it must equal plain fine-tuning, loss by loss."""

from dataclasses import replace

import pytest

from harness.data.rows import tokenise
from harness.models.lora import attach
from harness.models.spec import LoraSpec
from harness.protocols import Sources
from harness.records import Pair, Role, StepEvent
from harness.settings import plugins
from harness.training.loop import Hooks, fit
from harness.training.objective import LossTerms
from harness.training.spec import TrainSpec
from harness.variants.sft import Sft
from harness.variants.shared.method import late_roles
from tests.contract.test_variants import CORPORA
from tests.fakes import FixedPrompt

NEUTRAL = [
    name
    for name in plugins.names("variant")
    if not isinstance(plugins.load("variant", name).neutral, str)
]
PAIRS = tuple(
    Pair(f"p{index}", f"the {noun} sleeps", f"der {noun} schläft", "en", "de")
    for index, noun in enumerate(["dog", "cat", "cow", "hen", "fox", "donkey", "ox", "bee"])
)
SPEC = TrainSpec(learning_rate=1e-2, steps=5, batch_size=4, log_every=1, warmup_fraction=0)


def sources(generator):
    return Sources(replace(CORPORA, parallel=PAIRS), generator, FixedPrompt(), 1, {})


def examples(name, generator, settings):
    return plugins.load("variant", name)(**settings).examples(sources(generator)).examples


def losses(chat_model, made, variant):
    """What training says at every step; ``variant`` gives weights, penalty, late roles."""
    tuned = attach(chat_model, LoraSpec(rank=4, alpha=8), seed=1)
    tokenizer = chat_model.tokenizer
    rows = tokenise(made, tokenizer.encode, tokenizer.ending, 512).rows
    events: list[StepEvent] = []
    fit(
        tuned.model,
        rows,
        SPEC,
        LossTerms(variant.weights, penalty_of(variant, tuned.model), late_roles(variant)),
        seed=1,
        pad_id=tokenizer.pad_id,
        hooks=Hooks(events.append),
    )
    return [event.metrics["train/loss"] for event in events]


def penalty_of(variant, model):
    if variant.penalty is None:
        return None
    settings = dict(variant.penalty)
    kind = plugins.load("penalty", settings.pop("kind"))
    return kind.model_validate(settings).build(model, [])


def without_the_turns_end_where_the_other_goes_on(plain, other):
    """``sft``'s examples, ending their turn behind the reference only where the other's do."""
    matched = []
    pairs = [example for example in other if example.pair_id is not None]
    for mine, theirs in zip(plain, pairs, strict=True):
        (end,) = (s.ends_turn for s in theirs.segments if s.role is Role.TRANSLATION)
        segments = tuple(
            replace(s, ends_turn=end) if s.role is Role.TRANSLATION else s for s in mine.segments
        )
        matched.append(replace(mine, segments=segments))
    return matched


@pytest.mark.slow
@pytest.mark.parametrize("name", NEUTRAL)
def test_the_neutral_setting_equals_plain_fine_tuning(name, tiny_model_dir):
    from harness.models.generation.generate import HuggingFaceGenerator
    from harness.models.load import load_chat_model
    from harness.models.spec import ModelSpec

    def fresh():
        return load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))

    generator = HuggingFaceGenerator(fresh(), batch_size=4)
    kind = plugins.load("variant", name)
    settings = dict(kind.neutral)
    if "max_rationale_tokens" in kind.model_fields:
        settings["max_rationale_tokens"] = 16
    made = examples(name, generator, settings)
    plain = without_the_turns_end_where_the_other_goes_on(examples("sft", generator, {}), made)
    mine = losses(fresh(), made, kind(**settings))
    assert mine == pytest.approx(losses(fresh(), plain, Sft()), abs=1e-6)


@pytest.mark.slow
def test_radis_at_weight_one_equals_plain_training_on_the_concatenation(tiny_model_dir):
    from harness.models.generation.generate import HuggingFaceGenerator
    from harness.models.load import load_chat_model
    from harness.models.spec import ModelSpec

    def fresh():
        return load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))

    generator = HuggingFaceGenerator(fresh(), batch_size=4)
    made = examples("radis", generator, {"max_rationale_tokens": 16})
    assert any(len(example.segments) == 3 for example in made)
    joined = [
        replace(
            example,
            segments=tuple(
                segment if segment.role is Role.PROMPT else replace(segment, role=Role.TRANSLATION)
                for segment in example.segments
            ),
        )
        for example in made
    ]
    both = losses(fresh(), made, plugins.load("variant", "radis")(rationale_weight=1.0))
    assert both == pytest.approx(losses(fresh(), joined, Sft()), abs=1e-6)
