"""Rows that are faulty: what they are, how many may be left out, and when the run stops."""

import json
import logging
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import description
from harness.data.checks import KINDS, find
from harness.data.corpora import corpora_identity, read_corpora, rows_left_out
from harness.data.readers import read_instructions, read_pairs
from harness.data.spec import ChecksSpec, CorpusSpec, DataSpec
from harness.errors import DataError
from harness.records import Corpora, Pair
from harness.storage.store import Store

GOOD = ("The old teacher sees a small dog in the garden.", "Der alte Lehrer sieht einen Hund.")
ENGLISH = "And this is a sentence that nobody has translated at all."
FAULTY = {
    "garbled": ("A green house.", "Ein grÃ¼nes Haus."),
    "markup": ("A <b>green</b> house.", "Ein grünes Haus."),
    "duplicates": GOOD,
    "copied": ("Berlin, Paris", "Berlin, Paris"),
    "long": ("a" * 2001, "b" * 1500),
    "lopsided": ("Yes.", "Ja, und dann kam noch sehr viel mehr dazu."),
    "wrong_language": (GOOD[0], ENGLISH),
}


def write(path, *sides, **changes):
    tags = {"source_lang": "en", "target_lang": "de"}
    rows = [{"source": source, "target": target} | tags for source, target in sides]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return CorpusSpec(path=str(path), **changes)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_is_left_out_up_to_its_share_and_stops_the_run_above(tmp_path, kind):
    path = tmp_path / "c.jsonl"
    spec = write(path, GOOD, ("A cat.", "Eine Katze."), FAULTY[kind], ("Two.", "Zwei."))
    assert len(read_pairs(spec)) == 4
    counts = Counter()
    left = read_pairs(spec.replace(checks={f"max_{kind}": 0.25}), counts)
    assert [pair.id for pair in left] == ["c-000001", "c-000002", "c-000004"]
    assert counts == {"rows": 4, kind: 1}
    with pytest.raises(DataError) as caught:
        read_pairs(spec.replace(checks={f"max_{kind}": 0.2}))
    message = caught.value.message
    assert f"{path}: 1 of 4 rows (25.00%) have " in message
    assert f"allowed 20.00% (checks.max_{kind}); lines 3" in message


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("garbled", "Das Wort \ufffdber"),
        ("garbled", "â€œGo,â€\x9d he said"),
        ("garbled", "à¸ªà¸§à¸±"),
        (None, "Ãscar, São Paulo, Ångström, naïve façade, ça va"),
        (None, "“Go,” he said. Größe"),
    ],
)
def test_text_of_a_wrong_encoding_is_told_from_accents(kind, text):
    found = find("garbled", [Pair("a", text, "x", "en", "de")], ChecksSpec())
    assert found == ([0] if kind else [])


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (("en", "The teacher sees a dog.", "zh", "老师在花园里看到一只小狗。"), False),
        (("en", "Their business is like Goop.", "zh", "业务好比 Gwyneth Paltrow 的 Goop"), False),
        (("en", "The teacher sees a dog.", "zh", "The teacher sees a dog."), True),
        (("en", "The teacher sees a dog.", "th", "ครูเห็นสุนัขตัวเล็ก"), False),
        (("en", "ครูเห็นสุนัขตัวเล็ก", "th", "ครูเห็นสุนัขตัวเล็ก"), True),
        (("en", "The teacher sees a dog.", "de", "Le professeur voit un petit chien ici."), True),
        (("en", "Oh, no.", "de", "Oh, no."), False),
        (("en", "The teacher sees a dog.", "km", "គ្រូឃើញឆ្កែ"), False),
    ],
)
def test_sides_in_a_wrong_language_are_found_where_that_is_clear(pair, expected):
    source_lang, source, target_lang, target = pair
    rows = [Pair("a", source, target, source_lang, target_lang)]
    assert find("wrong_language", rows, ChecksSpec()) == ([0] if expected else [])


def test_a_language_that_cannot_be_identified_is_told(tmp_path):
    tags = {"source_lang": "en", "target_lang": "km"}
    (tmp_path / "c.tsv").write_text("The teacher sees a dog.\tគ្រូឃើញឆ្កែ\n", encoding="utf-8")
    spec = CorpusSpec(path=str(tmp_path / "c.tsv"), **tags)
    found = description.describe(Corpora(read_pairs(spec))).findings
    assert found == {"a side in km, which language identification does not know": 1}
    with pytest.raises(DataError, match=r"max_wrong_language is set, and .* does not know km"):
        read_pairs(spec.replace(checks={"max_wrong_language": 0.1}))


def test_an_ideograph_counts_as_several_letters():
    chinese = Pair(
        "a", "The teacher sees a small dog in the garden.", "老师在花园里看到一只小狗。", "en", "zh"
    )
    assert find("lopsided", [chinese], ChecksSpec()) == []


def test_empty_sides_are_errors_until_a_share_of_them_is_allowed(tmp_path):
    spec = write(tmp_path / "c.jsonl", GOOD, ("", "b"), ("", ""))
    with pytest.raises(DataError) as caught:
        read_pairs(spec)
    assert "c.jsonl:2: source: empty" in caught.value.message
    assert "c.jsonl:3: source: empty" in caught.value.message
    assert caught.value.hint.startswith("2 rows have an empty side: mend them, or leave out a")
    assert caught.value.hint.endswith("checks.max_empty")
    counts = Counter()
    assert len(read_pairs(spec.replace(checks={"max_empty": 0.7}), counts)) == 1
    assert counts == {"rows": 3, "empty": 2}
    with pytest.raises(DataError, match=r"2 of 3 rows \(66\.67%\) have an empty side, allowed 50"):
        read_pairs(spec.replace(checks={"max_empty": 0.5}))


def test_undecodable_lines_are_left_out_and_keep_the_files_aligned(tmp_path):
    (tmp_path / "c.en").write_bytes(b"One.\nTw\xf6.\nThree.\nFour.\n")
    (tmp_path / "c.de").write_bytes(b"Eins.\nZwe\xef.\nDrei.\nV\xefer.\n")
    spec = CorpusSpec(
        path=str(tmp_path / "c.en"),
        target_path=str(tmp_path / "c.de"),
        source_lang="en",
        target_lang="de",
        checks={"max_undecodable": 0.5},
    )
    counts = Counter()
    pairs = read_pairs(spec, counts)
    assert [(pair.id, pair.target) for pair in pairs] == [
        ("c-000001", "Eins."),
        ("c-000003", "Drei."),
    ]
    assert counts == {"rows": 4, "undecodable": 2}
    with pytest.raises(DataError, match=r"2 of 4 rows \(50\.00%\) have text that is not UTF-8"):
        read_pairs(spec.replace(checks={"max_undecodable": 0.4}))


def test_a_file_whose_every_row_is_left_out_is_no_corpus(tmp_path):
    spec = write(tmp_path / "c.jsonl", ("", "b"), checks={"max_empty": 1.0})
    with pytest.raises(DataError, match="no rows in it are left"):
        read_pairs(spec)


def test_chats_with_an_empty_text_may_be_left_out(tmp_path):
    rows = [{"instruction": "Hi?", "output": "Hello."}, {"instruction": "Hi?", "output": " "}]
    (tmp_path / "c.json").write_text(json.dumps(rows))
    spec = CorpusSpec(path=str(tmp_path / "c.json"), checks={"max_empty": 0.5})
    assert [chat.answer for chat in read_instructions(spec)] == ["Hello."]


SIDES = st.sampled_from([GOOD, *FAULTY.values(), ("a", "b"), ("c", "d")])


@settings(deadline=None, max_examples=30)
@given(sides=st.lists(SIDES, min_size=1, max_size=8))
def test_what_is_left_out_and_what_is_left_are_all_rows_and_nothing_left_is_faulty(
    tmp_path_factory, sides
):
    quick = {f"max_{kind}": 1.0 for kind in KINDS if kind != "wrong_language"}
    spec = write(tmp_path_factory.mktemp("c") / "c.jsonl", *sides, ("z", "y"), checks=quick)
    counts = Counter()
    left = read_pairs(spec, counts)
    assert len(left) + counts.total() - counts["rows"] == counts["rows"] == len(sides) + 1
    assert [find(kind, left, spec.checks) for kind in KINDS[:-1]] == [[]] * (len(KINDS) - 1)


def test_what_a_run_lost_to_its_checks_is_logged_kept_and_told(tmp_path, caplog):
    path = tmp_path / "c.jsonl"
    spec = DataSpec(train=write(path, GOOD, GOOD, ("", "b"), ("Two.", "Zwei.")))
    store = Store(tmp_path / "store")
    checks = {"max_duplicates": 1.0, "max_empty": 0.5}
    checked = DataSpec(train=CorpusSpec(path=str(path), checks=checks))
    assert corpora_identity(checked) != corpora_identity(spec)
    assert rows_left_out(checked, store) == {}
    with caplog.at_level(logging.WARNING):
        assert len(read_corpora(checked, store).parallel) == 2
    assert "data.train: of 4 rows left out: 1 with an empty side, 1 with a pair" in caplog.text
    assert rows_left_out(checked, store) == {
        "corpus/train/rows": 4.0,
        "corpus/train/left_out/empty": 1.0,
        "corpus/train/left_out/duplicates": 1.0,
    }


def test_a_corpus_that_lost_nothing_says_nothing(tmp_path):
    spec = DataSpec(train=write(tmp_path / "c.jsonl", GOOD))
    store = Store(tmp_path / "store")
    read_corpora(spec, store)
    assert rows_left_out(spec, store) == {}


def test_of_a_large_corpus_languages_are_looked_at_in_some_rows(monkeypatch):
    monkeypatch.setattr(description, "MOST_IDENTIFIED", 3)
    rows = tuple(Pair(str(n), GOOD[0], ENGLISH, "en", "de") for n in range(7))
    findings = description.describe(Corpora(rows)).findings
    assert findings["a side in a wrong language (of 3 rows looked at)"] == 3
    assert description.describe(Corpora(rows[:3])).findings["a side in a wrong language"] == 3


def test_where_a_line_is_no_row_a_byte_that_is_no_text_is_a_fault_of_the_file(tmp_path):
    path = tmp_path / "corpus.json"
    path.write_bytes(b'[{"source": "a",\n "target": "\xff"},\n{"source": "b", "target": "c"}]\n')
    spec = CorpusSpec(
        path=str(path), source_lang="en", target_lang="de", checks={"max_undecodable": 0.9}
    )
    with pytest.raises(DataError, match=r"corpus.json:2: not UTF-8 \(byte 0xff\), allowed UTF-8"):
        read_pairs(spec)


def test_so_it_is_in_the_segments_of_an_sgm_file(tmp_path):
    sides = {
        "source.sgm": b'<srcset setid="x" srclang="en">\n<doc docid="d">\n<seg id="1">\xff</seg>\n',
        "reference.sgm": b'<refset setid="x" trglang="de">\n<doc docid="d">\n<seg id="1">b</seg>\n',
    }
    for name, text in sides.items():
        (tmp_path / name).write_bytes(text + b"</doc>\n</" + text[1:7] + b">\n")
    spec = CorpusSpec(
        path=str(tmp_path / "source.sgm"),
        target_path=str(tmp_path / "reference.sgm"),
        source_lang="en",
        target_lang="de",
        checks={"max_undecodable": 0.9},
    )
    with pytest.raises(DataError, match=r"source.sgm:3: not UTF-8 \(byte 0xff\), allowed UTF-8"):
        read_pairs(spec)
