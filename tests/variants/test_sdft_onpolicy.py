import pytest
from pydantic import ValidationError

from harness.protocols import Sources
from harness.records import Corpora, Message, Pair, Role
from harness.settings import plugins
from harness.variants.sdft_onpolicy import SdftOnpolicy
from tests.fakes import END, FixedPrompt, ScriptedGenerator

PAIRS = tuple(
    Pair(f"p{index}", f"the {noun}", f"der {noun}", "en", "de")
    for index, noun in enumerate(["Hund", "Wolf", "Fuchs"])
)


class WithSystem(FixedPrompt):
    def messages(self, source, source_lang, target_lang):
        return (Message("system", "Be brief."), *super().messages(source, source_lang, target_lang))


def sources(prompt=None, seed=1):
    generator = ScriptedGenerator(lambda text: "das Tier")
    return Sources(Corpora(PAIRS), generator, prompt or FixedPrompt(), seed, {})


def test_the_student_samples_an_answer_to_every_request():
    given = sources()
    SdftOnpolicy().examples(given)
    ((prompts, decoding),) = given.base.calls
    assert prompts == [f"<user>en>de: {pair.source}<assistant>" for pair in PAIRS]
    assert decoding.temperature == 1.0


def test_it_is_trained_on_its_answer_and_never_on_the_reference():
    example = SdftOnpolicy().examples(sources()).examples[0]
    request, answer = example.segments
    assert (request.role, answer.role) == (Role.PROMPT, Role.TRANSLATION)
    assert answer.token_ids == (*map(ord, "das Tier"), END)
    assert not answer.ends_turn
    assert example.pair_id == "p0"


def test_the_teacher_is_shown_the_reference_in_the_request():
    settings = {"demonstration": "{request} For example {demonstration}"}
    example = SdftOnpolicy(**settings).examples(sources(WithSystem())).examples[0]
    shown = example.teacher_prompt
    expected = "<system>Be brief.<user>en>de: the Hund For example der Hund<assistant>"
    assert shown.text == expected
    assert shown.token_ids == tuple(map(ord, expected))
    assert example.segments[0].text == "<system>Be brief.<user>en>de: the Hund<assistant>"


def test_braces_in_the_text_are_text():
    pair = Pair("p", "a {set}", "eine {Menge}", "en", "de")
    given = Sources(Corpora((pair,)), ScriptedGenerator(lambda text: "x"), FixedPrompt(), 1, {})
    assert "eine {Menge}" in SdftOnpolicy().examples(given).examples[0].teacher_prompt.text


def test_an_answer_cut_at_the_limit_has_no_end_of_turn_and_is_counted():
    made = SdftOnpolicy(max_new_tokens=3).examples(sources())
    assert made.examples[0].segments[1].token_ids == tuple(map(ord, "das"))
    assert made.facts == {"sample_cut_rate": 1.0, "sample_mean_tokens": 3.0}
    assert made.table[0]["finished"] is False


def test_every_renewal_samples_from_a_stream_of_its_own():
    first, second = sources(seed=1), sources(seed=11)  # a renewal at step 10
    for given in (first, second):
        SdftOnpolicy().examples(given)
    assert first.base.calls[0][1].seed != second.base.calls[0][1].seed


def test_the_penalty_takes_the_losss_place_and_is_no_part_of_the_identity():
    variant = SdftOnpolicy(teacher_decay=0.5, refresh_steps=3)
    assert variant.penalty == {"kind": "reverse_kl", "teacher_decay": 0.5}
    assert plugins.load("penalty", "reverse_kl")(teacher_decay=0.5)
    assert variant.renew_every == 3
    assert variant.identity() == SdftOnpolicy().identity()
    assert SdftOnpolicy(max_new_tokens=3).identity() != SdftOnpolicy().identity()


@pytest.mark.parametrize("wording", ["{request}", "{request} {demonstration} {more}", "{request"])
def test_a_wording_that_does_not_show_both_is_refused(wording):
    with pytest.raises(ValidationError, match="found"):
        SdftOnpolicy(demonstration=wording)
