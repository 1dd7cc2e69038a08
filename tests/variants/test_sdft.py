import pytest
from pydantic import ValidationError
from sacrebleu import sentence_chrf

from harness.errors import ConfigError
from harness.protocols import Sources
from harness.records import Corpora, Pair, Role
from harness.variants.sdft import Sdft
from harness.variants.sft import Sft
from harness.variants.shared.rewording import Check
from tests.fakes import END, FixedPrompt, ScriptedGenerator

SENTENCE = "Der alte Hund schläft heute in dem kleinen Haus."
PAIR = Pair("p", "The old dog sleeps in the small house today.", SENTENCE, "en", "de")
OWN = "Heute schläft der alte Hund in dem kleinen Haus."


def sources(*answers, pair=PAIR):
    """As many pairs as answers, each answered by one of them."""
    pairs = tuple(
        Pair(f"p{i}", f"{i} {pair.source}", pair.target, pair.source_lang, pair.target_lang)
        for i in range(len(answers))
    )
    generator = ScriptedGenerator(lambda prompt: answers[int(prompt.split(": ")[1][0])])
    return Sources(Corpora(pairs), generator, FixedPrompt(), 1, {})


def outcome(answer, pair=PAIR, **settings):
    """The target trained on, and the reason given where that is the reference."""
    made = Sdft(**settings).examples(sources(answer, pair=pair))
    (row,) = made.table
    return made.examples[0].segments[1].text, row["reason"]


def test_the_model_is_shown_the_request_and_the_reference_in_one_greedy_call():
    given = sources(OWN, OWN)
    Sdft(request="{request} | {reference} | again").examples(given)
    ((prompts, decoding),) = given.base.calls
    assert prompts[1] == f"<user>en>de: 1 {PAIR.source} | {PAIR.target} | again<assistant>"
    assert (decoding.temperature, decoding.seed) == (0.0, 0)


def test_sampled_wordings_draw_from_the_runs_seed():
    given = sources(OWN)
    Sdft(temperature=0.7).examples(given)
    assert given.base.calls[0][1].seed != 0


def test_its_own_wording_is_trained_on_behind_the_plain_request_with_its_token_ids():
    prompt, target = Sdft().examples(sources(OWN)).examples[0].segments
    assert prompt.text == f"<user>en>de: 0 {PAIR.source}<assistant>"
    assert (target.role, target.token_ids) == (Role.TRANSLATION, (*map(ord, OWN), END))


def test_a_remark_behind_a_blank_line_is_left_out_unless_all_is_asked_for():
    said = f"{OWN}\n\nHund means dog."
    assert outcome(said) == (OWN, None)
    assert outcome(said, extract="all") == (said, None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        (OWN * 10, "unfinished"),
        (f"In my own words: {OWN}", "meta_phrase"),
        ("The old dog sleeps today in the small house.", "language"),
        (f"{OWN} {OWN} {OWN}", "length"),
        ("Hund.", "length"),
        ("Eine Frau kauft morgen viele rote Äpfel am Markt.", "chrf"),
    ],
)
def test_an_answer_that_fails_the_check_is_replaced_by_the_reference(answer, reason):
    assert outcome(answer, max_new_tokens=200) == (SENTENCE, reason)


def test_every_reason_is_counted():
    made = Sdft().examples(sources(OWN, "", "Hund.", OWN))
    assert made.facts == {
        "fallback_fraction": 0.5,
        "fallback/empty": 0.25,
        "fallback/unfinished": 0.0,
        "fallback/meta_phrase": 0.0,
        "fallback/language": 0.0,
        "fallback/length": 0.25,
        "fallback/chrf": 0.0,
    }
    assert made.examples[1] == Sft().examples(sources(OWN, "", "Hund.", OWN)).examples[1]


def test_a_phrase_the_reference_has_too_may_stand():
    pair = Pair("p", "x", f"Here is: {SENTENCE}", "en", "de")
    assert outcome(f"Here is: {OWN}", pair) == (f"Here is: {OWN}", None)


def test_chrf_is_sacrebleus_sentence_chrf():
    expected = sentence_chrf(OWN, [SENTENCE]).score
    assert Check(True, 2, 30, ()).chrf(OWN, SENTENCE) == pytest.approx(expected)
    assert outcome(OWN, min_chrf=expected - 0.01)[1] is None
    assert outcome(OWN, min_chrf=expected + 0.01)[1] == "chrf"


def test_a_language_the_identifier_does_not_know_is_refused_with_the_mend():
    pair = Pair("p", "x", SENTENCE, "en", "sjn")
    with pytest.raises(ConfigError, match="does not know sjn") as caught:
        outcome(OWN, pair)
    assert "check_language: false" in caught.value.hint
    assert outcome(OWN, pair, check_language=False) == (OWN, None)


@pytest.mark.parametrize("request_", ["{request}", "{request} {reference} {more}", "{", "{}"])
def test_a_request_that_shows_too_little_or_too_much_is_refused(request_):
    with pytest.raises(ValidationError, match=r"with \{request\} and \{reference\}"):
        Sdft(request=request_)


@pytest.mark.slow
def test_with_a_model_that_echoes_the_reference_it_equals_plain_fine_tuning(tiny_model_dir):
    from harness.models.load import load_chat_model
    from harness.models.spec import ModelSpec
    from tests.variants.echoes import Echo, losses_of, plain_losses

    def fresh():
        return load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))

    echo = Echo(fresh(), batch_size=4)
    mine, made = losses_of(Sdft(), fresh, echo)
    assert made.facts["fallback_fraction"] == 0
    assert mine == pytest.approx(plain_losses(fresh, echo), abs=1e-6)
