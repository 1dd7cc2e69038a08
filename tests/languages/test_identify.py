import pytest

from harness.errors import EvaluationError
from harness.evaluation.score import score_predictions
from harness.languages.identify import (
    USUAL_LANGUAGES,
    has_no_blanks,
    has_script_of,
    is_other_language,
    knows,
    neighbours,
)
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
        ("Alasdair Lamont, Tony Macaroni Arena", "th", False),
        ("Anna Каренина", "ru", False),
    ],
)
def test_names_in_latin_letters_are_no_other_language(text, wanted, other):
    assert is_other_language(text, wanted, ("de", "en", "fr", "zh")) is other


@pytest.mark.parametrize("language", ["de", "th"])
@pytest.mark.parametrize("metric", ["off_target", "translated_instead"])
def test_a_signature_tells_scores_of_earlier_rules_apart(metric, language):
    assert score(metric, "Toral.", "Who?", language).signature.endswith("|rule:4")


@pytest.mark.parametrize(
    ("text", "wanted", "other"),
    [
        ("我们昨天在公园里看见了一只很大的狗，它一直跟着我们走回家。", "ja", True),
        ("我们昨天在公园里看见了一只很大的狗，它一直跟着我们走回家。", "ko", True),
        ("你好吗？", "ja", True),
        ("這是我最喜歡的書。", "ko", True),
        ("東京都千代田区", "ja", False),
        ("明日の会議は午後三時から始まります。", "ja", False),
        ("明日の会議は午後三時から始まります。", "ko", True),
        ("明日の会議は午後三時から始まります。", "zh", True),
        ("이 책은 제가 가장 좋아하는 책입니다.", "ja", True),
        ("优衣库与日本品牌の推出了新的系列，在上海受到了年轻人的欢迎。", "zh", False),
    ],
)
def test_ideographs_are_told_apart_without_blanks(text, wanted, other):
    assert is_other_language(text, wanted, USUAL_LANGUAGES) is other


@pytest.mark.parametrize(
    ("text", "wanted", "other"),
    [
        ("Де би ти не був, я завжди буду поруч із тобою.", "ru", True),
        ("Где бы ты ни был, я всегда буду рядом с тобой.", "uk", True),
        ("Каде и да си, јас секогаш ќе бидам до тебе.", "mk", False),
        ("Ма где био, увек ћу бити поред тебе.", "sr", False),
        ("Ma gde bio, uvek ću biti pored tebe.", "sr", False),
        ("هر کجا که باشی، من همیشه در کنار تو خواهم بود و می‌مانم.", "ar", True),
        ("أينما كنت سأكون دائما بجانبك يا صديقي العزيز.", "fa", True),
        ("তুমি যেখানেই থাকো, আমি সবসময় তোমার পাশে থাকব।", "bn", False),
        ("তুমি যেখানেই থাকো, আমি সবসময় তোমার পাশে থাকব।", "hi", True),
        ("तू कुठेही असलास तरी मी नेहमी तुझ्या सोबत असेन.", "mr", False),
        ("Waar je ook bent, ik zal altijd bij je zijn en op je wachten.", "de", True),
        ("Wo auch immer du bist, ich werde immer bei dir sein.", "nl", True),
        ("Onde quer que estejas, estarei sempre ao teu lado, meu amigo.", "es", True),
        ("Gdziekolwiek jesteś, zawsze będę przy tobie czekać.", "cs", True),
    ],
)
def test_neighbours_of_a_language_are_told_apart_whatever_the_alphabet(text, wanted, other):
    assert is_other_language(text, wanted, (*USUAL_LANGUAGES, *neighbours(wanted))) is other


@pytest.mark.parametrize("wanted", ["de", "fr", "th", "zh", "ja", "ru"])
@pytest.mark.parametrize(
    "text", ["New York Times, Wall Street Journal", "iPhone 15 Pro Max", "Sony PlayStation 5 Slim"]
)
def test_names_alone_are_in_any_language(text, wanted):
    assert not is_other_language(text, wanted, USUAL_LANGUAGES)


@pytest.mark.parametrize("wanted", ["de", "fr", "th", "zh"])
def test_a_sentence_in_capitals_is_not_taken_for_names(wanted):
    assert is_other_language("THE HOUSE WAS SOLD TO HIS BROTHER", wanted, USUAL_LANGUAGES)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["狗"], True),
        (["今天天气很好。", "我们 去公园散步"], True),
        (["今天 天气 很 好 。", "我们 去 公园 吧 。"], False),
        (["สุนัข ตัว ใหญ่ นอน อยู่ ใน บ้าน"], False),
        (["สุนัขตัวใหญ่นอนอยู่ในบ้าน แมวอยู่นอกบ้าน"], True),
        (["ພາສາລາວແມ່ນພາສາທາງການຂອງປະເທດ"], True),
        (["ភាសាខ្មែរគឺជាភាសាផ្លូវការ"], True),
        (["မြန်မာဘာသာစကားသည်တရားဝင်"], True),
        (["나는 어제 공원에 갔다."], False),
        ([], False),
    ],
)
def test_text_without_blanks_between_words_is_known_whatever_its_language(texts, expected):
    assert has_no_blanks(texts) is expected


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


def test_an_item_names_the_neighbours_that_its_answer_may_be_in():
    dutch = "Waar je ook bent, ik zal altijd bij je zijn en op je wachten."
    one = Prediction(id="1", prompt="", output=dutch, answer=dutch, language="de")
    usual = score_predictions([one], "off_target", {}, Services())
    named = score_predictions([one], "off_target", {"languages": ["en"]}, Services())
    assert (usual.value, named.value) == (1.0, 0.0)
    assert "|near:nl|" in usual.signature
    assert "near:" not in named.signature


@pytest.mark.parametrize(
    ("text", "wanted", "other"),
    [
        ("El gos dorm a la casa gran a prop del riu i el gat no mira.", "ca", False),
        ("Pes spí vo veľkom dome pri rieke a mačka sa na to pozerá.", "cs", True),
        ("Pes spí ve velkém domě u řeky a kočka se na to dívá.", "cs", False),
        ("Pes spí vo veľkom dome pri rieke a mačka sa na to pozerá.", "sk", False),
        ("Pes spí ve velkém domě u řeky a kočka se na to dívá.", "sk", True),
        ("El perro duerme en la casa grande cerca del río y no mira.", "ca", True),
        ("Me gusta la casa grande.", "es", False),
        ("Dobrý den, jak se máte?", "cs", False),
    ],
)
def test_function_words_tell_nothing_of_a_language_that_none_are_known_of(text, wanted, other):
    assert is_other_language(text, wanted, (*USUAL_LANGUAGES, *neighbours(wanted))) is other


@pytest.mark.parametrize(
    "text",
    [
        "@anna_schmidt @kari99 @trainspotter",
        "https://www.example.com/the/quick/brown/fox",
        "anna.schmidt@example.com, the.other@example.org",
        "BMW X5 M50i xDrive",
    ],
)
@pytest.mark.parametrize("wanted", ["de", "cs", "th", "zh", "ru"])
def test_addresses_and_models_are_of_no_language(text, wanted):
    assert not is_other_language(text, wanted, (*USUAL_LANGUAGES, *neighbours(wanted)))


def test_one_small_word_between_names_makes_no_latin_text_of_them():
    for wanted in ("th", "de", "cs"):
        assert not is_other_language("Manchester United vs Real Madrid", wanted, ("en", "de"))
    assert is_other_language("The match is on Sunday in Madrid", "th", ("en", "de"))
