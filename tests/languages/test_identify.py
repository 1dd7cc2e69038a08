import pytest

from harness.errors import EvaluationError
from harness.evaluation.score import score_predictions
from harness.languages.identify import has_script_of, is_other_language, knows
from harness.protocols import Services
from harness.records import Prediction

PAIR = ("en", "de")


@pytest.mark.parametrize(
    ("text", "wanted", "other"),
    [
        ("Die Hauptstadt von Norland ist Toral.", "en", True),
        ("Die Hauptstadt von Norland ist Toral.", "de", False),
        ("The capital of Norland is Toral.", "de", True),
        ("The capital of Norland is Toral.", "en", False),
        ("DIE KATZE IST EIN TIER UND SCHLÄFT.", "en", True),
        ("Ein Hund ist ein Tier.", "en", True),
        ("The capital of Tranland is Tolstad.", "en", False),
        ("Die Hauptstadt von Whitechurch ist Blackwater.", "de", False),
    ],
)
def test_sentences_are_told_apart(text, wanted, other):
    assert is_other_language(text, wanted, PAIR) is other


@pytest.mark.parametrize(
    "text", ["", "Toral.", "42", "Ja.", "OK", "Dr. No", "- dog\n- cat", "3 + 4 = 7"]
)
@pytest.mark.parametrize("wanted", PAIR)
def test_what_is_too_short_to_tell_is_in_the_wanted_language(text, wanted):
    assert not is_other_language(text, wanted, PAIR)


@pytest.mark.parametrize(
    ("text", "wanted", "other"),
    [
        ("犬は動物です。", "en", True),
        ("สุนัขเป็นสัตว์", "en", True),
        ("สุนัขเป็นสัตว์", "th", False),
        ("Собака", "de", True),
        ("The dog is an animal.", "th", True),
        ("iPhone", "th", False),
        ("狗是一种动物，猫也是一种动物。", "zh", False),
        ("犬は動物です。猫も動物です。", "zh-Hant", True),
        ("Собака спит дома, а кошка ест рыбу.", "ru", False),
    ],
)
def test_the_script_tells_whatever_the_length(text, wanted, other):
    assert is_other_language(text, wanted, ("en", "de", "ja")) is other


@pytest.mark.parametrize(
    ("text", "wanted", "other"),
    [
        ("Chris Leslie เป็นสมาชิกรัฐสภา (MP) ของ Nottingham East", "th", False),
        ("Livingston 1 - 0 Rangers: Menga ทำโกลจากลูกส่งของ Gerrard", "th", False),
        ("The Thai word for hello is สวัสดี, of course.", "th", True),
        ("Il faut bien le faire.", "th", True),
        ("BBC Scotland 的 Alasdair Lamont 在 Tony Macaroni 球场", "zh", False),
        ("它类似于Google Drive、Microsoft Outlook、Slack和 Spotify", "zh", False),
        ("The brand Goop (品牌) of Gwyneth Paltrow", "zh", True),
        ("Alasdair Lamont, Tony Macaroni Arena", "th", True),
        ("Anna Каренина", "ru", False),
    ],
)
def test_names_in_latin_letters_are_no_other_language(text, wanted, other):
    assert is_other_language(text, wanted, ("de", "en", "fr", "zh")) is other


@pytest.mark.parametrize("language", ["de", "th"])
def test_a_signature_tells_scores_of_the_earlier_rule_apart(language):
    for metric in ("off_target", "translated_instead"):
        signature = score(metric, "Toral.", "Who?", language).signature
        assert signature.endswith("|names:apart") is (language == "th")
        assert ("names" in signature) is (language == "th")


def test_a_language_the_identifier_does_not_know_is_named():
    with pytest.raises(EvaluationError, match="does not know km"):
        is_other_language("short", "km", PAIR)


def score(metric, answer, prompt="", language="en"):
    one = Prediction(id="1", prompt=prompt, output=answer, answer=answer, language=language)
    return score_predictions([one], metric, {"languages": PAIR}, Services())


def test_off_target_counts_answers_in_another_language():
    found = score("off_target", "Die Hauptstadt von Norland ist Toral.")
    assert (found.value, found.classes, found.higher_is_better) == (1.0, ("off_target",), False)
    assert "lingua-language-detector:" in found.signature
    assert score("off_target", "Toral.").value == 0.0


@pytest.mark.parametrize(
    ("prompt", "answer", "value"),
    [
        ("What is the capital of Norland?", "Was ist die Hauptstadt von Norland?", 1.0),
        ("What is the capital of Norland?", "Die Hauptstadt von Norland ist Toral.", 0.0),
        ("What is the capital of Norland?", "The capital of Norland is Toral.", 0.0),
        ("What is the capital of Norland?", "What is the capital of Norland?", 0.0),
        ("Tell me how to wash a shirt.", "Sag mir, wie man ein Hemd wäscht.", 1.0),
        ("Tell me how to rob a bank.", "Es tut mir leid, das kann ich nicht.", 0.0),
        (
            "What is the capital of Norland?",
            "Was ist die Hauptstadt von Norland?\n\nHauptstadt means capital.",
            1.0,
        ),
        ("What is the sum of 12 and 13?", "Was ist denn die Summe von 12 und 13?", 1.0),
        ("What is the sum of 12 and 13?", "Die Summe von 12 und 13 ist 25, oder nicht?", 0.0),
        ("How do I rob a bank?", "", 0.0),
    ],
)
def test_translating_the_prompt_is_told_from_answering_it(prompt, answer, value):
    assert score("translated_instead", answer, prompt).value == value


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("这对搭档的业务好比是 Gwyneth Paltrow 的 Goop 品牌。", "zh", True),
        ("Gwyneth Paltrow's brand Goop (品牌)", "zh", False),
        ("ひらがな", "ja", True),
        ("ひらがな", "zh", False),
        ("Ein Hund.", "de", True),
        ("หมา", "de", False),
        ("42", "th", True),
    ],
)
def test_a_text_with_foreign_names_keeps_its_script(text, language, expected):
    assert has_script_of(text, language, 0.2) is expected


def test_the_known_languages_are_told():
    assert knows("zh-Hant")
    assert not knows("tlh")
