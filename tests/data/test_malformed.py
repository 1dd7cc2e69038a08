"""Faults of structure are rows left out under a share, in every format, and told once if shared."""

import json
from collections import Counter

import pytest

from harness.data.readers import read_instructions, read_pairs
from harness.data.spec import CorpusSpec
from harness.errors import DataError

LANGUAGES = {"source_lang": "en", "target_lang": "de"}
GOOD = {"source": "a", "target": "b"}
ROW = json.dumps(GOOD)


def tmx(*units):
    inside = "\n".join(units)
    return f'<tmx version="1.4"><header srclang="en"/><body>\n{inside}\n</body></tmx>'


def unit(source, target="b", tags=("en", "de")):
    sides = zip(tags, (source, target), strict=True)
    inside = "".join(f'<tuv xml:lang="{tag}"><seg>{text}</seg></tuv>' for tag, text in sides)
    return f"<tu>{inside}</tu>"


def wmt(source, reference):
    sides = (('src lang="en"', "src", source), ('ref lang="de" translator="A"', "ref", reference))
    inside = "\n".join(
        f"<{start}>"
        + "\n".join(f'<seg id="{number}">{text}</seg>' for number, text in enumerate(texts))
        + f"</{end}>"
        for start, end, texts in sides
    )
    return f'<dataset><doc id="d">{inside}</doc></dataset>'


# a file of three rows of which the second is malformed
CASES = {
    "no json": ("c.jsonl", f"{ROW}\n{{,}}\n{ROW}\n"),
    "no object": ("c.jsonl", f"{ROW}\n[1]\n{ROW}\n"),
    "a field short": ("c.jsonl", f'{ROW}\n{{"source": "x"}}\n{ROW}\n'),
    "a number": ("c.jsonl", f'{ROW}\n{{"source": "x", "target": 3}}\n{ROW}\n'),
    "no tag": ("c.jsonl", f"{ROW}\n{json.dumps(GOOD | {'source_lang': 'Engl'})}\n{ROW}\n"),
    "a name twice": ("c.jsonl", f'{ROW}\n{{"source": "x", "target": "y", "source": "z"}}\n{ROW}\n'),
    "half a character": ("c.jsonl", f'{ROW}\n{{"source": "x\\ud83d", "target": "y"}}\n{ROW}\n'),
    "half in an id": (
        "c.jsonl",
        f'{ROW}\n{{"id": "\\uDE00", "source": "x", "target": "y"}}\n{ROW}',
    ),
    "no list of ids": ("c.jsonl", f"{ROW}\n{json.dumps(GOOD | {'id': [1]})}\n{ROW}\n"),
    "other languages": (
        "c.json",
        json.dumps([{"translation": {"en": "a", one: "b"}} for one in ("de", "fr", "de")]),
    ),
    "a null in a list": ("c.json", f"[{ROW},\nnull,\n{ROW}]"),
    "a comma short": ("c.json", f'[\n{ROW},\n{{"source": "x" "target": "y"}},\n{ROW}\n]'),
    "a quote short": ("c.json", f'[\n  {ROW},\n  {{"source": "x, "target": "y"}},\n  {ROW}\n]'),
    "a comma short in one line": ("c.json", f'[{ROW}, {{"source": "x" "target": "y"}}, {ROW}]'),
    "a tab more": ("c.tsv", "a\tb\nc\td\t\na\tb\n"),
    "a tab less": ("c.tsv", "a\tb\nc d\na\tb\n"),
    "a comma more": ("c.csv", "a,b\nc,d,e\na,b\n"),
    "a quote open": ("c.csv", 'a,b\n"c,d\na,b\n'),
    "a quote inside": ("c.csv", 'a,b\n"c" x,d\na,b\n'),
    "an ampersand": ("c.tmx", tmx(unit("a"), unit("x & y"), unit("a"))),
    "a control character": ("c.tmx", tmx(unit("a"), unit("x \x07 y"), unit("a"))),
    "a tag open": ("c.tmx", tmx(unit("a"), unit("x <b> y"), unit("a"))),
    "a unit open": ("c.tmx", tmx(unit("a"), "<tu>", unit("a"))),
    "a unit without a language": ("c.tmx", tmx(unit("a"), unit("x", tags=("en", "fr")), unit("a"))),
    "a variant without its tag": ("c.tmx", tmx(unit("a"), unit("x", tags=("en", "")), unit("a"))),
    "an entity nobody knows": ("c.tmx", tmx(unit("a"), unit("x&nbsp;y"), unit("a"))),
    "an ampersand in a source": ("c.xml", wmt(["a", "x & y", "a"], ["b", "c", "b"])),
    "an ampersand in a reference": ("c.xml", wmt(["a", "x", "a"], ["b", "c & d", "b"])),
}


@pytest.mark.parametrize("case", CASES)
def test_a_malformed_row_stops_the_run_or_is_left_out_and_counted(tmp_path, case):
    name, text = CASES[case]
    (tmp_path / name).write_text(text, encoding="utf-8")
    spec = CorpusSpec(path=str(tmp_path / name), **LANGUAGES)
    with pytest.raises(DataError, match=r"(?s)c\.\w+:\d+: .*leave out a share: checks.*max_malf"):
        read_pairs(spec)
    counts, lines = Counter(), {}
    pairs = read_pairs(spec.replace(checks={"max_malformed": 0.34}), counts, lines)
    assert [(pair.source, pair.target) for pair in pairs] == [("a", "b")] * 2
    assert counts == {"rows": 3, "malformed": 1}
    assert list(lines) == ["malformed"]
    with pytest.raises(
        DataError, match=r"1 of 3 rows \(33.33%\) have a structure .*allowed 20.00%"
    ):
        read_pairs(spec.replace(checks={"max_malformed": 0.2}))


def test_an_id_twice_is_a_malformed_row(tmp_path):
    rows = [{"id": name} | GOOD for name in ("a", 7, "b", "7")]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, rows)))
    spec = CorpusSpec(path=str(tmp_path / "c.jsonl"), **LANGUAGES)
    with pytest.raises(DataError, match=r"c\.jsonl:4: id: '7' is on line 2 already"):
        read_pairs(spec)
    left = read_pairs(spec.replace(checks={"max_malformed": 0.25}))
    assert [pair.id for pair in left] == ["a", "7", "b"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("c.jsonl", f"{ROW}\n{ROW}\n", "no row says its languages, allowed a language tag"),
        ("c.jsonl", '{"sorce": "a"}\n' * 3, "all 3 rows: source: missing, allowed a text"),
        ("c.tsv", "a\tb\tc\n" * 4, "all 4 rows: found 3 columns, .*chosen by columns: \\[1, 2\\]"),
        ("c.csv", "a;b\n" * 4, "all 4 rows: found 1 columns, .*have semicolons between them"),
        ("c.json", json.dumps([{"translation": {"en": "a", "fr": "b"}}] * 3), "all 3 rows: transl"),
    ],
)
def test_a_fault_of_all_rows_is_one_line(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)
    spoken = {} if "languages" in expected else LANGUAGES
    with pytest.raises(DataError, match=expected) as caught:
        read_pairs(CorpusSpec(path=str(tmp_path / name), **spoken))
    assert len([line for line in caught.value.message.splitlines() if "source" in line]) <= 1


def test_what_is_missing_of_the_languages_is_told_as_it_is_to_be_said(tmp_path):
    (tmp_path / "c.jsonl").write_text(f"{ROW}\n{ROW}")
    with pytest.raises(DataError) as caught:
        read_pairs(CorpusSpec(path=str(tmp_path / "c.jsonl"), source_lang="en"))
    assert caught.value.message.endswith(
        "no row says its target_lang, " + caught.value.message.partition("target_lang, ")[2]
    )
    assert caught.value.hint.startswith("--target-lang de on the command line")
    (tmp_path / "c.tsv").write_text("a\tb\n")
    with pytest.raises(DataError) as caught:
        read_pairs(CorpusSpec(path=str(tmp_path / "c.tsv")))
    assert caught.value.hint.startswith("--source-lang en --target-lang de on the command line")


INVISIBLE = ["", "  ", "\u200b", "\ufeff \u00ad", "\u3164", "\u2060\u200d", "\x00", None]


@pytest.mark.parametrize("text", INVISIBLE)
def test_a_side_without_anything_to_be_seen_is_empty_in_every_format(tmp_path, text):
    shown = "" if text is None else text
    files = {
        "c.jsonl": "\n".join(map(json.dumps, [GOOD, GOOD | {"target": text}])),
        "c.json": json.dumps([{"translation": {"en": "a", "de": one}} for one in ("b", text)]),
        "c.tsv": f"a\tb\na\t{shown}\n",
        "c.csv": f'source,target\na,b\na,"{shown}"\n',
        "c.tmx": tmx(unit("a"), unit("a", shown)),
        "c.xml": wmt(["a", "a"], ["b", shown]),
    }
    for name, content in files.items():
        if text == "\x00" and name in ("c.tmx", "c.xml"):
            continue  # XML cannot hold it
        (tmp_path / name).write_text(content, encoding="utf-8")
        spec = CorpusSpec(path=str(tmp_path / name), **LANGUAGES)
        with pytest.raises(DataError, match="target: empty, allowed a text"):
            read_pairs(spec)
        counts = Counter()
        assert len(read_pairs(spec.replace(checks={"max_empty": 0.5}), counts)) == 1
        assert counts == {"rows": 2, "empty": 1}, name


def test_aligned_lines_without_anything_to_be_seen_on_both_sides_are_no_rows(tmp_path):
    (tmp_path / "c.en").write_text("a\n\u200b\n\ufeffc\n", encoding="utf-8")
    (tmp_path / "c.de").write_text("b\n\u00ad\nd\n", encoding="utf-8")
    sides = {"path": str(tmp_path / "c.en"), "target_path": str(tmp_path / "c.de")}
    read = read_pairs(CorpusSpec(**sides, **LANGUAGES))
    assert [(pair.id, pair.source) for pair in read] == [("c-000001", "a"), ("c-000003", "c")]


def test_an_answer_that_is_null_is_none_and_one_that_is_empty_a_fault(tmp_path):
    turn = [{"role": "user", "content": "Hi?"}]
    rows = [{"messages": turn, "answer": None}, {"messages": turn, "answer": "\u200b"}]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, rows)))
    spec = CorpusSpec(path=str(tmp_path / "c.jsonl"), checks={"max_empty": 0.5})
    assert [chat.answer for chat in read_instructions(spec)] == [None]


def test_rows_without_one_of_the_languages_may_have_a_share_of_their_own(tmp_path):
    units = [unit("a"), unit("x", tags=("en", "fr")), unit("x & y"), unit("a")]
    (tmp_path / "c.tmx").write_text(tmx(*units))
    spec = CorpusSpec(path=str(tmp_path / "c.tmx"), **LANGUAGES)
    counts = Counter()
    shares = {"max_malformed": 0.25, "max_unpaired": 0.25}
    assert len(read_pairs(spec.replace(checks=shares), counts)) == 2
    assert counts == {"rows": 4, "malformed": 1, "unpaired": 1}
    with pytest.raises(DataError, match=r"leave out a share: checks\.max_unpaired"):
        read_pairs(spec.replace(checks={"max_malformed": 0.25, "max_unpaired": 0}))
    with pytest.raises(DataError, match=r"2 of 4 rows \(50.00%\) have a structure"):
        read_pairs(spec.replace(checks={"max_malformed": 0.25}))


def test_a_translation_without_one_of_the_languages_is_such_a_row(tmp_path):
    rows = [{"translation": {"en": "a", tag: "b"}} for tag in ("de", "fr")]
    (tmp_path / "c.jsonl").write_text("\n".join(map(json.dumps, rows)))
    spec = CorpusSpec(path=str(tmp_path / "c.jsonl"), **LANGUAGES, checks={"max_unpaired": 0.5})
    counts = Counter()
    assert len(read_pairs(spec, counts)) == 1
    assert counts == {"rows": 2, "unpaired": 1}


def test_reading_goes_on_behind_any_number_of_faults(tmp_path):
    bad = ["x & y", "<b>", "\x01", "&copy;"]
    units = [unit(bad[n % 4]) if n % 3 else unit("a") for n in range(60)]
    (tmp_path / "c.tmx").write_text(tmx(*units))
    spec = CorpusSpec(path=str(tmp_path / "c.tmx"), **LANGUAGES, checks={"max_malformed": 0.7})
    counts, lines = Counter(), {}
    assert len(read_pairs(spec, counts, lines)) == 20
    assert counts == {"rows": 60, "malformed": 40}
    assert lines["malformed"] == [n + 2 for n in range(60) if n % 3]


def test_a_file_of_xml_that_ends_early_is_no_row_to_leave_out(tmp_path):
    (tmp_path / "c.tmx").write_text(tmx(unit("a"), unit("b"))[:-40])
    spec = CorpusSpec(path=str(tmp_path / "c.tmx"), **LANGUAGES, checks={"max_malformed": 0.9})
    with pytest.raises(DataError, match=r"not well-formed XML .*no row of the file follows"):
        read_pairs(spec)


@pytest.mark.parametrize("end", ["<tu", "<tu a='1", "</body", "<tu><tuv", "<!-- <tu>", "&"])
def test_a_file_that_ends_in_the_middle_of_a_tag_is_told_of(tmp_path, end):
    text = tmx(unit("a"), unit("x & y"), unit("a")).partition("\n</body")[0]
    (tmp_path / "c.tmx").write_text(text + end)
    spec = CorpusSpec(path=str(tmp_path / "c.tmx"), **LANGUAGES, checks={"max_malformed": 0.9})
    with pytest.raises(DataError, match=r"not well-formed XML .*no row of the file follows"):
        read_pairs(spec)


def test_files_put_together_are_read_to_their_end(tmp_path):
    (tmp_path / "c.tmx").write_text(tmx(unit("a")) + "\n" + tmx(unit("a"), unit("a")))
    spec = CorpusSpec(path=str(tmp_path / "c.tmx"), **LANGUAGES, checks={"max_malformed": 0.4})
    assert len(read_pairs(spec)) == 3
