"""Folders in the layouts of the hub: one split of one configuration, never several as one."""

import datasets
import pytest

from harness.data.readers import read_pairs
from harness.data.spec import CorpusSpec
from harness.data.testsets import read_items
from harness.errors import DataError

SHARDS = (
    "train-00000-of-00002",
    "train-00001-of-00002",
    "test-00000-of-00001",
    "validation-00000-of-00001",
)
CARD = """---
license: mit
configs:
- config_name: main
  data_files:
  - {split: train, path: news/a-*}
  - {split: test, path: [held/*.parquet]}
- config_name: talks
  data_files: talks/**
---
# A data set
"""


def make(folder, *names):
    for name in names:
        file = folder / f"{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        row = {"source": name, "target": "Hund"}
        datasets.Dataset.from_list([row]).to_parquet(str(file))
    return folder


def sources(folder, **settings):
    languages = {"source_lang": "en", "target_lang": "de"}
    spec = CorpusSpec(path=str(folder), **languages, **settings)
    return [pair.source for pair in read_pairs(spec)]


@pytest.mark.parametrize("inside", ["", "data/", "de-en/", "data/de-en/"])
def test_the_split_is_in_the_names_of_the_files(tmp_path, inside):
    make(tmp_path, *(inside + shard for shard in SHARDS))
    assert sources(tmp_path) == [inside + SHARDS[0], inside + SHARDS[1]]
    assert sources(tmp_path, split="validation") == [inside + SHARDS[3]]
    assert sources(tmp_path, split="dev") == [inside + SHARDS[3]]


def test_several_configurations_are_to_be_chosen_of(tmp_path):
    make(tmp_path, *(f"{pair}/{shard}" for pair in ("cs-en", "de-en") for shard in SHARDS))
    assert sources(tmp_path, configuration="de-en", split="test") == [f"de-en/{SHARDS[2]}"]
    for settings in ({}, {"split": "de-en"}):
        with pytest.raises(DataError, match=r"2 configurations in it \(cs-en, de-en\), and none"):
            sources(tmp_path, **settings)
    with pytest.raises(DataError, match="unknown configuration 'de_en'; did you mean 'de-en'"):
        sources(tmp_path, configuration="de_en")


@pytest.mark.parametrize(
    ("names", "settings", "expected"),
    [
        (["default/train/0000", "default/train/0001", "default/test/0000"], {}, 2),
        (["cs-en/train/0000", "de-en/train/0000"], {"configuration": "cs-en"}, 1),
        (["train", "test"], {}, 1),
        (["Train", "Test"], {}, 1),
        (["0000", "0001", "0002"], {}, 3),
        (["part-0", "part-1"], {}, 2),
        (["en-de_train", "en-de_test", "en-fr_train"], {"configuration": "en-de"}, 1),
        (["wmt-train-00000-of-00002", "wmt-train-00001-of-00002", "wmt-dev"], {}, 2),
        (
            ["data/train_sft-00000-of-00001", "data/test_sft-00000-of-00001"],
            {"split": "train_sft"},
            1,
        ),
        (["data/test-00000-of-00001"], {}, 1),
        ([".cache/train", "train"], {}, 1),
    ],
)
def test_only_the_parts_of_one_split_are_put_together(tmp_path, names, settings, expected):
    read = sources(make(tmp_path, *names), **settings)
    assert read == names[:expected] if ".cache/train" not in names else ["train"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "b"], r"2 configurations in it \(a, b\)"),
        (["dev", "test"], r"unknown split 'train' \(known: dev, test\)"),
        (["train-00000-of-00001", "extra"], r"2 configurations in it \(default, extra\)"),
        (["de-en/train", "train"], r"2 configurations in it \(de-en, default\)"),
    ],
)
def test_what_may_be_two_things_is_never_one(tmp_path, names, expected):
    with pytest.raises(DataError, match=expected):
        sources(make(tmp_path, *names))


def test_a_card_says_which_files_are_what(tmp_path):
    make(tmp_path, "news/a-1", "news/b", "held/q", "talks/deep/x")
    (tmp_path / "README.md").write_text(CARD)
    assert sources(tmp_path, configuration="main") == ["news/a-1"]
    assert sources(tmp_path, configuration="main", split="test") == ["held/q"]
    assert sources(tmp_path, configuration="talks") == ["talks/deep/x"]
    with pytest.raises(DataError, match=r"2 configurations in it \(main, talks\)"):
        sources(tmp_path)


@pytest.mark.parametrize("card", ["# None", "---\nconfigs: 3\n---\n", "---\n[\n---\n", CARD])
def test_a_card_that_does_not_tell_of_the_files_leaves_it_to_their_names(tmp_path, card):
    make(tmp_path, *SHARDS)
    (tmp_path / "README.md").write_text(card)
    assert sources(tmp_path, split="test") == [SHARDS[2]]


def test_arrow_files_have_their_splits_too_and_caches_are_no_data(tmp_path):
    for split in ("train", "test"):
        rows = [{"source": split, "target": "b"}]
        datasets.Dataset.from_list(rows).save_to_disk(str(tmp_path / "set" / split))
    cache = tmp_path / "set/train/cache-0123456789abcdef.arrow"
    cache.write_bytes((tmp_path / "set/train/data-00000-of-00001.arrow").read_bytes())
    assert sources(tmp_path / "set") == ["train"]
    assert sources(tmp_path / "set", split="test") == ["test"]


@pytest.mark.parametrize(
    "other", [{"src": "c", "tgt": "d"}, {"source": "c", "target": "d", "n": 1}]
)
def test_parts_whose_columns_differ_are_told_of(tmp_path, other):
    make(tmp_path, SHARDS[0])
    datasets.Dataset.from_list([other]).to_parquet(str(tmp_path / f"{SHARDS[1]}.parquet"))
    with pytest.raises(DataError, match="cannot be read by datasets"):
        sources(tmp_path)


def test_one_file_alone_is_read(tmp_path):
    make(tmp_path, *SHARDS)
    assert sources(tmp_path / f"{SHARDS[2]}.parquet") == [SHARDS[2]]


def test_a_folder_to_look_for_is_its_test_split(tmp_path):
    make(tmp_path, *SHARDS)
    assert [item["source"] for item in read_items(str(tmp_path))] == [SHARDS[2]]
    with pytest.raises(DataError, match=r"(?s)unknown split 'test'.*give one of its files"):
        read_items(str(make(tmp_path / "other", "train", "dev")))
