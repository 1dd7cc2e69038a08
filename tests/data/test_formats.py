"""Files that are wrong, and what is said of them: the line, what was found, what is allowed."""

import gzip
import json
from pathlib import Path

import pytest

from harness.data.readers import read_instructions, read_pairs, read_texts
from harness.data.spec import CorpusSpec
from harness.errors import ConfigError, DataError
from harness.records import Instruction, Message, Pair
from harness.settings.spec import validate

LANGUAGES = {"source_lang": "en", "target_lang": "de"}
TMX = '<tmx version="1.4"><header srclang="en"/><body>\n{}\n</body></tmx>'
LAUGHS = '<!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>\n<tmx><body>&b;</body></tmx>'
OUTSIDE = '<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]>\n<tmx><body>&a;</body></tmx>'


def tuv(tag, text):
    return f'<tuv xml:lang="{tag}"><seg>{text}</seg></tuv>'


def unit(*variants):
    return f"<tu>{''.join(tuv(*variant) for variant in variants)}</tu>"


def doc(source, reference):
    return f'<dataset>\n<doc id="d">{source}\n{reference}</doc></dataset>'


def side(name, tag, *segments):
    parts = "".join(f'<seg id="{key}">{text}</seg>' for key, text in segments)
    return f'<{name} lang="{tag}">{parts}</{name}>'


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("c.json", "", ":1: begins with nothing, allowed a JSON list of objects"),
        ("c.json", '{"a": 1}', ":1: begins with '{', allowed a JSON list"),
        ("c.json", '[\n{"source": "a"},\n3]', ":3: found int, allowed a JSON list of objects"),
        ("c.json", '[\n{"source": "a",\n"target"}]', ":3: not valid JSON"),
        ("c.json", "[\n{}\n{}]", ":3: not valid JSON (',' or ']' expected)"),
        ("c.json", "[\n{},\n]", ":3: not valid JSON (a comma before the end)"),
        ("c.json", "[{}]\n!", ":2: not valid JSON (more after the list)"),
        ("c.json", "[" * 100_000, "nested too deep"),
        ("c.jsonl", '{"a": ' + "[" * 100_000, ":1: JSON nested too deep"),
        ("c.json", '[\n{"translation": 3}]', ":2: translation: found 3, allowed"),
        (
            "c.json",
            '[{"translation": {"en": "a", "fr": "b"}}]',
            ":1: translation: found the languages en, fr, allowed en and de",
        ),
        ("c.json", '[{"source": "a"}]', ":1: target: missing, allowed a text (fields here: source"),
        ("c.csv", 'a,b\n"c,d', ":2: not valid CSV (unexpected end of data)"),
        ("c.csv", "a,b\nc,d,e", ":2: found 3 columns, allowed source, target"),
        ("c.csv", "source,target\n\na,", ":3: target: empty"),
        ("c.csv", 'source,target\n"a\nb",c\nd,', ":4: target: empty"),
        ("c.csv", "source,target", "no rows in it"),
        ("c.tmx", "<tmx><body>\n<tu></body>", ":2: not well-formed XML (mismatched tag)"),
        ("c.tmx", LAUGHS, ":1: declares the entity a, allowed none"),
        ("c.tmx", OUTSIDE, ":1: declares the entity a, allowed none"),
        ("c.tmx", TMX.format("<tu/>"), ":2: tu: found the languages none, allowed one of each"),
        (
            "c.tmx",
            TMX.format(unit(("en", "a"), ("fr", "b"))),
            ":2: tu: found the languages en, fr, allowed one of each side: en and de",
        ),
        ("c.tmx", TMX.format(unit(("en", "a"), ("de", "<ph>x</ph>"))), ":2: target: empty"),
        ("c.tmx", TMX.format("<tu><tuv><seg>a</seg></tuv></tu>"), ":2: tuv: without xml:lang"),
        ("c.tmx", '<!DOCTYPE t SYSTEM "t">\n<t>&nbsp;</t>', ":2: unknown entity &nbsp;"),
        ("c.tmx", '<?xml version="1.0" encoding="klingon"?><t/>', ":1: cannot be read as XML"),
        ("c.xml", doc(side("src", "en", (1, "a")), ""), ":2: doc 'd': found src en, allowed a ref"),
        (
            "c.xml",
            doc(side("src", "en", (1, "a")), side("ref", "fr", (1, "b"))),
            ":2: doc 'd': found src en, ref fr, allowed a ref in de",
        ),
        (
            "c.xml",
            doc(side("src", "en", (1, "a")), side("ref", "de", (2, "b"))),
            ":3: seg 2: not in the source of its document",
        ),
        (
            "c.xml",
            doc(side("src", "en", (1, "a")), side("ref", "de", (2, "b"))),
            ":2: seg 1: not in the reference of its document",
        ),
        (
            "c.xml",
            doc(side("src", "en", (1, "a"), (1, "b")), side("ref", "de", (1, "b"))),
            ":2: seg 1: is on line 2 already",
        ),
        ("c.sgm", "", "format 'sgm' needs target_path"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_pairs(CorpusSpec(path=str(tmp_path / name), **LANGUAGES))
    assert f"{name}{expected}" in str(caught.value) or expected in caught.value.message


def sgm(tmp_path, source, target):
    (tmp_path / "s.sgm").write_text(source, encoding="utf-8")
    (tmp_path / "t.sgm").write_text(target, encoding="utf-8")
    sides = {"path": str(tmp_path / "s.sgm"), "target_path": str(tmp_path / "t.sgm")}
    return CorpusSpec(**sides, **LANGUAGES)


def test_sgm_segments_belong_together_by_document_and_number(tmp_path):
    source = '<srcset srclang="en"><DOC docid="x">\n<seg id="1">A & B &lt;\n c</seg>\n</DOC>'
    target = '<refset trglang="de"><doc docid="x"><hl>\n<SEG id=1>A und B</SEG></hl></doc>'
    spec = sgm(tmp_path, source, target)
    assert read_pairs(spec) == (Pair("x-1", "A & B < c", "A und B", "en", "de"),)


def test_sgm_segments_without_partner_or_end_are_all_named(tmp_path):
    source = '<doc docid="x">\n<seg id="1">a</seg>\n<seg id="2">b\n<seg id="3">c</seg>'
    target = '<doc docid="x">\n<seg id="3">c</seg>\n<seg id="3">d</seg>\n<seg id="4">d</seg>'
    with pytest.raises(DataError) as caught:
        read_pairs(sgm(tmp_path, source, target))
    for expected in (
        "s.sgm:2: doc 'x' seg 1: not in",
        "s.sgm:3: doc 'x' seg 2: without </seg>",
        "t.sgm:3: doc 'x' seg 3: is on line 2 already",
        "t.sgm:4: doc 'x' seg 4: not in",
    ):
        assert expected in caught.value.message


def write(path: Path, text: str, **settings: object) -> CorpusSpec:
    path.write_text(text, encoding="utf-8")
    return CorpusSpec(path=str(path), **settings)


def test_a_file_cut_off_while_it_was_fetched_is_named(tmp_path):
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b"x" * 1000)[:-12])
    with pytest.raises(DataError, match=r"c\.jsonl\.gz: not a whole gzip file"):
        read_pairs(CorpusSpec(path=str(tmp_path / "c.jsonl.gz")))


def test_utf16_is_named_with_its_mend(tmp_path):
    (tmp_path / "c.tsv").write_bytes("a\tb\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"c\.tsv:1: UTF-16, allowed UTF-8\n.*iconv -f UTF-16"):
        read_pairs(CorpusSpec(path=str(tmp_path / "c.tsv"), **LANGUAGES))


def test_every_line_of_another_encoding_is_named_in_both_files(tmp_path):
    (tmp_path / "c.en").write_bytes(b"a\nGr\xfc\nc\n")
    (tmp_path / "c.de").write_bytes(b"a\nb\nGr\xfc\n")
    sides = {"path": str(tmp_path / "c.en"), "target_path": str(tmp_path / "c.de")}
    with pytest.raises(DataError) as caught:
        read_pairs(CorpusSpec(**sides, **LANGUAGES))
    assert "c.en:2: not UTF-8 (byte 0xfc)" in caught.value.message
    assert "c.de:3: not UTF-8 (byte 0xfc)" in caught.value.message
    assert "empty" not in caught.value.message


def test_columns_are_chosen_by_name_or_by_number(tmp_path):
    named = write(tmp_path / "a.csv", "note,English,German\nx,a,b\n", **LANGUAGES)
    numbered = write(tmp_path / "b.tsv", "x\ta\tb\n", **LANGUAGES)
    for spec in (
        named.replace(columns=("English", "German")),
        numbered.replace(columns=(2, 3)),
    ):
        assert [(pair.source, pair.target) for pair in read_pairs(spec)] == [("a", "b")]
    with pytest.raises(DataError, match=r"a\.csv:2: Deutsch: missing, allowed a text"):
        read_pairs(named.replace(columns=("English", "Deutsch")))


def test_quotation_marks_are_text_in_tsv_and_hold_cells_together_in_csv(tmp_path):
    tsv = write(tmp_path / "c.tsv", '"Go," he said.\t"Geh\n', **LANGUAGES)
    comma = write(tmp_path / "c.csv", '"""Go,"" he said.","a\nb"\n', **LANGUAGES)
    assert [pair.target for pair in read_pairs(tsv)] == ['"Geh']
    assert [(pair.source, pair.target) for pair in read_pairs(comma)] == [
        ('"Go," he said.', "a\nb")
    ]


def test_a_header_may_be_forced_and_denied(tmp_path):
    spec = write(tmp_path / "c.tsv", "source\ttarget\na\tb\n", **LANGUAGES)
    assert len(read_pairs(spec)) == 1
    assert len(read_pairs(spec.replace(header=False))) == 2


def test_translations_are_turned_to_the_languages_asked_for(tmp_path):
    rows = [{"translation": {"de": "Ein Hund.", "en": "A dog."}}]
    spec = write(tmp_path / "c.json", json.dumps(rows))
    assert read_pairs(spec) == (Pair("c-000001", "Ein Hund.", "A dog.", "de", "en"),)
    for asked in ({"source_lang": "en"}, {"target_lang": "de"}):
        assert read_pairs(spec.replace(**asked))[0].source == "A dog."


def test_tmx_languages_are_found_whatever_their_region(tmp_path):
    units = unit(("EN-GB", "A dog."), ("de-AT", "Ein Hund."), ("fr", "Un chien."))
    spec = write(tmp_path / "c.tmx", TMX.format(units), **LANGUAGES)
    assert read_pairs(spec) == (Pair("c-000001", "A dog.", "Ein Hund.", "en", "de"),)
    two = TMX.format(unit(("en", "A dog."), ("de", "Ein <hi>Hund</hi><bpt>\\b</bpt>.")))
    assert read_pairs(write(tmp_path / "d.tmx", two))[0].target == "Ein Hund."


def test_instructions_become_chats(tmp_path):
    rows = [
        {"instruction": "Sum up.", "input": "A text.", "output": "Text."},
        {"instruction": "Say hi.", "context": "", "response": "Hi.", "category": "open_qa"},
    ]
    spec = write(tmp_path / "c.json", json.dumps(rows))
    assert read_instructions(spec) == (
        Instruction("c-000001", (Message("user", "Sum up.\n\nA text."),), "Text."),
        Instruction("c-000002", (Message("user", "Say hi."),), "Hi.", "open_qa"),
    )


def test_a_format_of_pairs_holds_nothing_else(tmp_path):
    spec = write(tmp_path / "c.tmx", TMX.format(""), **LANGUAGES)
    with pytest.raises(DataError, match="format 'tmx' holds parallel text only"):
        read_texts(spec)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"format": "jsnl"}, r"unknown format 'jsnl'; did you mean 'jsonl'\? \(known: auto, al"),
        ({"format": "aligned"}, "format 'aligned' needs target_path"),
        ({"format": "csv", "target_path": "b"}, "target_path is for format 'aligned' and 'sgm'"),
        ({"checks": {"max_emtpy": 0.1}}, "checks.max_emtpy: unknown option .* 'max_empty'"),
        ({"checks": {"max_empty": 1.5}}, "checks.max_empty: found 1.5, allowed"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, expected):
    with pytest.raises(ConfigError, match=expected):
        validate(CorpusSpec, {"path": "a", **settings}, "f.yaml")


def test_new_settings_are_told_only_where_they_are_set():
    plain = CorpusSpec(path="c.jsonl").plain()
    assert set(plain).isdisjoint({"columns", "header", "split", "checks"})
    changed = CorpusSpec(path="c.jsonl", columns=("a", "b"), checks={"max_empty": 0.5})
    assert CorpusSpec.model_validate(changed.plain()) == changed
