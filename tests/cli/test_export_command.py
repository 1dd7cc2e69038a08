import shutil

import pytest

from tests.cli import toy
from tests.models.test_combine import adapter


@pytest.fixture
def project(tmp_path, tiny_model_dir):
    toy.make(tmp_path, tiny_model_dir)
    adapter(tmp_path / "adapter", tiny_model_dir, 1)
    return tmp_path


def test_an_adapter_folder_becomes_a_model_folder(harness, project):
    shown = harness("export", "adapter", "--model", "model", "--output", "tuned", "--json")
    assert shown.code == 0, shown.err
    document = shown.document
    assert document["folder"] == "tuned"
    assert document["largest_difference"] <= document["tolerance"]
    assert document["dtype"] == "float32"
    assert (project / "tuned" / "model.safetensors").is_file()
    again = harness("export", "adapter", "--model", "model", "--output", "tuned")
    assert again.code == 2
    assert "tuned: is there already" in again.err


def test_what_it_wrote_is_told_in_words(harness, project):
    arguments = (
        "export",
        "adapter",
        "--model",
        "model",
        "--output",
        "tuned",
        "--dtype",
        "bfloat16",
    )
    shown = harness(*arguments)
    assert shown.code == 0, shown.err
    assert "logits differ from the adapter's by at most" in shown.out
    assert "to bfloat16 moves logits" in shown.out


def test_a_difference_beyond_the_tolerance_exits_with_3_and_writes_nothing(harness, project):
    shown = harness(
        "export", "adapter", "--model", "model", "--output", "tuned", "--tolerance", "0"
    )
    assert shown.code == 3
    assert "allowed 0; nothing was written" in shown.err
    assert not (project / "tuned").exists()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("adapter",), "--model: missing"),
        (("nowhere", "--model", "model"), "nowhere: no such folder"),
        (("model", "--model", "model"), "adapter_config.json is missing"),
        (("adapter", "--model", "nowhere"), "model.path: nowhere"),
        (("adapter", "--model", "model", "--set", "seed=2"), "--set: an adapter folder has no"),
        (("trial.yaml", "--model", "model"), "--model: a trial has its own"),
        (("trial.yaml", "--device", "cpu"), "--device: a trial has its own"),
        (("trial.yaml", "--set", "variant=base"), "variant: base has no adapter"),
        (("trial.yaml", "--set", "variant.wieght=1"), "unknown option 'wieght'"),
        (("nothing.yaml",), "nothing.yaml"),
        (("sweep:toy",), "unknown sweep 'toy'"),
    ],
)
def test_what_the_user_can_mend_exits_with_2(harness, project, arguments, fault):
    shown = harness("export", *arguments, "--output", "tuned")
    assert shown.code == 2, shown.err
    assert fault in shown.err
    assert not (project / "tuned").exists()


def test_an_output_folder_must_be_named(harness, project):
    assert harness("export", "adapter", "--model", "model").code == 2


@pytest.mark.slow
def test_a_trials_adapter_is_trained_once_and_scores_as_the_trial_does(harness, project):
    shown = harness("export", "trial.yaml", "--output", "tuned", "--json")
    assert shown.code == 0, shown.err
    trial = harness("run", "trial.yaml", "--no-tracking", "--json")
    assert "adapter" not in trial.err
    evaluated = harness(
        "evaluate", "tuned", "--benchmarks", "benchmarks", "--no-tracking", "--device", "cpu",
        "--batch-size", "4", "--json",
    )  # fmt: skip
    assert evaluated.code == 0, evaluated.err
    scores = [
        {key: score["value"] for key, score in one.document["scores"].items()}
        for one in (trial, evaluated)
    ]
    assert scores[0] == scores[1]


@pytest.mark.slow
def test_the_best_of_a_sweep_is_exported(harness, project):
    swept = harness("sweep", "sweep.yaml", "--tracking-uri", f"sqlite:///{project}/t.db")
    assert swept.code == 0, swept.err
    for name in ("sweep:toy", "sweep:toy:1"):
        shown = harness("export", name, "--output", "tuned", "--json")
        assert shown.code == 0, shown.err
        assert "made:" not in shown.err  # its adapter is there
        assert shown.document["source"] in ("sweep:toy:0", "sweep:toy:1")
        assert ("means" in shown.err) == (name == "sweep:toy")
        shutil.rmtree(project / "tuned")
