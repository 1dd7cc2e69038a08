from dataclasses import replace

import pytest
from pydantic import ValidationError

from harness.protocols import Sources
from harness.records import Corpora, Pair, Role
from harness.variants.radis import Radis
from tests.fakes import END, CharacterTokenizer, FixedPrompt, ScriptedGenerator
from tests.projects import write_project

PAIRS = tuple(
    Pair(f"p{index}", f"the {noun}", f"der {noun}", "en", "de")
    for index, noun in enumerate(["Hund", "Wolf", "Fuchs", "Esel"])
)
LARGER = {"path": "a/larger/model"}


def taught(vocabulary="characters", script=lambda prompt: "\n\nA note."):
    teacher = ScriptedGenerator(script, {"model": "large"}, vocabulary)
    base = ScriptedGenerator(lambda prompt: "\n\nOwn words.")
    return Sources(Corpora(PAIRS), base, FixedPrompt(), 1, {"teacher": teacher})


def rationales(variant, given):
    made = variant.examples(given)
    return [s for one in made.examples for s in one.segments if s.role is Role.RATIONALE], made


def test_a_teacher_writes_behind_the_reference_in_a_chat_of_its_own():
    given = taught()
    found, _ = rationales(Radis(teacher=LARGER), given)
    assert given.base.calls == []
    assert given.teachers["teacher"].calls[0][0][0] == "<user>en>de: the Hund<assistant>der Hund"
    assert {segment.text for segment in found} == {"\n\nA note."}


@pytest.mark.parametrize("vocabulary", ["characters", "words"])
def test_a_teachers_rationale_ends_the_turn_with_the_students_token(vocabulary):
    (segment, *_), made = rationales(Radis(teacher=LARGER), taught(vocabulary))
    assert segment.token_ids == tuple(map(ord, "\n\nA note."))
    assert segment.ends_turn
    assert made.facts["rationale_mean_tokens"] == len("\n\nA note.") + 1


@pytest.mark.parametrize("vocabulary", ["characters", "words"])
def test_a_teachers_rationale_that_was_cut_does_not(vocabulary):
    variant = Radis(teacher=LARGER, max_rationale_tokens=5)
    (segment, *_), _ = rationales(variant, taught(vocabulary))
    assert (segment.token_ids, segment.ends_turn) == (tuple(map(ord, "\n\nA n")), False)


def test_token_ids_are_kept_only_where_they_mean_the_same():
    class Upper(CharacterTokenizer):
        """A student that would tokenise the teacher's text otherwise than it was generated."""

        def encode(self, text):
            return super().encode(text.upper())

    def token_ids(vocabulary):
        given = taught(vocabulary)
        student = ScriptedGenerator(lambda prompt: "")
        student.tokenizer = Upper()
        (segment, *_), _ = rationales(Radis(teacher=LARGER), replace(given, base=student))
        return segment.token_ids

    assert token_ids("characters") == tuple(map(ord, "\n\nA note."))
    assert token_ids("words") == tuple(map(ord, "\n\nA NOTE."))


@pytest.mark.parametrize("vocabulary", ["characters", "words"])
def test_before_the_translation_a_teachers_rationale_loses_nothing(vocabulary):
    (segment, *_), _ = rationales(Radis(teacher=LARGER, order="before"), taught(vocabulary))
    assert (segment.token_ids, segment.ends_turn) == (tuple(map(ord, "\n\nA note.")), False)


def test_a_separator_is_put_before_a_teachers_words_too():
    variant = Radis(teacher=LARGER, separator="\n\n")
    (segment, *_), _ = rationales(variant, taught("words", lambda prompt: "A note."))
    assert (segment.text, segment.token_ids) == ("\n\nA note.", tuple(map(ord, "\n\nA note.")))


def test_the_students_own_rationale_has_its_own_end():
    (segment, *_), _ = rationales(Radis(), taught())
    assert segment.token_ids == (*map(ord, "\n\nOwn words."), END)
    assert not segment.ends_turn


def test_writers_are_no_part_of_the_identity_that_the_store_does_not_see_elsewhere():
    assert Radis(teacher=LARGER).identity() == Radis().identity()
    assert Radis(refresh_steps=5).identity() == Radis().identity()
    assert Radis(teacher=LARGER).teachers["teacher"]["path"] == "a/larger/model"
    assert (Radis().teachers, Radis().renew_every) == ({}, None)
    assert Radis(refresh_steps=5).renew_every == 5


def test_a_teacher_that_is_asked_again_of_the_student_is_refused():
    with pytest.raises(ValidationError, match="allowed one"):
        Radis(teacher=LARGER, refresh_steps=5)


def trained(folder, model, **settings):
    """The key of the examples, and the adapter's weights."""
    from harness.storage.store import Store
    from harness.trial.stages import Tuning
    from harness.trial.timeline import Timeline

    variant = {"name": "radis", "max_rationale_tokens": 6, **settings}
    config = write_project(folder, model, variant=variant)
    tuning = Tuning(config, Store(folder), Timeline(lambda event: None))
    built = tuning.adapter()
    return tuning.stages["examples"], next(built.path.rglob("*.safetensors")).read_bytes()


@pytest.mark.slow
def test_refreshed_rationales_start_from_the_same_text_and_train_another_adapter(
    tmp_path, tiny_model_dir
):
    plain, refreshed, late = (
        trained(tmp_path, tiny_model_dir, refresh_steps=steps) for steps in (None, 2, 100)
    )
    assert plain[0] == refreshed[0] == late[0]
    assert plain[1] != refreshed[1]
    assert plain[1] == late[1]


@pytest.mark.slow
def test_with_the_untuned_model_as_its_teacher_the_same_is_trained(tmp_path, tiny_model_dir):
    teacher = {"path": str(tiny_model_dir), "device": "cpu"}
    plain = trained(tmp_path, tiny_model_dir)
    taught = trained(tmp_path, tiny_model_dir, teacher=teacher)
    assert plain[0] != taught[0]
    assert plain[1] == taught[1]
