"""What published files have that the least one of their format has not."""

import logging

import pytest

from harness.data.checks import find
from harness.data.readers import read_pairs
from harness.data.spec import ChecksSpec, CorpusSpec
from harness.errors import DataError
from harness.records import Pair

LANGUAGES = {"source_lang": "en", "target_lang": "de"}
TMX = '<tmx version="1.4"><header srclang="en"/><body>\n{}\n</body></tmx>'


def write(path, text, **settings):
    path.write_text(text, encoding="utf-8")
    return CorpusSpec(path=str(path), **{**LANGUAGES, **settings})


def texts(spec):
    return [(pair.source, pair.target) for pair in read_pairs(spec)]


def unit(target, source="a", name="", tags=("en", "de")):
    attribute = f' tuid="{name}"' if name else ""
    sides = "".join(
        f'<tuv xml:lang="{tag}"><seg>{text}</seg></tuv>'
        for tag, text in zip(tags, (source, target), strict=True)
    )
    return f"<tu{attribute}>{sides}</tu>"


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("Click the\n      button", "Click the button"),
        ("a\t\tb \r\n c", "a b c"),
        ("10\u00a0000\u00a0€", "10\u00a0000\u00a0€"),
        ('Line one<ph x="1">&lt;br/&gt;</ph>line two', "Line one line two"),
        ("Line one.<ph/>Line two", "Line one. Line two"),
        ("one<x/><x/>two", "one two"),
        ("See <ph>1</ph> here", "See here"),
        ("un<bpt>b</bpt>believ<ept>/b</ept>able", "unbelievable"),
        ("<hi>Ver</hi>ein", "Verein"),
        ("(<ph>x</ph>note)", "(note)"),
        ("第一行<ph/>第二行", "第一行第二行"),
        ("<ph>x</ph>start and end<ph>y</ph>", "start and end"),
        ("<bpt>a<sub>alt text</sub></bpt>word", "word"),
    ],
)
def test_a_segment_of_tmx_is_the_line_its_reader_sees(tmp_path, segment, expected):
    spec = write(tmp_path / "c.tmx", TMX.format(unit(segment)))
    assert texts(spec) == [("a", expected)]


def test_units_of_one_id_are_units_of_their_own(tmp_path):
    units = [unit("b", name=name) for name in ("x", "x", "x-2", "x", "")]
    read = read_pairs(write(tmp_path / "c.tmx", TMX.format("\n".join(units))))
    assert [pair.id for pair in read] == ["x", "x-2", "x-2-2", "x-3", "c-000005"]


def test_of_several_variants_of_a_language_the_first_with_a_text_is_taken(tmp_path):
    variants = [("en", "a"), ("de", "\u200b"), ("de-AT", "x"), ("de", "b"), ("de", "c")]
    inside = "".join(f'<tuv xml:lang="{t}"><seg>{text}</seg></tuv>' for t, text in variants)
    assert texts(write(tmp_path / "c.tmx", TMX.format(f"<tu>{inside}</tu>"))) == [("a", "b")]


@pytest.mark.parametrize("tags", [("eng", "deu_Latn"), ("EN_us", "ger"), ("English", "de-CH")])
def test_tmx_names_its_languages_in_any_scheme(tmp_path, tags):
    assert texts(write(tmp_path / "c.tmx", TMX.format(unit("b", tags=tags)))) == [("a", "b")]


def test_elements_of_a_namespace_are_known_by_their_own_names(tmp_path):
    text = TMX.format(unit("b")).replace("</", "</t:").replace("<t", "<t:t").replace("<t:t:", "<t:")
    text = (
        text.replace("<header", "<t:header").replace("<body", "<t:body").replace("<seg", "<t:seg")
    )
    text = text.replace('version="1.4"', 'version="1.4" xmlns:t="http://www.lisa.org/tmx14"')
    assert "<t:tmx version" in text
    assert "<t:tuv xml:lang" in text
    assert texts(write(tmp_path / "c.tmx", text)) == [("a", "b")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "iso-8859-1", "utf-8-sig"])
def test_xml_is_read_in_the_encoding_it_is_in(tmp_path, encoding):
    said = "UTF-8" if encoding == "utf-8-sig" else encoding[:6].replace("iso-88", "ISO-8859-1")
    text = f'<?xml version="1.0" encoding="{said}"?>\n' + TMX.format(unit("Grüße"))
    (tmp_path / "c.tmx").write_bytes(text.encode(encoding))
    assert texts(CorpusSpec(path=str(tmp_path / "c.tmx"), **LANGUAGES)) == [("a", "Grüße")]


def side(kind, texts, numbered=True, **attributes):
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    segments = "".join(
        f"<seg id='{n}'>{text}</seg>" if numbered else f"<seg>{text}</seg>"
        for n, text in enumerate(texts, start=1)
    )
    return f"<{kind}{said}><p>{segments}</p></{kind}>"


def wmt(*documents):
    inside = "\n".join(
        f'<doc id="d{n}">{"".join(sides)}</doc>' for n, sides in enumerate(documents, start=1)
    )
    return f'<dataset id="t"><collection id="general">\n{inside}\n</collection></dataset>'


def source(*lines, **settings):
    return side("src", lines, lang="en", **settings)


def by(translator, *lines, **settings):
    return side("ref", lines, lang="de", translator=translator, **settings)


TRANSLATORS = wmt(
    [source("a", "b"), by("A", "a of A", "b of A"), by("B", "a of B", "b of B")],
    [source("c"), by("B", "c of B"), by("A", "c of A")],
    [source("d"), by("B", "d of B")],
)


def test_one_translator_is_taken_throughout_and_named(tmp_path, caplog):
    spec = write(tmp_path / "c.xml", TRANSLATORS)
    with caplog.at_level(logging.WARNING):
        assert [target for _, target in texts(spec)] == ["a of B", "b of B", "c of B", "d of B"]
    assert "references of B throughout (segments by translator: A 3, B 4)" in caplog.text


def test_a_translator_may_be_named_and_documents_without_him_left_out(tmp_path):
    spec = write(tmp_path / "c.xml", TRANSLATORS, reference="A")
    with pytest.raises(DataError, match=r"c\.xml:4: doc 'd3': found src en, ref de, allowed a ref"):
        read_pairs(spec)
    left = spec.replace(checks={"max_unpaired": 0.25})
    assert [target for _, target in texts(left)] == ["a of A", "b of A", "c of A"]
    with pytest.raises(DataError, match=r"reference: unknown translator 'C'.*\(known: A, B\)"):
        read_pairs(spec.replace(reference="C"))


def test_documents_and_segments_without_a_reference_are_rows_to_leave_out(tmp_path):
    text = wmt(
        [source("a", "b", "c"), by("A", "1", "2")],
        [source("d", "e"), side("hyp", ["x", "y"], system="s")],
        [source("f"), by("A", "3")],
    )
    lines: dict[str, list[int]] = {}
    spec = write(tmp_path / "c.xml", text, checks={"max_malformed": 0.5})
    assert [pair.target for pair in read_pairs(spec, None, lines)] == ["1", "2", "3"]
    assert lines == {"malformed": [2, 3, 3]}


def test_segments_without_a_number_belong_together_by_their_places(tmp_path):
    sides = [source("a", "b", numbered=False), by("A", "1", " 2\n 3 ", numbered=False)]
    read = read_pairs(write(tmp_path / "c.xml", wmt(sides)))
    assert [(pair.id, pair.target) for pair in read] == [("d1-1", "1"), ("d1-2", "2 3")]


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        ("?id=1&section=2&copy=3&para=4", "?id=1&section=2&copy=3&para=4"),
        ("&quot;a&quot; &amp; &lt;b&gt;", '"a" & <b>'),
        ("&amp;lt; &#8217; &nbsp; &apos;", "&lt; &#8217; &nbsp; &apos;"),
        ("if a<b then c>d", "if a<b then c>d"),
        ("x <b>bold</b> & <3", "x <b>bold</b> & <3"),
        ("10\u00a0000\n and\tmore", "10\u00a0000 and more"),
        ("<!-- note -->seen", "seen"),
    ],
)
def test_sgm_has_four_entities_and_its_own_tags_alone(tmp_path, segment, expected):
    head = '<srcset srclang="any"><doc docid="x">\n<seg id="1">'
    (tmp_path / "s.sgm").write_text(f"{head}{segment}</seg></doc></srcset>", encoding="utf-8")
    (tmp_path / "t.sgm").write_text('<refset trglang="German"><DOC docid="x"><seg>b</seg>')
    sides = {"path": str(tmp_path / "s.sgm"), "target_path": str(tmp_path / "t.sgm")}
    read = read_pairs(CorpusSpec(**sides, source_lang="en"))
    assert [(pair.source, pair.target_lang) for pair in read] == [(expected, "de")]


def test_segments_of_sgm_without_a_reference_are_rows_to_leave_out(tmp_path):
    (tmp_path / "s.sgm").write_text('<doc docid="x"><seg id="1">a</seg><seg id="2">b</seg></doc>')
    (tmp_path / "t.sgm").write_text('<doc docid="x"><seg id="1">c</seg></doc>')
    sides = {"path": str(tmp_path / "s.sgm"), "target_path": str(tmp_path / "t.sgm")}
    spec = CorpusSpec(**sides, **LANGUAGES)
    with pytest.raises(DataError, match=r"s\.sgm:1: doc 'x' seg 2: not in .*t\.sgm"):
        read_pairs(spec)
    assert texts(spec.replace(checks={"max_unpaired": 0.5})) == [("a", "c")]


@pytest.mark.parametrize(
    "header",
    ["en\tde", "English\tGerman", "eng\tdeu", "eng_Latn\tdeu_Latn", "src\ttgt", "SRC\tTRG",
     "Source\tTarget", "source_text\ttarget_text", "source sentence\treference",
     "en_text\tde_text", "sentence_en\tsentence_de", "English text\tDeutsch", "en-US\tde_DE"],
)  # fmt: skip
@pytest.mark.parametrize("mark", ["\t", ","])
def test_a_header_of_language_names_is_no_pair(tmp_path, header, mark):
    text = f"{header}\nDog\tHund\n".replace("\t", mark)
    name = "c.tsv" if mark == "\t" else "c.csv"
    assert texts(write(tmp_path / name, text)) == [("Dog", "Hund")]


def test_a_header_tells_which_side_is_which(tmp_path):
    spec = write(tmp_path / "c.tsv", "id\tDeutsch\tscore\tEnglish\n7\tHund\t.9\tDog\n")
    (pair,) = read_pairs(spec)
    assert (pair.id, pair.source, pair.target) == ("7", "Dog", "Hund")


@pytest.mark.parametrize("first", ["It\tEs", "No\tNein", "French\tDeutsch", "text\tText", "en\tin"])
def test_a_pair_that_looks_like_a_header_is_a_pair(tmp_path, first):
    spec = write(tmp_path / "c.tsv", f"{first}\nDog\tHund\n")
    assert len(texts(spec)) == 2


@pytest.mark.parametrize(
    "header", ["source,target,target", "Source,target,source", "en,de,note,note"]
)
def test_a_header_with_a_name_twice_is_refused(tmp_path, header):
    row = ",".join("abcd"[: header.count(",") + 1])
    with pytest.raises(DataError, match=r"c\.csv:1: the header has '\w+' twice"):
        read_pairs(write(tmp_path / "c.csv", f"{header}\n{row}\n"))


def test_blanks_behind_a_comma_are_no_text(tmp_path):
    spec = write(tmp_path / "c.csv", '"Hi, you", "Hallo, ""du"""\n')
    assert texts(spec) == [("Hi, you", 'Hallo, "du"')]


def test_a_quotation_mark_swallows_no_thousand_lines(tmp_path):
    rows = [f"a{n},b{n}" for n in range(3000)]
    rows[5] = '"a,b'
    spec = write(tmp_path / "c.csv", "\n".join(rows), checks={"max_malformed": 0.001})
    assert len(texts(spec)) == 2999


def test_marks_between_files_put_together_are_no_text(tmp_path):
    spec = write(tmp_path / "c.tsv", "\ufeffDog\tHund\n\ufeffCat\t\ufeffKatze\n")
    assert texts(spec) == [("Dog", "Hund"), ("Cat", "Katze")]


def test_integers_are_ids_and_keys_of_any_scheme_are_languages(tmp_path):
    text = '{"id": 7, "translation": {"zh_cn": "狗", "eng_Latn": "dog", "tha": "x"}}\n'
    spec = write(tmp_path / "c.jsonl", text, source_lang="zh", target_lang="eng")
    assert read_pairs(spec) == (Pair("7", "狗", "dog", "zh", "en"),)


def test_a_translation_of_other_languages_is_one_fault(tmp_path):
    spec = write(tmp_path / "c.jsonl", '{"translation": {"fr": "a", "en": "b"}}\n')
    with pytest.raises(DataError) as caught:
        read_pairs(spec)
    assert caught.value.message.endswith("found the languages fr, en, allowed en and de")
    assert len(caught.value.message.splitlines()) == 1


def test_a_direction_is_known_by_any_of_its_tags(tmp_path):
    row = '{"source": "a", "target": "b", "source_lang": "pt_BR", "target_lang": "eng_Latn"}'
    spec = write(tmp_path / "c.jsonl", row, directions=["pt-BR-en"])
    assert texts(spec) == [("a", "b")]
    assert texts(spec.replace(directions=["por_BR-eng"])) == [("a", "b")]
    with pytest.raises(DataError, match=r"no rows of en-pt-BR, there are pt-BR-en"):
        read_pairs(spec.replace(directions=["en-pt-BR"]))


@pytest.mark.parametrize(
    ("kind", "text", "is_found"),
    [
        ("garbled", "a\x00b", True),
        ("garbled", "bell \x07", True),
        ("garbled", "caf\x82", True),
        ("garbled", "tab\tand\nline\x85", False),
        ("markup", "&lt;b&gt;", True),
        ("markup", "a <br/> b", True),
        ("markup", 'a <span class="x">b</span>', True),
        ("markup", "R&amp;D", True),
        ("markup", "&#8217;", True),
        ("markup", "R&D; a < b > c, <3, x<y", False),
        ("markup", "<- there ->", False),
    ],
)
def test_control_characters_and_markup_are_kinds_of_fault(kind, text, is_found):
    assert find(kind, [Pair("x", text, "y", "en", "de")], ChecksSpec()) == [0] * is_found


@pytest.mark.parametrize("name", ["C.TSV.GZ", "c.tsv.xz", "c.tsv.bz2"])
def test_compressed_files_are_known_by_their_endings(tmp_path, name):
    import bz2
    import gzip
    import lzma

    pack = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}[
        name[-3:].lower().lstrip(".")
    ]
    (tmp_path / name).write_bytes(pack(b"Dog\tHund\n"))
    assert texts(CorpusSpec(path=str(tmp_path / name), **LANGUAGES)) == [("Dog", "Hund")]
    (tmp_path / name).write_bytes(pack(b"Dog\tHund\n" * 99)[:-9])
    with pytest.raises(DataError, match=r"not a whole (gzip|xz|bzip2) file"):
        read_pairs(CorpusSpec(path=str(tmp_path / name), **LANGUAGES))


def test_lines_of_old_macs_and_utf16_without_a_mark(tmp_path):
    (tmp_path / "c.tsv").write_bytes(b"Dog\tHund\rCat\tKatze\r")
    assert len(texts(CorpusSpec(path=str(tmp_path / "c.tsv"), **LANGUAGES))) == 2
    (tmp_path / "c.tsv").write_bytes("Dog\tHund\n".encode("utf-16-be"))
    with pytest.raises(DataError, match=r"c\.tsv:1: UTF-16, allowed UTF-8"):
        read_pairs(CorpusSpec(path=str(tmp_path / "c.tsv"), **LANGUAGES))
