"""Folders of Hugging Face datasets, written by the library itself."""

import datasets
import pytest

from harness.data.corpora import corpora_identity
from harness.data.readers import read_instructions, read_pairs
from harness.data.spec import CorpusSpec, DataSpec
from harness.errors import DataError

ROWS = [{"translation": {"en": f"Dog {n}.", "de": f"Hund {n}."}} for n in range(3)]
LANGUAGES = {"source_lang": "en", "target_lang": "de"}


def targets(folder, **settings):
    spec = CorpusSpec(path=str(folder), **LANGUAGES, **settings)
    return [pair.target for pair in read_pairs(spec)]


def test_splits_are_chosen_and_train_is_the_first_choice(tmp_path):
    whole = datasets.Dataset.from_list(ROWS)
    parts = {"train": whole.select([0, 1]), "test": whole.select([2])}
    datasets.DatasetDict(parts).save_to_disk(str(tmp_path / "d"))
    assert targets(tmp_path / "d") == ["Hund 0.", "Hund 1."]
    assert targets(tmp_path / "d", split="test") == ["Hund 2."]
    with pytest.raises(DataError, match=r"unknown split 'tset'; did you mean 'test'\?"):
        targets(tmp_path / "d", split="tset")


def test_parquet_and_arrow_files_are_read_in_order(tmp_path):
    whole = datasets.Dataset.from_list(ROWS)
    for name in ("parquet", "arrow"):
        (tmp_path / name).mkdir()
    whole.select([0, 1]).to_parquet(str(tmp_path / "parquet/train-00000-of-00002.parquet"))
    whole.select([2]).to_parquet(str(tmp_path / "parquet/train-00001-of-00002.parquet"))
    whole.save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "saved/data-00000-of-00001.arrow").rename(tmp_path / "arrow/train.arrow")
    expected = ["Hund 0.", "Hund 1.", "Hund 2."]
    assert targets(tmp_path / "parquet") == targets(tmp_path / "arrow") == expected


def test_an_absent_value_is_an_absent_field_and_rows_are_named_by_number(tmp_path):
    rows = [{"source": "a", "target": "b"}, {"source": "c", "target": None}]
    datasets.Dataset.from_list(rows).save_to_disk(str(tmp_path / "d"))
    with pytest.raises(DataError, match=r"/d:2: target: empty, allowed a text"):
        targets(tmp_path / "d")


def test_chats_are_read(tmp_path):
    rows = [{"messages": [{"role": "user", "content": "Hi?"}], "answer": "Hello."}]
    datasets.Dataset.from_list(rows).save_to_disk(str(tmp_path / "d"))
    (chat,) = read_instructions(CorpusSpec(path=str(tmp_path / "d")))
    assert (chat.messages[0].content, chat.answer) == ("Hi?", "Hello.")


@pytest.mark.parametrize("content", [None, b"no parquet"])
def test_a_folder_that_is_no_dataset_is_named(tmp_path, content):
    (tmp_path / "d").mkdir()
    if content is not None:
        (tmp_path / "d/train.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"no Hugging Face dataset|cannot be read by datasets"):
        targets(tmp_path / "d")


def test_the_identity_follows_what_is_in_the_folder(tmp_path):
    for name, rows in (("a", ROWS), ("b", ROWS), ("c", ROWS[:2])):
        (tmp_path / name).mkdir()
        datasets.Dataset.from_list(rows).to_parquet(str(tmp_path / name / "train.parquet"))
    first, same, other = (
        corpora_identity(DataSpec(train={"path": str(tmp_path / name), **LANGUAGES}))
        for name in "abc"
    )
    assert first == same != other


def test_no_bars_of_the_library_are_shown_and_the_users_choice_is_kept(tmp_path, capfd):
    datasets.Dataset.from_list(ROWS).to_parquet(str(tmp_path / "train.parquet"))
    capfd.readouterr()
    assert len(targets(tmp_path)) == 3
    assert capfd.readouterr().err == ""
    assert datasets.is_progress_bar_enabled()
