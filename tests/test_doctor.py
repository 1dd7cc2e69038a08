import hashlib
import json
import os
import sys
from importlib.util import find_spec

import pytest
from packaging.requirements import Requirement

from harness.doctor import configured, machine, parts
from harness.models.spec import ModelSpec
from tests.projects import write_project


@pytest.fixture
def pocket(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/train.jsonl").write_text("{}\n")
    sha256 = hashlib.sha256(b"{}\n").hexdigest()
    recipe = {"sha256": {"corpus/train.jsonl": sha256}}
    (tmp_path / "RECIPE.json").write_text(json.dumps(recipe))
    return tmp_path


def test_whole_pocket_files_are_ok(pocket):
    assert parts.check_pocket(pocket).state == "ok"


def test_a_changed_or_missing_pocket_file_is_named(pocket):
    (pocket / "corpus/train.jsonl").write_text("{ }\n")
    assert "corpus/train.jsonl was changed" in parts.check_pocket(pocket).found
    (pocket / "corpus/train.jsonl").unlink()
    check = parts.check_pocket(pocket)
    assert (check.state, check.found) == ("missing", "corpus/train.jsonl is missing")
    assert "git checkout" in check.remedy


def test_without_a_recipe_the_pocket_is_missing(tmp_path):
    assert parts.check_pocket(tmp_path).state == "missing"


def test_a_store_that_is_not_there_yet_is_not_made(tmp_path):
    check = parts.check_tracking(f"sqlite:///{tmp_path}/mlflow.db")
    assert check.state == "ok"
    assert "will be made" in check.found
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_missing():
    check = parts.check_tracking("http://127.0.0.1:9")
    assert check.state == "missing"
    assert "does not answer" in check.found


def test_benchmarks_with_a_fault_are_missing_and_no_folder_is_a_note(tmp_path):
    assert parts.check_benchmarks(tmp_path / "none").state == "note"
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite/one_test.yaml").write_text("task: one\n")
    check = parts.check_benchmarks(tmp_path)
    assert check.state == "missing"
    assert "one_test.yaml" in check.found


@pytest.mark.parametrize(
    ("wanted", "says"),
    [("pytest>=1", None), ("pytest>=999", "wanted >=999"), ("no-such-package", "not installed")],
)
def test_a_library_below_its_floor_is_named(wanted, says):
    check = machine.version_fault(Requirement(wanted))
    assert (check is None) == (says is None)
    assert says is None or says in check.found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_written_is_missing(tmp_path):
    tmp_path.chmod(0o500)
    assert machine.check_disk(tmp_path / "home").state == "missing"


def test_a_home_below_folders_that_are_not_there_yet_is_fine(tmp_path):
    assert machine.check_disk(tmp_path / "a/b/home").state in ("ok", "note")
    assert list(tmp_path.iterdir()) == []


def test_offline_is_seen(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert machine.check_hub().found.startswith("offline (HF_HUB_OFFLINE)")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    assert machine.check_hub().found.startswith("online")


def quantised(kind="nf4"):
    return ModelSpec(path="m", quantise=kind, device="cpu")


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_a_library_that_quantises_is_missing_where_a_model_wants_it():
    check = configured.check_quantise(quantised())
    assert check.state == "missing"
    assert check.found == "model.quantise: nf4, but bitsandbytes is not installed"
    assert check.remedy == "pip install 'mt-tuning-harness[quantise]'"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("raise RuntimeError('no CUDA here')", "cannot be imported: RuntimeError: no CUDA here"),
        ("class nn: pass", "a layer on cpu fails: type object 'nn' has no attribute"),
    ],
)
@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_a_library_that_does_not_quantise_here_says_why(tmp_path, monkeypatch, content, says, kind):
    (tmp_path / "bitsandbytes.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bitsandbytes", raising=False)
    check = configured.check_quantise(quantised(kind))
    sys.modules.pop("bitsandbytes", None)  # for good: undone, the stand-in would be back
    assert check.state == "missing"
    assert check.found.startswith(f"model.quantise: {kind}, but ")
    assert says in check.found


@pytest.mark.slow
@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
@pytest.mark.parametrize("kind", ["nf4", "fp4", "int8"])
def test_a_library_that_quantises_is_ok(kind):
    assert configured.check_quantise(quantised(kind)).state == "ok"


def test_what_a_configuration_names_is_looked_at(tmp_path, tiny_model_dir):
    config = write_project(tmp_path, tiny_model_dir)
    (whole,) = configured.check_configuration(config)
    assert (whole.name, whole.state) == ("configuration", "ok")
    model = config.model.model_copy(update={"path": str(tmp_path / "gone"), "quantise": "nf4"})
    found = list(configured.check_configuration(config.model_copy(update={"model": model})))
    assert [check.name for check in found] == ["configuration", "bitsandbytes"]
    assert "gone" in found[0].found


def metricx_folder(path, *files):
    path.mkdir()
    config = {"model_type": "mt5", "architectures": ["MT5ForRegression"], "vocab_size": 250112}
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name in files:
        (path / name).write_bytes(b"")
    return {"model": str(path)}


def test_a_metricx_whose_tokenizer_would_be_fetched_is_a_note(tmp_path, tiny_model_dir):
    whole = metricx_folder(tmp_path / "whole", "model.safetensors", "spiece.model")
    bare = metricx_folder(tmp_path / "bare", "model.safetensors")
    config = write_project(tmp_path, tiny_model_dir)
    metrics = {"metricx": whole, "metricx_qe": bare}
    config = config.model_copy(update={"eval": config.eval.model_copy(update={"metrics": metrics})})
    _, here, absent = configured.check_configuration(config)
    assert (here.name, here.state) == ("metricx", "ok")
    assert (absent.name, absent.state) == ("metricx_qe", "note")
    assert absent.found == "google/mt5-xl will be fetched at the first score"
    assert absent.remedy == "hf download google/mt5-xl"
