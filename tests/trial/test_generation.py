"""Who writes training text is one setting, who answers the benchmarks another."""

import json

import pytest

from harness.benchmarks.read import select
from harness.settings.spec import load_spec
from harness.sweep.spec import load_sweep_spec
from harness.trial.config import TrialConfig, load_trial
from harness.trial.run import _predict
from harness.trial.stages import Tuning
from harness.trial.timeline import Timeline
from tests.planned import PlannedStore, stage_keys
from tests.trial.test_stage_keys import ROOT

RADIS = ROOT / "sweeps" / "trials" / "radis.yaml"
TOLD = "eval.engine: answers to benchmarks follow it, training text does not:"


def changed_by(overrides, tmp_path):
    before = stage_keys(load_spec(TrialConfig, RADIS), tmp_path / "before")
    after = stage_keys(load_spec(TrialConfig, RADIS, overrides), tmp_path / "after")
    return {name for name in before if before[name] != after[name]}, set(before)


def test_another_batch_of_answers_makes_no_training_text_anew(tmp_path):
    changed, names = changed_by([("eval.batch_size", 32)], tmp_path)
    assert changed == names - {"examples", "adapter"}


def test_another_batch_of_training_text_makes_everything_anew(tmp_path):
    changed, names = changed_by([("generation.batch_size", 32)], tmp_path)
    assert changed == names


@pytest.mark.parametrize("section", ["generation", "eval"])
def test_an_engine_generates_for_its_own_section_alone(section, tmp_path, python_with_vllm):
    engine = [(f"{section}.engine", "vllm"), (f"{section}.vllm", {"python": python_with_vllm})]
    config = load_spec(TrialConfig, RADIS, engine)
    tuning = Tuning(config, PlannedStore(tmp_path), Timeline(lambda event: None))
    _predict(tuning, select(config.eval).benchmarks, tuning.adapter())
    rules = {
        stage.name: stage.identity.get("model", stage.identity)["generator"]["batch_rule"]
        for stage in tuning.store.stages
        if stage.name in ("examples", "predictions")
    }
    by_vllm = {name for name, rule in rules.items() if rule.startswith("vllm 0.0.0")}
    assert by_vllm == {"examples" if section == "generation" else "predictions"}


def sweep_file(folder, base):
    spec = {
        "name": "asked",
        "question": "Which rank?",
        "base": base,
        "space": {"lora.rank": [4, 8]},
        "objectives": ["pocket_general/summary"],
        "sampler": "grid",
    }
    path = folder / "sweep.yaml"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


@pytest.mark.parametrize("inline", [True, False])
def test_a_file_that_sets_the_engine_of_answers_alone_is_told_once(inline, tmp_path, caplog):
    answered = load_spec(TrialConfig, RADIS, [("eval.engine", "vllm")]).plain()
    trial = tmp_path / "trial.yaml"
    trial.write_text(json.dumps(answered), encoding="utf-8")
    if inline:
        load_sweep_spec(sweep_file(tmp_path, answered)).replace(seeds=(1, 2))
    else:
        load_sweep_spec(sweep_file(tmp_path, "trial.yaml")).replace(seeds=(1, 2))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith(TOLD)
    caplog.clear()
    load_trial(trial)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ([("eval.engine", "vllm")], [TOLD]),
        ([("eval.engine", "vllm"), ("generation", {})], []),
        ([("eval.engine", "vllm"), ("generation.engine", "vllm")], []),
        ([("eval.engine", "vllm"), ("variant", "base")], []),
        ([("eval.batch_size", 8)], []),
    ],
    ids=str,
)
def test_who_names_a_generation_or_trains_nothing_is_told_nothing(overrides, told, caplog):
    load_trial(RADIS, tuple(overrides))
    assert [record.getMessage()[: len(TOLD)] for record in caplog.records] == told
