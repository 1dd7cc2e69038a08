"""Tags of every common scheme are one tag each, and what is none is refused."""

import pytest

from harness.data.prompts import language_name
from harness.data.spec import CorpusSpec
from harness.errors import ConfigError
from harness.languages.tags import checked_tag, language_names, language_tag, primary, tag_or_name
from harness.settings.spec import validate


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("de", "de"),
        ("DEU", "de"),
        ("ger", "de"),
        ("deu_Latn", "de"),
        ("de_AT", "de-AT"),
        ("PT-br", "pt-BR"),
        ("es_419", "es-419"),
        ("cmn", "zh"),
        ("zho_Hans", "zh"),
        ("zh_hant_tw", "zh-Hant-TW"),
        ("zho_Hant", "zh-Hant"),
        ("zh-yue", "yue"),
        ("arb_Arab", "ar"),
        ("srp_Cyrl", "sr"),
        ("sr_latn", "sr-Latn"),
        ("kor_Hang", "ko"),
        ("nob_Latn", "nb"),
        ("no", "no"),
        ("iw", "he"),
        ("ceb_Latn", "ceb"),
        ("sl-rozaj", "sl-rozaj"),
        (" en ", "en"),
    ],
)
def test_a_language_has_one_tag_whatever_the_scheme(said, expected):
    assert language_tag(said) == expected
    assert language_tag(expected) == expected


@pytest.mark.parametrize(
    "said",
    [
        "und",
        "mul",
        "zxx",
        "qaa",
        "und-Latn",
        "",
        "Chinese",
        "xx",
        "e",
        "de-",
        "-de",
        "en-USA",
        "eng_Foo",
        "d3",
        "de AT",
        "x-de",
        "foo",
        "xyz",
        "foo_Latn",
        "bar-DE-x",
    ],
)
def test_what_is_no_tag_is_none(said):
    assert language_tag(said) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Chinese", "zh is Chinese"),
        ("jp", "ja is Japanese"),
        ("Deutsch", "de is German"),
        ("Farsi", "fa is Persian"),
        ("Traditional Chinese", "zh-Hant is Traditional Chinese"),
        ("Brazilian Portuguese", "pt-BR is Portuguese"),
    ],
)
def test_the_tag_that_may_be_meant_is_named(said, meant):
    with pytest.raises(ValueError, match=f"found '{said}', allowed a language tag .*{meant}"):
        checked_tag(said)


def test_settings_take_every_scheme_and_refuse_the_rest():
    spec = CorpusSpec(path="c.tsv", source_lang="eng_Latn", target_lang="zh_cn")
    assert (spec.source_lang, spec.target_lang) == ("en", "zh-CN")
    with pytest.raises(ConfigError, match=r"source_lang: found 'English', allowed .*en is English"):
        validate(CorpusSpec, {"path": "a", "source_lang": "English"}, "f.yaml")


def test_languages_are_known_by_their_names_where_files_name_them():
    assert [tag_or_name(name) for name in ("German", "français", "中文", "deu", "Silly")] == [
        "de", "fr", "zh", "de", None,
    ]  # fmt: skip


@pytest.mark.parametrize("said", ["tlh", "fro", "aeb", "zza", "nah", "tlh-Latn"])
def test_rare_languages_keep_their_three_letters(said):
    assert language_tag(said) == said.removesuffix("-Latn")


def test_every_language_of_the_table_is_its_own_tag_and_has_a_name():
    names = language_names()
    assert len(names) > 190
    assert {tag: language_tag(tag) for tag in names} == {tag: tag for tag in names}
    assert (names["no"], names["zh-TW"], names["nb"]) == (
        "Norwegian", "Traditional Chinese", "Norwegian Bokmål",
    )  # fmt: skip


def test_the_identifier_is_asked_by_its_own_codes():
    assert [primary(tag) for tag in ("cmn_Hans", "no", "tha", "pt_BR")] == ["zh", "nb", "th", "pt"]


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("zh-Hant", "Traditional Chinese"),
        ("zho_Hant", "Traditional Chinese"),
        ("zh_hant_tw", "Traditional Chinese"),
        ("zh-HK", "Traditional Chinese"),
        ("zh_TW", "Traditional Chinese"),
        ("cmn_Hans", "Chinese"),
        ("zh-CN", "Chinese"),
        ("yue_Hant", "Cantonese"),
        ("pt-BR", "Portuguese"),
    ],
)
def test_a_prompt_names_the_script_where_the_language_has_two(tag, name):
    assert language_name(tag) == name
