"""BLEU, chrF and TER against published figures and sacreBLEU's own test cases."""

import csv
import hashlib
import json
import subprocess
import sys

import pytest
import sentencepiece

from harness.errors import ConfigError, DataError
from harness.evaluation.score import metric_named, score_predictions
from harness.protocols import Services
from harness.records import Prediction
from harness.statistics.totals import total_of
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


def cases():
    return json.loads(CASES.read_text(encoding="utf-8"))


@outside("sacrebleu")
def test_the_test_cases_of_sacrebleu_are_reproduced():
    off = {}
    for number, case in enumerate(cases()):
        references = list(zip(*case["refs"], strict=True))
        value = score(case["metric"], rows(case["hyps"], references), **case["kwargs"]).value
        if value != pytest.approx(case["expected"], abs=case["tol"]):
            off[number] = value, case["expected"]
    assert off == {}
    assert len(cases()) == 38


SENTENCES = rows(
    ["Der Hund schläft.", "Die Katze isst einen Fisch.", ""],
    [["Der Hund schläft."], ["Die Katze frisst den Fisch."], ["Ja."]],
)


@pytest.mark.parametrize(
    ("metric", "signature"),
    [
        ("bleu", "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:"),
        ("chrf", "chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:"),
        ("ter", "TER|nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:"),
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


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("我喜欢吃苹果和梨", {}),
        ("我喜欢吃苹果和梨", {"normalized": True}),
        ("犬がいるのは庭です", {"no_punct": True, "asian_support": True}),
        ("หมาตัวหนึ่งนอนอยู่", {"normalized": True, "asian_support": True}),
    ],
)
def test_ter_of_text_without_blanks_is_refused_unless_it_is_split(text, settings):
    with pytest.raises(DataError, match="ter: Tercom's tokenizer splits at blanks") as caught:
        score("ter", rows([text], [[text]], None), **settings)
    assert "score by chrf" in caught.value.hint


def test_ter_splits_chinese_by_characters_where_it_is_told():
    asian = {"normalized": True, "asian_support": True}
    # one of six characters is another
    value = score("ter", rows(["我喜欢吃苹梨"], [["我喜欢吃苹果"]], "zh"), **asian).value
    assert value == pytest.approx(100 / 6)
    assert score("ter", rows(["我 喜欢"], [["我 喜欢"]], "zh")).value == 0


def test_items_may_have_different_numbers_of_references():
    found = score("bleu", rows(["a b c d", "a b c d"], [["a b c d"], ["x", "a b c d"]]))
    assert found.value == pytest.approx(100)
    assert "nrefs:var" in found.signature


def test_the_target_is_the_reference_where_there_is_no_other():
    one = Prediction(id="1", prompt="", output="Ein Hund", answer="Ein Hund", target="Ein Hund")
    assert score("chrf", [one]).value == pytest.approx(100)


ANSWERS = ["Sie trug den grünen Korb nach Hause.", "Im Hof stehen 2 alte Bäume!", "Nein"]
REFERENCES = [
    ["Den grünen Korb trug sie nach Hause.", "Sie brachte den Korb heim."],
    ["Im Hof stehen zwei alte Bäume.", "Zwei alte Bäume stehen im Hof."],
    ["Doch, gerne.", "Ja"],
]


@pytest.mark.parametrize(
    ("metric", "settings", "options"),
    [
        ("bleu", {"smooth_method": "none"}, "--smooth-method none"),
        ("bleu", {"smooth_method": "floor"}, "--smooth-method floor"),
        ("bleu", {"smooth_method": "floor", "smooth_value": 0.3}, "-s floor -sv 0.3"),
        ("bleu", {"smooth_method": "add-k", "smooth_value": 2}, "-s add-k -sv 2"),
        ("bleu", {"lowercase": True, "tokenize": "char"}, "-lc --tokenize char"),
        ("chrf", {"beta": 3}, "--chrf-beta 3"),
        ("chrf", {"char_order": 4, "word_order": 1}, "--chrf-char-order 4 --chrf-word-order 1"),
        ("chrf", {"remove_whitespace": False}, "--chrf-whitespace"),
        (
            "chrf",
            {"eps_smoothing": True, "lowercase": True},
            "--chrf-eps-smoothing --chrf-lowercase",
        ),
        ("chrf_pp", {"beta": 1}, "-m chrf --chrf-word-order 2 --chrf-beta 1"),
        ("ter", {}, ""),
        ("ter", {"case_sensitive": True}, "--ter-case-sensitive"),
        (
            "ter",
            {"normalized": True, "asian_support": True},
            "--ter-normalized --ter-asian-support",
        ),
        ("ter", {"no_punct": True}, "--ter-no-punct"),
    ],
)
def test_settings_give_what_sacrebleus_own_command_gives(metric, settings, options, tmp_path):
    names = ["first.txt", "second.txt"]
    for name, texts in zip(names, zip(*REFERENCES, strict=True), strict=True):
        (tmp_path / name).write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", *names, "-m", metric.partition("_")[0]]
    done = subprocess.run(
        [*command, *options.split(), "-f", "json", "-w", "9"],
        input="".join(f"{text}\n" for text in ANSWERS),
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    by_command = json.loads(done.stdout)
    ours = score(metric, rows(ANSWERS, REFERENCES), **settings)
    assert ours.value == pytest.approx(by_command["score"], abs=1e-9)
    assert (
        f"{by_command['name']}|{by_command['signature']}" == ours.signature.partition("|items")[0]
    )


@pytest.mark.parametrize(
    ("answer", "references", "edits", "words"),
    [
        ("e a b c d", ["a b c d e"], 1, 5),  # a shift is one edit
        ("a x c", ["a b c"], 1, 3),
        ("a b", ["a b c d"], 2, 4),
        ("", ["a b"], 2, 2),
        ("a b c", [""], 1, 1),  # nothing is wanted: 100
        ("", [""], 0, 1),
        ("A B", ["a b"], 0, 2),
        ("a b", ["a b c d", "a c"], 1, 3),  # the nearest, over the mean length
    ],
)
def test_ter_is_edits_by_words(answer, references, edits, words):
    value = score("ter", rows([answer], [references])).value
    assert value == pytest.approx(100 * edits / words)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """A SentencePiece model of a few German sentences."""
    folder = tmp_path_factory.mktemp("pieces")
    texts = [text for many in REFERENCES for text in many] + ANSWERS
    (folder / "text.txt").write_text("\n".join(texts * 9), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"), model_prefix=str(folder / "de"), vocab_size=50,
        minloglevel=2,
    )  # fmt: skip
    return folder / "de.model"


@pytest.mark.parametrize("tokenize", ["flores101", "flores200", "spBLEU-1K"])
def test_spbleu_counts_the_pieces_of_its_model(tokenize, pieces):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(pieces))

    def split(text):
        return " ".join(processor.encode(text, out_type=str))

    spbleu = score("bleu", rows(ANSWERS, REFERENCES), tokenize=tokenize, spm=str(pieces))
    by_hand = rows(map(split, ANSWERS), [list(map(split, many)) for many in REFERENCES])
    assert spbleu.value == score("bleu", by_hand, tokenize="none").value
    assert f"|tok:{tokenize}|" in spbleu.signature
    content = hashlib.sha256(pieces.read_bytes()).hexdigest()[:12]
    assert f"|spm:{content}" in spbleu.signature


def test_spbleu_is_not_refused_where_there_are_no_blanks(pieces):
    chinese = rows(["我喜欢"], [["我喜欢苹果"]], "zh")
    found = score("bleu", chinese, tokenize="flores200", spm=str(pieces))
    assert "|tok:flores200|" in found.signature


def test_a_spbleu_whose_model_has_gone_adds_up_all_the_same(pieces, tmp_path):
    moved = tmp_path / "moved.model"
    moved.write_bytes(pieces.read_bytes())
    made = score("bleu", rows(ANSWERS, REFERENCES), tokenize="flores200", spm=str(moved))
    moved.unlink()
    assert total_of(made) == made.value


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tokenize": "flores200"}, "found none with tokenize: flores200, allowed: its Sent"),
        ({"tokenize": "spBLEU-1K", "spm": "none.model"}, "found 'none.model', allowed: a Sent"),
        (
            {"spm": __file__},
            "with tokenize: auto, allowed with: flores101, flores200",
        ),
        ({"smooth_value": 0.2}, "found 0.2 with smooth_method: exp, allowed with: floor, add-k"),
        ({"smooth_method": "nist"}, "found 'nist', allowed"),
    ],
)
def test_settings_that_cannot_be_are_told_before_anything_is_scored(settings, message):
    with pytest.raises(ConfigError, match=message):
        metric_named("bleu", settings)


def test_a_file_that_is_no_sentence_piece_model_is_named():
    with pytest.raises(DataError, match=r"bleu.spm: .*test_overlap.py: no SentencePiece model"):
        score("bleu", rows(["a"], [["a"]]), tokenize="flores200", spm=__file__)
