import pytest

from harness.protocols import Sources
from harness.records import Corpora, Pair, Role
from harness.variants.seqkd import SeqKd
from harness.variants.sft import Sft
from tests.fakes import END, FixedPrompt, ScriptedGenerator

PAIRS = tuple(
    Pair(f"p{index}", f"the {noun}", f"der {noun}", "en", "de")
    for index, noun in enumerate(["Hund", "Wolf", "Fuchs", "Esel"])
)
TEACHER = {"path": "a/larger/model"}


def translate(prompt):
    """A translation; with a note of the wolf, none of the fox, and no end of the donkey."""
    if "Wolf" in prompt:
        return "ein Wolf \n\nA note about it."
    return "" if "Fuchs" in prompt else "ein Esel " * 9 if "Esel" in prompt else "ein Hund"


def sources(script=translate, **teachers):
    return Sources(Corpora(PAIRS), ScriptedGenerator(script), FixedPrompt(), 1, teachers)


def targets(variant, given=None):
    made = variant.examples(given or sources())
    return made, [example.segments[1] for example in made.examples]


def test_the_untuned_model_translates_every_source_in_one_greedy_call():
    given = sources()
    SeqKd().examples(given)
    ((prompts, decoding),) = given.base.calls
    assert prompts == [f"<user>en>de: {pair.source}<assistant>" for pair in PAIRS]
    assert (decoding.temperature, decoding.seed) == (0.0, 0)


def test_a_translation_that_is_the_whole_answer_keeps_its_token_ids():
    _, segments = targets(SeqKd(max_new_tokens=30))
    assert segments[0].token_ids == (*map(ord, "ein Hund"), END)
    assert not segments[0].ends_turn


def test_what_follows_a_blank_line_is_no_translation_unless_all_is_asked_for():
    _, segments = targets(SeqKd(max_new_tokens=30))
    assert (segments[1].text, segments[1].token_ids, segments[1].ends_turn) == (
        "ein Wolf",
        None,
        True,
    )
    _, whole = targets(SeqKd(max_new_tokens=30, extract="all"))
    assert whole[1].token_ids == (*map(ord, "ein Wolf \n\nA note about it."), END)


def test_a_paragraph_that_ended_is_whole_even_if_what_follows_was_cut():
    _, segments = targets(SeqKd(max_new_tokens=15))
    assert segments[1].text == "ein Wolf"


def test_the_reference_takes_the_place_of_empty_and_unfinished_answers_and_they_are_counted():
    made, _ = targets(SeqKd(max_new_tokens=30))
    plain = Sft().examples(sources()).examples
    assert made.examples[2:] == plain[2:]
    assert made.facts == {
        "fallback_fraction": 0.5,
        "fallback/empty": 0.25,
        "fallback/unfinished": 0.25,
    }
    assert [(row["kept"], row["reason"]) for row in made.table] == [
        (True, None),
        (True, None),
        (False, "empty"),
        (False, "unfinished"),
    ]


@pytest.mark.parametrize(
    ("vocabulary", "token_ids"), [("characters", tuple(map(ord, "ein Hund"))), ("words", None)]
)
def test_a_teachers_token_ids_are_kept_where_they_mean_the_same(vocabulary, token_ids):
    teacher = ScriptedGenerator(translate, {"model": "large"}, vocabulary)
    given = sources(lambda prompt: "", teacher=teacher)
    _, segments = targets(SeqKd(teacher=TEACHER, max_new_tokens=30), given)
    assert given.base.calls == []
    assert (segments[0].role, segments[0].text) == (Role.TRANSLATION, "ein Hund")
    assert (segments[0].token_ids, segments[0].ends_turn) == (token_ids, True)


def test_the_teacher_is_named_to_be_loaded_and_enters_the_identity_by_what_it_is():
    variant = SeqKd(teacher=TEACHER)
    assert variant.teachers["teacher"]["path"] == "a/larger/model"
    assert SeqKd().teachers == {}
    assert variant.identity() == SeqKd().identity()
    assert SeqKd(extract="all").identity() != SeqKd().identity()


@pytest.mark.slow
@pytest.mark.parametrize("teacher", [None, TEACHER], ids=["itself", "another vocabulary"])
def test_with_a_teacher_that_echoes_the_reference_it_equals_plain_fine_tuning(
    teacher, tiny_model_dir
):
    from harness.models.load import load_chat_model
    from harness.models.spec import ModelSpec
    from tests.variants.echoes import Echo, losses_of, plain_losses

    def fresh():
        return load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))

    base = Echo(fresh(), batch_size=4)
    scripted = ScriptedGenerator(lambda prompt: base._answer(prompt).text)
    mine, made = losses_of(SeqKd(teacher=teacher), fresh, base, {"teacher": scripted})
    assert made.facts["fallback_fraction"] == 0
    assert mine == pytest.approx(plain_losses(fresh, base), abs=1e-6)
