import json

import pytest

from tests.cli import toy


@pytest.fixture(autouse=True)
def folder(tmp_path):
    toy.make_data(tmp_path)
    return tmp_path


def test_a_corpus_is_counted_and_described(harness):
    shown = harness("data", "corpus.jsonl", "--json").document
    assert (shown["kind"], shown["num_rows"], shown["languages"]) == ("parallel", 5, {"en-de": 5})
    assert shown["lengths"]["source"]["longest"] == len("house")
    assert shown["findings"] == {}
    assert "5 rows, parallel" in harness("data", "corpus.jsonl").out


def test_suspicious_rows_are_counted(harness, folder):
    text = (folder / "corpus.jsonl").read_text()
    twice = text.splitlines()[0].replace("pair-0", "again")
    (folder / "corpus.jsonl").write_text(text + twice)
    assert harness("data", "corpus.jsonl", "--json").document["findings"] == {
        "a pair that an earlier row has": 1
    }


def test_test_items_in_the_corpus_are_found(harness, folder):
    sentence = "The old teacher from Norland sees a small dog."
    pair = {"id": "leak", "source": sentence, "target": "Der Hund."}
    pair |= {"source_lang": "en", "target_lang": "de"}
    (folder / "corpus.jsonl").write_text(json.dumps(pair))
    rows = folder / "benchmarks/data/translation/words_test.jsonl"
    rows.write_text(rows.read_text().replace('"source": "cat"', f'"source": "{sentence}"'))
    toy.seal(folder / "benchmarks/translation/words_test.yaml")
    shown = harness("data", "corpus.jsonl", "--against", "translation", "general/*", "--json")
    overlaps = shown.document["overlaps"]
    assert overlaps["translation/words_test"]["exact"] == 0.2
    assert overlaps["translation/words_test"]["matches"][0]["training_id"] == "leak"
    assert overlaps["general/copy_test"]["exact"] == 0
    text = harness("data", "corpus.jsonl", "--against", "translation").out
    assert "test-cat is row leak" in text


def test_aligned_text_needs_its_languages(harness, folder):
    (folder / "news.en").write_text("cat\ndog\n")
    (folder / "news.de").write_text("Katze\nHund\n")
    sides = ("data", "news.en", "--target-path", "news.de")
    shown = harness(*sides, "--source-lang", "en", "--target-lang", "de", "--json")
    assert shown.document["num_rows"] == 2
    assert harness(*sides).code == 2


def test_other_kinds_are_told_by_their_first_row(harness, folder):
    (folder / "texts.jsonl").write_text('{"id": "1", "text": "Hallo.", "language": "de"}\n')
    chat = {"id": "1", "messages": [{"role": "user", "content": "Hello?"}]}
    (folder / "chats.jsonl").write_text(json.dumps(chat))
    assert harness("data", "texts.jsonl", "--json").document["kind"] == "monolingual"
    assert harness("data", "chats.jsonl", "--json").document["kind"] == "instructions"
