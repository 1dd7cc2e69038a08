from pathlib import Path

import pytest
from safetensors.torch import load_file

from harness.errors import ConfigError
from harness.records import StageEvent
from harness.settings.spec import validate
from harness.trial.config import ChainedTraining, TrialConfig
from harness.trial.run import run_trial
from tests.planned import COST, planned_facts
from tests.projects import write_project

CHAIN = [
    {"variant": "sft", "train": {"steps": 2}, "learning_rate_ratio": 2.0},
    {"variant": "sft", "train": {"epochs": 1, "learning_rate": 0.02}},
]


def weights(home: Path, key: str):
    return load_file(home / "store" / "adapter" / key / "adapter" / "adapter_model.safetensors")


def equal(one, other):
    return one.keys() == other.keys() and all(bool((one[k] == other[k]).all()) for k in one)


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_model_dir):
    folder = tmp_path_factory.mktemp("project")
    config = write_project(folder, tiny_model_dir, variant="sft", chain=CHAIN)
    config = config.replace(eval=config.eval.replace(suites=("mini_general",), limit=1))
    return folder, config, run_trial(config, home=folder / "home")


def test_a_stage_has_the_trials_settings_but_for_what_it_says(tmp_path, tiny_model_dir):
    config = write_project(tmp_path, tiny_model_dir, chain=CHAIN)
    first, second, last = config.trainings()
    assert (first.train.steps, first.train.learning_rate) == (2, 0.02)
    assert (second.train.steps, second.train.epochs, second.train.learning_rate) == (None, 1, 0.02)
    assert (last.train, last.variant) == (config.train, config.variant)
    assert all(stage.lora == config.lora and stage.chain == () for stage in config.trainings())


def test_what_a_chain_costs_is_that_of_all_its_trainings(tmp_path, tiny_model_dir):
    config = write_project(tmp_path, tiny_model_dir, chain=CHAIN)
    facts = planned_facts(config, tmp_path / "home")
    costs = {name: facts[f"cost/{name}"] for name in COST}
    assert costs == {name: (len(CHAIN) + 1) * value for name, value in COST.items()}


def test_a_learning_rate_that_is_given_is_not_multiplied():
    given = {"variant": "sft", "train": {"learning_rate": 0.5}, "learning_rate_ratio": 3.0}
    settings = {"model": {"path": "m"}, "variant": "sft", "eval": {"suites": ["s"]}}
    data = {"train": {"path": "train.jsonl"}}
    config = TrialConfig.model_validate({**settings, "data": data, "chain": [given]})
    assert config.trainings()[0].train.learning_rate == 0.5


def test_a_stage_that_trains_nothing_is_refused_with_its_place(tmp_path):
    settings = {"model": {"path": "m"}, "variant": "sft", "eval": {"suites": ["s"]}}
    data = {"train": {"path": "train.jsonl"}}
    chain = [{"variant": "sft", "train": {"steps": 0}}, {"variant": "base"}]
    with pytest.raises(ConfigError) as caught:
        validate(TrialConfig, {**settings, "data": data, "chain": chain}, "trial.yaml")
    assert "chain.0.train.steps: found 0" in caught.value.message
    assert "chain.1.variant: base trains no adapter to go on with" in caught.value.message


def test_an_empty_chain_takes_the_place_of_the_variants_own(tmp_path, tiny_model_dir):
    corpus = {"path": str(tmp_path / "train.jsonl")}
    data = dict.fromkeys(("train", "instructions", "monolingual", "questions"), corpus)
    config = write_project(tmp_path, tiny_model_dir, variant="transllm", data=data)
    assert [stage.variant.stage for stage in config.trainings()] == ["text", "parallel", "transfer"]
    (only,) = config.replace(chain=()).trainings()
    assert only.variant.stage == "transfer"
    assert config.replace(chain=(ChainedTraining(variant=only.variant),)).trainings() == (
        only,
        only,
    )


@pytest.mark.slow
def test_every_stage_begins_where_the_one_before_ended(project):
    folder, config, _ = project
    home = folder / "home"
    still = config.train.replace(learning_rate=1e-30)  # too small to move a float
    moving = {"variant": "sft", "train": {"learning_rate": 0.01}}
    config = TrialConfig.model_validate({**config.plain(), "train": still, "chain": [moving]})
    result = run_trial(config, home=home)
    before = weights(home, result.stages["chain1/adapter"])
    assert equal(before, weights(home, result.stages["adapter"]))
    assert any(bool(value.any()) for name, value in before.items() if "lora_B" in name)


@pytest.mark.slow
def test_changing_the_last_stage_trains_it_alone(project):
    folder, config, result = project
    events = []
    longer = config.replace(train=config.train.replace(steps=4))
    second = run_trial(longer, home=folder / "home", on_event=events.append)
    trained = [e.state for e in events if isinstance(e, StageEvent) and e.stage == "adapter"]
    assert trained.count("reused") == 2
    for name in ("chain1/adapter", "chain2/adapter", "examples"):
        assert second.stages[name] == result.stages[name]
    assert second.stages["adapter"] != result.stages["adapter"]


@pytest.mark.slow
def test_the_same_stage_begun_elsewhere_is_another_adapter(project):
    folder, config, result = project
    alone = run_trial(config.replace(chain=()), home=folder / "home")
    assert alone.stages["examples"] == result.stages["examples"]
    assert alone.stages["adapter"] != result.stages["adapter"]
    assert {"data/chain1/too_long", "train/chain2/steps"} <= set(result.facts)
