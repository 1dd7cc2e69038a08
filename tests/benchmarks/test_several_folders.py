"""A user's own suites beside the shipped ones: `eval.folder` as a list."""

import pytest
import yaml

from harness.benchmarks.read import find_benchmarks
from harness.benchmarks.spec import EvalSpec
from harness.errors import ConfigError
from harness.settings.spec import load_spec, validate
from harness.trial.config import TrialConfig
from tests.small_benchmarks import Benchmarks


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine").mkdir()
    return Benchmarks(tmp_path / "mine")


def both(benchmarks, mine):
    return (str(benchmarks.folder), str(mine.folder))


def keys(*suites, folder):
    return [one.key for one in find_benchmarks(EvalSpec(suites=suites, folder=folder))]


def test_suites_are_found_in_all_folders_and_one_suite_may_be_in_two(benchmarks, mine):
    benchmarks.write("general/facts_validation")
    mine.write("general/news_validation")
    mine.write("clinic/doses_validation")
    folder = both(benchmarks, mine)
    assert keys("clinic", "general", folder=folder) == [
        "clinic/doses_validation", "general/facts_validation", "general/news_validation",
    ]  # fmt: skip
    assert keys("general", folder=folder[0]) == ["general/facts_validation"]
    assert keys("clinic/*", "general/news_validation", folder=folder) == [
        "clinic/doses_validation", "general/news_validation",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"unknown suite 'clinics'.*in .*/benchmarks, .*/mine"):
        keys("clinics", folder=folder)


def test_two_files_of_one_name_are_an_error_that_names_both(benchmarks, mine):
    shipped = benchmarks.write("general/facts_validation")
    own = mine.write("general/facts_validation")
    mine.write("clinic/doses_validation")
    with pytest.raises(ConfigError) as caught:
        keys("clinic", folder=both(benchmarks, mine))  # also where neither of them is asked for
    assert caught.value.message == (
        f"eval.folder: general/facts_validation: two files are called so, {shipped} and {own}"
    )


def test_a_family_clashes_by_the_names_it_gives_and_by_its_own(benchmarks, mine):
    head = "metadata: {harness: {data: {pairs: [en-de]}}}\n"
    for folder, name in ((benchmarks.folder, "x_PAIR_test"), (mine.folder, "x_PAIR_test")):
        (folder / "general").mkdir()
        (folder / "general" / f"{name}.yaml").write_text(head)
    with pytest.raises(ConfigError, match=r"general/x_PAIR_test: two") as caught:
        keys("general", folder=both(benchmarks, mine))
    assert len(caught.value.message.splitlines()) == 1  # a fault of two files is said once
    (mine.folder / "general/x_PAIR_test.yaml").rename(mine.folder / "general/x_en_de_test.yaml")
    with pytest.raises(ConfigError, match=r"general/x_en_de_test: .*x_PAIR.* and .*x_en_de"):
        keys("general", folder=both(benchmarks, mine))


def test_the_same_folder_twice_is_no_clash(benchmarks):
    benchmarks.write("general/facts_validation")
    folder = str(benchmarks.folder)
    assert keys("general", folder=(folder, f"{folder}/../benchmarks")) == [
        "general/facts_validation"
    ]


def test_all_folders_that_are_not_there_are_named():
    with pytest.raises(ConfigError, match=r"found 'nowhere'.*\n.*found 'neither'"):
        keys("a", folder=("nowhere", "neither"))
    with pytest.raises(ConfigError, match=r"eval.folder"):
        validate(TrialConfig, {"eval": {"suites": ["a"], "folder": []}}, "trial.yaml")


def test_paths_are_relative_to_the_file_and_one_in_a_list_is_the_same_trial(tmp_path, monkeypatch):
    for name in ("own", "mine"):
        (tmp_path / "project" / name).mkdir(parents=True)
    plain = {
        "model": {"path": "m"}, "variant": "base", "eval": {"suites": ["a"], "folder": "mine"}
    }  # fmt: skip
    path = tmp_path / "project/trial.yaml"

    def read(folder):
        plain["eval"]["folder"] = folder
        path.write_text(yaml.safe_dump(plain))
        return load_spec(TrialConfig, path)

    monkeypatch.chdir(tmp_path)
    assert read(["mine", "own"]).eval.folder == ("project/mine", "project/own")
    assert read("mine").eval.plain()["folder"] == "project/mine"
    assert read(["mine"]).fingerprint() == read("mine").fingerprint()
    assert read(["mine", "own"]).fingerprint() != read("mine").fingerprint()
