"""What every file of harness/variants owes; a new file is tested without editing this one."""

import math
import subprocess
import sys

import pytest

from harness.protocols import Framing, Showing, Sources
from harness.records import Asked, Corpora, Instruction, Message, Pair, ParallelQuestion, Role, Text
from harness.settings import catalogue, plugins
from harness.variants.shared.method import parts_of
from tests.fakes import FixedPrompt, ScriptedGenerator

NAMES = plugins.names("variant")
TRAINING = [
    name
    for name in NAMES
    if plugins.load("variant", name).trains and not parts_of(plugins.load("variant", name)())
]
SHOWING = [name for name in NAMES if issubclass(plugins.load("variant", name), Showing)]
NOUNS = ("dog", "cat", "cow", "hen", "fox")
PAIRS = tuple(
    Pair(f"p{index}", f"the {noun} sleeps", f"der {noun} schläft", "en", "de")
    for index, noun in enumerate(NOUNS)
)
CORPORA = Corpora(
    PAIRS,
    instructions=tuple(
        Instruction(f"i{index}", (Message("user", f"What is a {noun}?"),), "An animal.", "facts")
        for index, noun in enumerate(NOUNS)
    ),
    monolingual=tuple(
        Text(f"t{index}", text, language)
        for index, (text, language) in enumerate(
            [("Die Kuh schläft.", "de"), ("Ein Fuchs.", "de"), ("The hen sleeps.", "en")]
        )
    ),
    questions=tuple(
        ParallelQuestion(
            f"q{index}", f"Was ist ein {noun}?", "Ein Tier.", "de", f"What is a {noun}?", "en"
        )
        for index, noun in enumerate(NOUNS)
    ),
)


def sources(seed: int = 1) -> Sources:
    """Every corpus, and a model that has something to say of dogs only."""
    generator = ScriptedGenerator(
        lambda prompt: "\n\nA dog is an animal." if "dog" in prompt else ""
    )
    return Sources(CORPORA, generator, FixedPrompt(), seed, {})


def make(name: str, **settings: object):
    return plugins.load("variant", name)(**settings)


@pytest.mark.parametrize("name", NAMES)
def test_its_name_is_its_file(name):
    assert make(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_it_survives_the_round_trip_through_plain_data(name):
    variant = make(name)
    assert type(variant).model_validate(variant.plain()) == variant


@pytest.mark.parametrize("name", NAMES)
def test_it_explains_itself_and_every_setting(name):
    kind = plugins.load("variant", name)
    assert kind.__doc__
    described = next(one for one in catalogue.plugins("variant") if one.name == name)
    assert all(option.description for option in described.options)


@pytest.mark.parametrize("name", TRAINING)
def test_the_same_seed_gives_the_same_examples(name):
    assert make(name).examples(sources()) == make(name).examples(sources())


@pytest.mark.parametrize("name", TRAINING)
def test_every_pair_is_used_or_its_loss_counted(name):
    made = make(name).examples(sources())
    used = {example.pair_id for example in made.examples}
    dropped = made.facts.get("dropped_pairs", 0)
    assert len(used & {pair.id for pair in PAIRS}) + dropped == len(PAIRS)


@pytest.mark.parametrize("name", TRAINING)
def test_an_example_has_exactly_one_prompt_first_and_something_to_learn(name):
    for example in make(name).examples(sources()).examples:
        roles = [segment.role for segment in example.segments]
        assert roles[0] is Role.PROMPT
        assert roles.count(Role.PROMPT) == 1
        assert len(roles) > 1


@pytest.mark.parametrize("name", TRAINING)
def test_every_role_it_produces_has_a_finite_weight(name):
    variant = make(name)
    produced = {
        segment.role
        for example in variant.examples(sources()).examples
        for segment in example.segments
        if segment.role is not Role.PROMPT
    }
    assert produced <= set(variant.weights)
    assert all(math.isfinite(weight) and weight >= 0 for weight in variant.weights.values())
    assert any(weight > 0 for weight in variant.weights.values())


@pytest.mark.parametrize("name", TRAINING)
def test_its_weights_are_no_part_of_what_makes_its_text(name):
    identity = make(name).identity()
    assert identity["name"] == name
    assert not [key for key in identity if key.endswith("weight")]


@pytest.mark.parametrize("name", SHOWING)
def test_what_it_shows_goes_by_the_seed_and_is_a_way_of_answering(name):
    def shown(seed):
        return make(name).shown(PAIRS, FixedPrompt(), seed)

    assert shown(1) == shown(1) != shown(2)
    assert not make(name).trains
    settings = {field: value for field, value in shown(1).items() if field != "kind"}
    answering = plugins.load("answering", shown(1)["kind"]).model_validate(settings)
    assert isinstance(answering, Framing)
    assert answering.plain() == settings
    assert answering.turns(Asked((), "de", translation=True, source_lang="en"))


@pytest.mark.parametrize("name", NAMES)
def test_it_declares_where_it_must_equal_plain_fine_tuning(name):
    kind = plugins.load("variant", name)
    assert isinstance(kind.neutral, str) or make(name, **kind.neutral)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_importing_it_loads_no_heavy_library(name):
    code = (
        f"import sys, harness.variants.{name}\n"
        "print(sorted({'torch', 'transformers', 'peft', 'mlflow', 'optuna'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
