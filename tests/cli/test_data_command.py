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
    assert "test-cat is the source of row leak" in text
    assert "source (1)" in text


def test_suites_of_several_folders_are_looked_for(harness, folder):
    (folder / "mine").mkdir()
    (folder / "benchmarks/general").rename(folder / "mine/general")
    (folder / "mine/data").symlink_to(folder / "benchmarks/data")
    folders = ("--benchmarks", "benchmarks", "--benchmarks", "mine")
    shown = harness(
        "data", "corpus.jsonl", *folders, "--against", "translation", "general", "--json"
    )
    assert {key.partition("/")[0] for key in shown.document["overlaps"]} == {
        "translation", "general",
    }  # fmt: skip
    alone = harness("data", "corpus.jsonl", "--against", "general")
    assert alone.code == 2
    assert "unknown suite 'general'" in alone.err


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


def test_test_sets_that_are_files_are_looked_for(harness, folder):
    (folder / "test.en").write_text("dog\nThe old teacher from Norland sees a small dog.\n")
    rows = [{"question": "cat"}, {"question": "What else?"}, {"question": "Why?"}]
    (folder / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "test.tsv").write_text("tree\tarbre\n")
    (folder / "test.sgm").write_text('<doc><seg id="1">house</seg></doc>')
    names = ("en", "jsonl", "tsv", "sgm")
    files = [part for name in names for part in ("--against-file", f"test.{name}")]
    overlaps = harness("data", "corpus.jsonl", *files, "--json").document["overlaps"]
    assert {name: overlap["items"] for name, overlap in overlaps.items()} == {
        "test.en": 2,
        "test.jsonl": 3,
        "test.tsv": 1,
        "test.sgm": 1,
    }
    assert overlaps["test.en"]["matches"][0]["item_id"] == "1"
    assert [overlaps[f"test.{name}"]["exact"] for name in ("en", "tsv", "sgm")] == [0.5, 1, 1]
    assert overlaps["test.jsonl"]["exact"] == pytest.approx(1 / 3)
    (folder / "older").mkdir()
    (folder / "test.en").rename(folder / "older/test.en")
    shown = harness("data", "corpus.jsonl", "--against-file", "older/test.en").out
    assert "- test.en 1 is the source of row" in shown  # the file's name is enough in a table


def test_a_test_set_without_a_text_is_refused(harness, folder):
    (folder / "test.jsonl").write_text('{"answer": 3}')
    shown = harness("data", "corpus.jsonl", "--against-file", "test.jsonl")
    assert shown.code == 2
    assert "test.jsonl:1: found the fields answer, allowed one of source" in shown.err


def test_rows_are_left_out_as_a_trial_would_leave_them_out(harness, folder):
    text = (folder / "corpus.jsonl").read_text()
    (folder / "corpus.jsonl").write_text(text + text.splitlines()[0].replace("pair-0", "again"))
    setting = "checks.max_duplicates"
    shown = harness("data", "corpus.jsonl", "--set", f"{setting}=0.5", "--json").document
    assert shown["num_rows"] == 5
    assert shown["left_out"] == {"a pair that an earlier row has": 1}
    assert "left out   1 rows" in harness("data", "corpus.jsonl", "--set", f"{setting}=0.5").out
    stopped = harness("data", "corpus.jsonl", "--set", f"{setting}=0")
    assert stopped.code == 2
    assert "1 of 6 rows (16.67%) have a pair that an earlier row has, allowed 0.00%" in stopped.err


def test_an_unknown_setting_is_refused(harness):
    shown = harness("data", "corpus.jsonl", "--set", "checks.max_emtpy=0.1")
    assert shown.code == 2
    assert "unknown option 'max_emtpy'; did you mean 'max_empty'?" in shown.err


def test_other_formats_are_described(harness, folder):
    rows = [{"translation": {"de": "Hund", "en": "dog"}}]
    (folder / "c.json").write_text(json.dumps(rows))
    assert harness("data", "c.json", "--json").document["languages"] == {"de-en": 1}
    (folder / "chats.json").write_text(json.dumps([{"instruction": "Hi?", "output": "Hello."}]))
    assert harness("data", "chats.json", "--json").document["kind"] == "instructions"
