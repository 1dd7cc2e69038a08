"""Trials that are run, moved and run again, as the gate sees them."""

import shutil

import pytest

from harness.gate.baseline import read_baseline, update_baseline
from harness.gate.decide import compare
from harness.gate.verdict import Case
from harness.trial.config import completed
from harness.trial.run import run_trial
from tests.projects import write_corpus, write_project

SFT = {"variant": {"name": "sft"}}


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_model_dir):
    folder = tmp_path_factory.mktemp("gate")
    config = write_project(folder, tiny_model_dir, **SFT)
    result = run_trial(config, home=folder / "home")
    update_baseline(folder / "baseline.json", [result])
    return folder, config, read_baseline(folder / "baseline.json")


def test_a_trial_in_a_moved_folder_over_a_moved_model_is_the_same_run(
    project, tmp_path, tiny_model_dir
):
    _, _, baseline = project
    moved = shutil.copytree(tiny_model_dir, tmp_path / "elsewhere")
    config = write_project(tmp_path / "project", moved, **SFT).replace(name="other")
    again = run_trial(config, home=tmp_path / "home")
    report = compare(baseline, [again], completed=completed)
    assert (report.case, report.settings, report.exit_code) == (Case.REPLAY, (), 0)
    assert {verdict.reason for verdict in report.verdicts} == {"unchanged"}


def test_another_corpus_at_the_same_place_is_a_new_run(project, tmp_path, tiny_model_dir):
    _, _, baseline = project
    config = write_project(tmp_path, tiny_model_dir, **SFT)
    write_corpus(tmp_path / "train.jsonl", ["Hund", "Wolf", "Maus"])
    report = compare(baseline, [run_trial(config, home=tmp_path / "home")], completed=completed)
    assert (report.case, report.exit_code) == (Case.RETRAINED, 4)
    assert report.settings == ("data.train.path: other content",)


def test_another_seed_is_a_new_run(project):
    folder, config, baseline = project
    new = run_trial(config.replace(seed=2), home=folder / "home")
    report = compare(baseline, [new], completed=completed)
    assert (report.case, report.settings, report.exit_code) == (Case.RETRAINED, (), 4)


def test_a_run_keeps_the_content_of_what_its_settings_name(project, tmp_path, tiny_model_dir):
    folder, config, _ = project
    for name, lines in (("train.en", "the dog\nthe wolf\n"), ("train.de", "der Hund\nder Wolf\n")):
        (tmp_path / name).write_text(lines)
    train = {
        "path": str(tmp_path / "train.en"),
        "target_path": str(tmp_path / "train.de"),
        "source_lang": "en",
        "target_lang": "de",
    }
    data = {**config.data.plain(), "train": train}
    untrained = config.replace(variant={"name": "base"}, data=data)
    tags = run_trial(untrained, home=folder / "home").tags
    assert {tag for tag in tags if tag.startswith(("content/", "corpus/"))} == {
        "corpus/train",
        "corpus/validation",
        "content/data.train.target_path",
    }
