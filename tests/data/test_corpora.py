import json
from pathlib import Path

import pytest

from harness.data.corpora import check_corpora, corpora_identity, read_corpora
from harness.data.readers import read_instructions, read_pairs, read_texts
from harness.data.spec import CorpusSpec, DataSpec
from harness.errors import EXIT_USER, DataError
from harness.records import Instruction, Message, Pair, Text
from harness.storage.store import Store

PAIR = {"id": "a", "source": "A dog.", "target": "Ein Hund.", "source_lang": "en"} | {
    "target_lang": "de"
}


def write(path: Path, *rows: object) -> CorpusSpec:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return CorpusSpec(path=str(path))


def fault_of(spec: CorpusSpec, read=read_pairs) -> str:
    with pytest.raises(DataError) as caught:
        read(spec)
    assert caught.value.exit_code == EXIT_USER
    assert spec.path in str(caught.value)
    return str(caught.value)


def test_jsonl_rows_become_pairs(tmp_path: Path) -> None:
    spec = write(tmp_path / "c.jsonl", PAIR, "", PAIR | {"id": "b", "source": "Grüße\u2028 日本"})
    pairs = read_pairs(spec)
    assert pairs[0] == Pair(**PAIR)
    assert pairs[1].source == "Grüße\u2028 日本"


def test_ids_and_languages_may_come_from_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "c.jsonl", {"source": "A dog.", "target": "Ein Hund."})
    spec = CorpusSpec(path=str(tmp_path / "c.jsonl"), source_lang="en", target_lang="de")
    assert read_pairs(spec) == (Pair("c-000001", "A dog.", "Ein Hund.", "en", "de"),)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("{not json", "not valid JSON"),
        ("[1, 2]", "found list, allowed one JSON object a line"),
        ({"id": "b", "source": "x"}, "target: missing, allowed a text (fields here: id, source)"),
        (PAIR | {"id": "b", "source": "  "}, "source: empty, allowed a text"),
        (PAIR | {"id": "b", "target": 3}, "target: found 3, allowed a text"),
        (PAIR | {"id": "b", "target": None}, "target: empty, allowed a text"),
        (PAIR | {"id": [7]}, "id: found [7], allowed a text"),
        (PAIR, "id: 'a' is on line 1 already"),
        (PAIR | {"id": "b", "target_lang": "German!"}, "target_lang: found 'German!', allowed a"),
        (PAIR | {"id": "b", "target_lang": "en"}, "source_lang and target_lang are both 'en'"),
        (
            {"id": "b", "source": "x", "target": "y", "source_lang": "en"},
            "target_lang: missing, allowed a language tag such as en, pt-BR, eng or eng_Latn, here",
        ),
    ],
)
def test_a_faulty_row_is_named_by_its_line(tmp_path: Path, row: object, expected: str) -> None:
    fault = fault_of(write(tmp_path / "c.jsonl", PAIR, row))
    assert f"c.jsonl:2: {expected}" in fault


def test_all_faults_of_a_file_come_at_once(tmp_path: Path) -> None:
    fault = fault_of(write(tmp_path / "c.jsonl", "{", PAIR | {"source": ""}, "[]"))
    assert [f"c.jsonl:{line}:" in fault for line in (1, 2, 3)] == [True] * 3


def test_a_file_wrong_throughout_is_summarised(tmp_path: Path) -> None:
    fault = fault_of(write(tmp_path / "c.jsonl", *[f"{'a' * n}" for n in range(1, 31)]))
    assert "... and 10 more" in fault_of(write(tmp_path / "d.jsonl", PAIR, *["{"] * 30))
    assert "c.jsonl: all 30 rows: not valid JSON (Expecting value at column 1)" in fault
    assert len(fault.splitlines()) == 2


def test_another_encoding_is_named_with_its_line_and_the_mend(tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_bytes(b'{"source": "a"}\n{"source": "Gr\xfc\xdfe"}\n')
    fault = fault_of(CorpusSpec(path=str(tmp_path / "c.jsonl")))
    assert "c.jsonl:2: not UTF-8 (byte 0xfc), allowed UTF-8" in fault
    assert "iconv" in fault


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps(PAIR) + "\r\n"
    (tmp_path / "c.jsonl").write_bytes(text.encode())
    assert read_pairs(CorpusSpec(path=str(tmp_path / "c.jsonl"))) == (Pair(**PAIR),)


def test_a_missing_file_gets_its_nearest_neighbour(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", PAIR)
    fault = fault_of(CorpusSpec(path=str(tmp_path / "trian.jsonl")))
    assert "no such file" in fault
    assert "train.jsonl?" in fault


def test_a_folder_is_no_corpus(tmp_path: Path) -> None:
    assert "is a folder" in fault_of(CorpusSpec(path=str(tmp_path), format="jsonl"))


def test_an_empty_file_is_no_corpus(tmp_path: Path) -> None:
    assert "no rows" in fault_of(write(tmp_path / "c.jsonl", ""))


def test_an_unknown_ending_asks_for_the_format(tmp_path: Path) -> None:
    fault = fault_of(write(tmp_path / "c.txt", "a,b"))
    assert "allowed .arrow, .csv, .json, .jsonl, " in fault
    assert "or a target_path" in fault


def test_tsv_rows_become_pairs(tmp_path: Path) -> None:
    write(tmp_path / "c.tsv", "A dog.\tEin Hund.", "", "A cat.\tEine Katze.")
    spec = CorpusSpec(path=str(tmp_path / "c.tsv"), source_lang="en", target_lang="de")
    assert [(pair.id, pair.target) for pair in read_pairs(spec)] == [
        ("c-000001", "Ein Hund."),
        ("c-000003", "Eine Katze."),
    ]


def test_faulty_tsv_lines_are_named(tmp_path: Path) -> None:
    write(tmp_path / "c.tsv", "A dog.\tEin Hund.", "A cat.", "\tEine Katze.")
    spec = CorpusSpec(path=str(tmp_path / "c.tsv"), source_lang="en", target_lang="de")
    fault = fault_of(spec)
    assert "c.tsv:2: found 1 columns, allowed source, tab, target" in fault
    assert "c.tsv:3: source: empty" in fault


def test_a_file_without_languages_asks_for_both(tmp_path: Path) -> None:
    fault = fault_of(write(tmp_path / "c.tsv", "A dog.\tEin Hund."))
    assert "source_lang and target_lang missing in its settings" in fault


def test_aligned_files_become_pairs(tmp_path: Path) -> None:
    write(tmp_path / "c.en", "A dog.", "A cat.")
    write(tmp_path / "c.de", "Ein Hund.", "Eine Katze.")
    spec = CorpusSpec(
        path=str(tmp_path / "c.en"),
        target_path=str(tmp_path / "c.de"),
        source_lang="en",
        target_lang="de",
    )
    assert [pair.target for pair in read_pairs(spec)] == ["Ein Hund.", "Eine Katze."]


def test_aligned_files_of_different_length_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "c.en", "A dog.", "A cat.")
    write(tmp_path / "c.de", "Ein Hund.")
    spec = CorpusSpec(
        path=str(tmp_path / "c.en"),
        target_path=str(tmp_path / "c.de"),
        source_lang="en",
        target_lang="de",
    )
    assert "has 2 lines" in fault_of(spec)


def test_directions_keep_what_they_name_and_say_what_there_is(tmp_path: Path) -> None:
    back = {"id": "b", "source": "x", "target": "y", "source_lang": "de", "target_lang": "en"}
    spec = write(tmp_path / "c.jsonl", PAIR, back)
    assert [pair.id for pair in read_pairs(spec.replace(directions=["de-en"]))] == ["b"]
    assert "no rows of en-fr, there are de-en, en-de" in fault_of(
        spec.replace(directions=["en-fr"])
    )


def test_a_limit_draws_rows_and_keeps_their_order(tmp_path: Path) -> None:
    rows = [PAIR | {"id": f"{index:03}"} for index in range(50)]
    spec = write(tmp_path / "c.jsonl", *rows)
    drawn = [pair.id for pair in read_pairs(spec.replace(limit=10))]
    assert len(drawn) == 10
    assert drawn == sorted(drawn)
    assert drawn == [pair.id for pair in read_pairs(spec.replace(limit=10))]
    assert drawn != [pair.id for pair in read_pairs(spec.replace(limit=10, seed=1))]


def test_chats_become_instructions_and_a_last_answer_is_kept_apart(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]
    spec = write(
        tmp_path / "c.jsonl", {"id": "a", "messages": turns[:1]}, {"id": "b", "messages": turns}
    )
    ask = (Message("user", "Hi?"),)
    assert read_instructions(spec) == (Instruction("a", ask), Instruction("b", ask, "Hello."))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ("hello", "messages: found 'hello', allowed a list"),
        ([], "messages: found [], allowed a list"),
        ([{"role": "robot", "content": "x"}], "messages.0: allowed"),
        ([{"role": "user", "content": " "}], "messages.0: allowed"),
        ([{"role": "system", "content": "x"}], "the last turn is of 'system', allowed 'user'"),
    ],
)
def test_a_faulty_chat_is_named(tmp_path: Path, messages: object, expected: str) -> None:
    spec = write(tmp_path / "c.jsonl", {"id": "a", "messages": messages})
    assert expected in fault_of(spec, read_instructions)


def test_texts_are_read_with_their_language(tmp_path: Path) -> None:
    spec = write(tmp_path / "c.jsonl", {"id": "a", "text": "Hallo.", "language": "de"})
    assert read_texts(spec) == (Text("a", "Hallo.", "de"),)


def data_spec(tmp_path: Path, **changes: object) -> DataSpec:
    write(tmp_path / "train.jsonl", PAIR, PAIR | {"id": "b", "target": "Zwei\nZeilen\u2028"})
    write(tmp_path / "more.jsonl", {"id": "i", "messages": [{"role": "user", "content": "Hi?"}]})
    settings = {
        "train": {"path": str(tmp_path / "train.jsonl")},
        "instructions": {"path": str(tmp_path / "more.jsonl")},
    }
    return DataSpec.model_validate(settings | changes)


def test_corpora_come_back_from_the_store_as_they_were_read(tmp_path: Path) -> None:
    spec, store = data_spec(tmp_path), Store(tmp_path / "store")
    first = read_corpora(spec, store)
    assert first == read_corpora(spec, store)
    assert first.parallel[1].target == "Zwei\nZeilen\u2028"
    assert first.instructions[0].messages == (Message("user", "Hi?"),)
    assert first.validation == first.monolingual == ()
    assert len(list(store.entries())) == 1


def test_the_faults_of_all_corpora_come_at_once_and_nothing_is_kept(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.jsonl", "{")
    spec = data_spec(tmp_path, validation=bad, monolingual=bad)
    store = Store(tmp_path / "store")
    with pytest.raises(DataError) as caught:
        read_corpora(spec, store)
    assert "data.validation: " in str(caught.value)
    assert "data.monolingual: " in str(caught.value)
    assert not list(store.entries())


def test_a_corpus_that_was_read_is_not_read_to_be_checked(tmp_path: Path, monkeypatch) -> None:
    spec, store = data_spec(tmp_path), Store(tmp_path / "store")
    check_corpora(spec, store)
    assert not (tmp_path / "store").exists()  # a check leaves no trace
    read_corpora(spec, store)
    monkeypatch.setattr("harness.data.corpora._read", lambda *_: pytest.fail("read once more"))
    check_corpora(spec, store)
    Path(spec.train.path).write_text("{}")  # and changed text is another corpus
    with pytest.raises(pytest.fail.Exception, match="read once more"):
        check_corpora(spec, store)


def test_the_identity_follows_content_not_names(tmp_path: Path) -> None:
    spec = data_spec(tmp_path)
    moved = write(tmp_path / "moved.jsonl")
    Path(moved.path).write_bytes((tmp_path / "train.jsonl").read_bytes())
    same = spec.replace(train=moved)
    assert corpora_identity(same) == corpora_identity(spec)
    write(tmp_path / "moved.jsonl", PAIR)
    assert corpora_identity(same) != corpora_identity(spec)


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    spec = data_spec(tmp_path, train={"path": "no/a.jsonl"}, validation={"path": "no/b.jsonl"})
    with pytest.raises(DataError, match=r"(?s)data\.train: no/a\.jsonl.*data\.validation: no/b"):
        corpora_identity(spec)
