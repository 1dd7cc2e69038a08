"""BLEU and chrF against published figures and sacreBLEU's own test cases."""

import csv
import json

import pytest

from harness.errors import DataError
from harness.evaluation.score import score_predictions
from harness.protocols import Services
from harness.records import Prediction
from tests.outside import DATA, outside

WMT22 = DATA / "wmt22"
CASES = DATA / "sacrebleu/metric_cases.json"


def rows(answers, references, language="de"):
    return [
        Prediction(
            id=str(index),
            prompt="",
            output=answer,
            answer=answer,
            references=tuple(texts),
            language=language,
        )
        for index, (answer, texts) in enumerate(zip(answers, references, strict=True))
    ]


def score(metric, predictions, **settings):
    return score_predictions(predictions, metric, settings, Services())


def lines(name):
    text = (WMT22 / f"generaltest2022.en-de.{name}").read_text(encoding="utf-8")
    return text.removesuffix("\n").split("\n")


@outside("wmt22")
@pytest.mark.parametrize("system", ["Online-A", "Online-B"])
@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_the_published_figures_of_wmt22_are_reproduced(system, metric):
    with (WMT22 / "automatic-scores.tsv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file, delimiter="\t"))
    (published,) = (
        float(row["score"])
        for row in table
        if (row["system"], row["metric"]) == (system, f"{metric}-A")
    )
    references = [[text] for text in lines("ref.A.de")]
    found = score(metric, rows(lines(f"hyp.{system}.de"), references))
    assert abs(found.value - published) < 1e-9
    assert len(found.ids) == 2037


@outside("sacrebleu")
def test_the_test_cases_of_sacrebleu_are_reproduced():
    checked = 0
    for case in json.loads(CASES.read_text(encoding="utf-8")):
        name = {"bleu": "bleu", "chrf": "chrf"}.get(case["metric"])
        settings = dict(case["kwargs"])
        if name == "chrf" and settings.pop("word_order", 0) == 2:
            name = "chrf_pp"
        known = {"bleu": {"tokenize", "lowercase"}, "chrf": {"lowercase", "char_order"}}
        if name is None or set(settings) - known[name.removesuffix("_pp")]:
            continue
        if "corpus" not in case["kind"]:
            continue
        references = list(zip(*case["refs"], strict=True))
        found = score(name, rows(case["hyps"], references), **settings)
        assert found.value == pytest.approx(case["expected"], abs=case["tol"]), case
        checked += 1
    assert checked >= 5


SENTENCES = rows(
    ["Der Hund schläft.", "Die Katze isst einen Fisch.", ""],
    [["Der Hund schläft."], ["Die Katze frisst den Fisch."], ["Ja."]],
)


@pytest.mark.parametrize(
    ("metric", "signature"),
    [
        ("bleu", "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:"),
        ("chrf", "chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:"),
        ("chrf_pp", "chrF2++|nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:"),
    ],
)
def test_the_signature_is_sacrebleus(metric, signature):
    assert score(metric, SENTENCES).signature.startswith(signature)


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [
        *(("de", "13a"), ("zh-Hans", "zh"), ("th", "char"), ("lo", "char"), ("lao_Laoo", "char")),
        *(("cmn", "zh"), ("zho_Hant", "zh"), ("yue", "zh"), ("zh_TW", "zh"), ("wuu", "zh")),
        *(("tha", "char"), ("tha_Thai", "char"), ("mya_Mymr", "char"), ("dzo", "char")),
    ],
)
def test_the_tokenizer_follows_the_target_language(language, tokenizer):
    text = "ein Hund" if language == "de" else "狗"
    found = score("bleu", rows([text], [[text]], language))
    assert f"|tok:{tokenizer}|" in found.signature


@pytest.mark.parametrize("text", ["狗", "หมาตัวหนึ่ง", "犬がいる"])
@pytest.mark.parametrize("language", [None, "de", "nv"])
def test_text_without_blanks_is_an_error_whatever_its_language_is_said_to_be(text, language):
    with pytest.raises(DataError, match=r"13a splits at blanks, .* none between") as caught:
        score("bleu", rows([text, text], [[text], [text]], language))
    assert "--target-lang" in caught.value.hint
    named = score("bleu", rows([text], [[text]], language), tokenize="char")
    assert "|tok:char|" in named.signature
    # what was answered is no reason
    plain = score("bleu", rows([text], [["Ein Hund."]], language))
    assert "|tok:13a|" in plain.signature


@pytest.mark.parametrize("tokenize", ["13a", "intl", "none"])
def test_a_tokenizer_that_needs_blanks_is_refused_where_there_are_none(tokenize):
    with pytest.raises(DataError, match=f"{tokenize} splits at blanks, .* in zh have none"):
        score("bleu", rows(["我喜欢"], [["我喜欢苹果"]], "zh"), tokenize=tokenize)
    words = "我 喜欢 吃 苹果 。"
    assert score("bleu", rows([words], [[words]], "zh"), tokenize=tokenize).value > 99


def test_chinese_is_scored_by_characters_not_by_spaces():
    found = score("bleu", rows(["我喜欢吃苹果和梨。"], [["我喜欢吃苹果。"]], "zh"))
    assert found.value > 20


def test_languages_of_different_tokenizers_are_not_mixed():
    mixed = rows(["a"], [["a"]], "de") + rows(["狗"], [["狗"]], "zh")
    with pytest.raises(DataError, match="target languages de, zh need different tokenizers"):
        score("bleu", mixed)


def test_items_may_have_different_numbers_of_references():
    found = score("bleu", rows(["a b c d", "a b c d"], [["a b c d"], ["x", "a b c d"]]))
    assert found.value == pytest.approx(100)
    assert "nrefs:var" in found.signature


def test_the_target_is_the_reference_where_there_is_no_other():
    one = Prediction(id="1", prompt="", output="Ein Hund", answer="Ein Hund", target="Ein Hund")
    assert score("chrf", [one]).value == pytest.approx(100)
