"""What chat models put around a translation is cut, and nothing that is translated."""

import gzip

import pytest

from harness.data.extract import Extract
from harness.data.translations import without_preface
from harness.evaluation.score import score_predictions
from harness.protocols import Services
from harness.records import Prediction
from tests.outside import DATA, outside

SOURCE = "The dog sleeps in the big house near the river."
TARGET = "Der Hund schläft im großen Haus am Fluss."
TRANSLATION = Extract(rule="translation")

PREFACES = [
    "Sure! Here is the translation:\n\n",
    "Sure! Here is the translation: ",
    "Sure!\n\n",
    "Of course! Here you go:\n\n",
    "Here's the German translation of your sentence.\n\n",
    "I'd be happy to help you translate that sentence into German!\n\n",
    "Certainly, I can translate that for you. ",
    "The sentence in German is:\n\n",
    f'The German translation of "{SOURCE}" is:\n\n',
    "Translation:\n\n",
    "Translation:\n",
    "### Translation\n\n",
    "**Translation:** ",
    "German: ",
    "**German:**\n",
    "German (formal): ",
    "German version: ",
    "Deutsch: ",
    "DE: ",
    "Answer: ",
    "Output:\n",
    "assistant\n\n",
    "<|im_start|>assistant\n",
    "<|assistant|>\n",
    "### Response:\n",
    "[/INST] ",
    f"{SOURCE}\n\n",
    f"{SOURCE} -> ",
    f"English: {SOURCE}\nGerman: ",
    "Hier ist die Übersetzung:\n",
    "Gerne! Die Übersetzung lautet:\n\n",
    "Voici la traduction :\n\n",
    "Bien sûr ! Voici la phrase traduite :\n",
    "Aquí tienes la traducción:\n\n",
    "Ecco la traduzione in tedesco:\n",
    "Claro! Aqui está a tradução:\n\n",
    "Samozřejmě, zde je překlad:\n\n",
    "Конечно! Вот перевод:\n\n",
    "Ось переклад:\n",
    "好的，以下是翻译：\n\n",
    "翻译：",
    "もちろんです。以下は翻訳です：\n\n",
    "번역: ",
    "คำแปล:\n",
    "Oto tłumaczenie:\n\n",
    "Hier is de vertaling:\n\n",
    "English to German: ",
    "EN → DE: ",
    "en-de: ",
    "Final answer: ",
    "## German\n\n",
    "[German] ",
    "(German) ",
    "En allemand : ",
    "Em alemão: ",
    "По-немецки: ",
    "德文：",
    "ドイツ語: ",
    "ภาษาเยอรมัน: ",
    "¡Por supuesto!\n\n",
    "👍 Sure!\n\n",
    "Yes, of course.\n\n",
    "---\n",
    f"Input: {SOURCE}\nOutput: ",
    f"Source: {SOURCE}\nTarget: ",
    f"Q: {SOURCE}\nA: ",
    f'"{SOURCE}" in German is: ',
]

WRAPPINGS = [
    '"{}"', "'{}'", "„{}“", "“{}”", "«{}»", "»{}«", "「{}」", "**{}**", "*{}*", "__{}__",
    '**"{}"**', "`{}`", "> {}", "```\n{}\n```", "```german\n{}\n```\n\nHund means dog.", "```\n{}",
    "~~~\n{}\n~~~", '"""{}"""', '“{}"', "❝{}❞", "''{}''", "<b>{}</b>",
    "<translation>{}</translation>",
    '{{"translation": "{}"}}', "{}<|im_end|>", "{}</s>",
]  # fmt: skip


@pytest.mark.parametrize("preface", PREFACES)
@pytest.mark.parametrize("behind", ["", "\n\nNote: Hund means dog."])
def test_a_preface_does_not_cost_the_translation(preface, behind):
    assert TRANSLATION.answer(f"{preface}{TARGET}{behind}", SOURCE) == TARGET


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("preface", ["", "Translation:\n\n"])
def test_marks_around_all_of_it_do_not_either(wrapping, preface):
    assert TRANSLATION.answer(preface + wrapping.format(TARGET), SOURCE) == TARGET


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("He said:", "Er sagte:"),
        ("He said:\n\nNo.", "Er sagte:\n\nNein."),
        ("First paragraph.\n\nSecond one.", "Erster Absatz.\n\nZweiter."),
        ("Answer: yes.", "Antwort: ja."),
        ("Translation: a hard trade.", "Übersetzung: ein hartes Gewerbe."),
        ("Here is the translation you asked for.", "Hier ist die gewünschte Übersetzung."),
        ("Of course!", "Natürlich!"),
        ("Sure, why not?", "Klar, warum nicht?"),
        ("PS hire me", "PS: stell mich ein"),
        ("“No!”", "„Nein!“"),
        ('He wants to "look".', '"Er will schauen."'),
        ("It's the dogs' house.", "'s ist das Haus der Hunde'"),
        ("**Bold**", "**Fett**"),
        ("*cough*", "*hust*"),
        ("```\nx\n```", "```\nx\n```"),
        ("It is 10:30 in Berlin.", "In Berlin: 10:30 Uhr."),
        ("He whispered, go away.", "Er flüsterte: Geh weg."),
        ("Warning, hot", "Achtung: heiß"),
        ("German is hard", "Deutsch ist schwer"),
        ("“Go,” he said, “away.”", "„Geh“, sagte er, „weg.“"),
        ("The answer is no", "Antwort: nein"),
        ("The output is low", "Ausgabe: gering"),
        ("English, French, German", "Englisch: Französisch, Deutsch"),
        ("A list follows\n- a\n- b", "Eine Liste folgt:\n- a\n- b"),
        ("Dear customers\nWe are closed", "Liebe Kunden:\nWir haben geschlossen"),
        ("她知道美国队取得四连胜。", "Here is what she does know: The Americans are 4-0."),
        ("Yes.\nCome in.", "Sicher.\nKomm herein."),
        ('{"a": "dog"}', '{"a": "Hund"}'),
        ("<b>Dog</b>", "<b>Hund</b>"),
        ("", "Hund"),
        ("x", ""),
    ],
)
def test_what_is_translated_stays(source, output):
    assert TRANSLATION.answer(output, source) == output


def test_an_output_that_is_a_preface_alone_stays_as_it_is():
    for output in ("Here is the translation:", "assistant", "```\n```"):
        assert TRANSLATION.answer(output, SOURCE)
        assert without_preface(output, SOURCE) == output


def score(metric, *outputs):
    rows = [
        Prediction(id=str(n), prompt="", output=text, answer=text, source=SOURCE)
        for n, text in enumerate(outputs)
    ]
    return score_predictions(rows, metric, {}, Services())


def test_both_habits_are_rates_of_their_own():
    outputs = [TARGET, f"Translation:\n\n{TARGET}", f'German: "{TARGET}"', f"**{TARGET}**"]
    prefaced, wrapped = score("prefaced", *outputs), score("wrapped", *outputs)
    assert (prefaced.value, prefaced.higher_is_better) == (0.5, False)
    assert (wrapped.value, wrapped.higher_is_better) == (0.5, False)
    assert list(wrapped.classes) == ["bare", "bare", "wrapped", "wrapped"]
    assert score("wrapped", f"Sure!\n\n```\n{TARGET}\n```").value == 1.0


PUBLISHED = [
    ("wmt22/generaltest2022.de-en.src.de", "wmt22/generaltest2022.de-en.ref.A.en"),
    ("wmt22/generaltest2022.en-de.src.en", "wmt22/generaltest2022.en-de.ref.A.de"),
    ("wmt22/generaltest2022.en-de.src.en", "wmt22/generaltest2022.en-de.hyp.Online-A.de"),
    ("wmt22/generaltest2022.en-de.src.en", "wmt22/generaltest2022.en-de.hyp.Online-B.de"),
    ("wmt24/sources.en-de.txt", "wmt24/references.en-de.refA.txt"),
    ("wmt24/sources.en-de.txt", "wmt24/references.en-de.refB.txt"),
    ("wmt24/sources.en-es.txt", "wmt24/references.en-es.refA.txt"),
    ("wmt24/sources.en-de.txt", "wmt24/system-outputs.en-de.Phi-3-Medium.txt"),
    ("wmt24/sources.en-es.txt", "wmt24/system-outputs.en-es.Llama3-70B.txt"),
    ("ntrex/newstest2019-src.eng.txt", "ntrex/newstest2019-ref.deu.txt"),
    ("ntrex/newstest2019-src.eng.txt", "ntrex/newstest2019-ref.tha.txt"),
    ("ntrex/newstest2019-src.eng.txt", "ntrex/newstest2019-ref.zho-CN.txt"),
    ("ntrex/newstest2019-ref.deu.txt", "ntrex/newstest2019-src.eng.txt"),
]


@outside("alma", "tatoeba_tha_eng")
def test_of_human_training_pairs_nothing_but_quotes_around_a_sentence_is_cut():
    def lines(name):
        return gzip.decompress((DATA / "alma" / name).read_bytes()).decode().splitlines()

    english, german = lines("deen/train.de-en.en.gz"), lines("deen/train.de-en.de.gz")
    table = (DATA / "tatoeba_tha_eng/tha.txt").read_text(encoding="utf-8").splitlines()
    pairs = [*zip(english, german, strict=True), *zip(german, english, strict=True)]
    pairs += [tuple(row.split("\t")[1::-1]) for row in table]
    paragraph = Extract(rule="first_paragraph")
    changed = [
        (text, answer)
        for source, text in pairs
        if (answer := TRANSLATION.answer(text, source)) != paragraph.answer(text)
    ]
    assert len(pairs) == 31440
    assert len(changed) == 93
    assert [text for text, answer in changed if text.strip() != f'"{answer}"'] == []


@outside("wmt22", "wmt24", "ntrex")
@pytest.mark.slow
@pytest.mark.parametrize(("sources", "outputs"), PUBLISHED, ids=[pair[1] for pair in PUBLISHED])
def test_nothing_of_published_translations_is_cut(sources, outputs):
    pairs = zip(
        (DATA / sources).read_text(encoding="utf-8").splitlines(),
        (DATA / outputs).read_text(encoding="utf-8").splitlines(),
        strict=True,
    )
    paragraph = Extract(rule="first_paragraph")
    changed = [
        text for source, text in pairs if TRANSLATION.answer(text, source) != paragraph.answer(text)
    ]
    assert changed == []


def test_a_rule_that_has_changed_says_its_version_where_answers_are_kept():
    assert TRANSLATION.identity()["version"] == 2
    assert TRANSLATION.label == "translation.2"
    first = Extract(rule="first_paragraph")
    assert (first.identity(), first.label) == (first.plain(), "first_paragraph")
