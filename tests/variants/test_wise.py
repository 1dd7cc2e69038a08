from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.settings import plugins
from harness.settings.spec import validate
from harness.trial.preflight import preflight
from harness.trial.run import run_trial
from harness.variants.sft import Sft
from harness.variants.wise import Wise
from tests.projects import write_project


def test_its_source_is_plain_fine_tuning_unless_said_otherwise():
    assert Wise().parts == {"source": Sft()}
    assert Wise().combination == {"method": "scale", "factor": 0.5}
    assert Wise().trains


def test_a_source_has_settings_and_survives_the_round_trip():
    variant = Wise(source={"name": "radis", "rationale_weight": 2}, alpha=0.3)
    assert variant.parts["source"].rationale_weight == 2
    assert Wise.model_validate(variant.plain()) == variant


def test_an_adapter_that_is_there_is_a_source_too_and_nothing_trains():
    variant = Wise(source={"adapter": "some/folder"})
    assert variant.parts == {"source": Path("some/folder")}
    assert not variant.trains
    assert Wise.model_validate(variant.plain()) == variant


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("sfft", "variant.source.name: unknown variant 'sfft'; did you mean 'sft'?"),
        ({"name": "radis", "wieght": 1}, "variant.source.wieght: unknown option 'wieght'"),
        ("base", "variant.source: found base, which has no adapter"),
        ({"adapter": 3}, "variant.source.adapter: found 3"),
        (7, "variant.source: found 7, allowed {name: NAME, ...}"),
    ],
)
def test_a_source_that_cannot_be_is_named(source, fault, tmp_path, tiny_model_dir):
    plain = write_project(tmp_path, tiny_model_dir).plain()
    kind = type(write_project(tmp_path, tiny_model_dir))
    with pytest.raises(ConfigError) as caught:
        validate(kind, {**plain, "variant": {"name": "wise", "source": source}}, "trial.yaml")
    assert fault in caught.value.message


def test_a_missing_adapter_is_told_before_anything_runs(tmp_path, tiny_model_dir):
    config = write_project(
        tmp_path,
        tiny_model_dir,
        variant={"name": "wise", "source": {"name": "wise", "source": {"adapter": "nowhere"}}},
    )
    with pytest.raises(ConfigError, match="nowhere: no such folder"):
        preflight(config)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, tiny_model_dir):
    """A project, and what plain fine-tuning gives on it."""
    folder = tmp_path_factory.mktemp("wise")
    config = write_project(folder, tiny_model_dir, variant="sft")
    return folder, config, run_trial(config, home=folder / "home")


@pytest.mark.slow
def test_at_alpha_one_it_equals_its_source_which_is_trained_once(plain):
    folder, config, source = plain
    result = run_trial(config.replace(variant={"name": "wise", "alpha": 1}), home=folder / "home")
    assert result.stages["source/adapter"] == source.stages["adapter"]
    assert result.stages["adapter"] != source.stages["adapter"]
    assert {key: s.statistics for key, s in result.scores.items()} == {
        key: s.statistics for key, s in source.scores.items()
    }


@pytest.mark.slow
def test_its_parts_are_part_of_its_cost_and_of_its_facts(plain):
    folder, config, source = plain
    result = run_trial(config.replace(variant="wise"), home=folder / "home")
    assert result.facts["train/source/tokens"] == source.facts["train/tokens"]
    for cost in ("cost/training_tokens", "cost/training_seconds", "cost/completion_tokens"):
        assert result.facts[cost] == source.facts[cost]
    assert source.facts["cost/training_tokens"] == source.facts["train/tokens"]


@pytest.mark.slow
def test_an_adapter_in_a_folder_goes_by_its_content_and_needs_no_data(plain):
    folder, config, source = plain
    adapter = folder / "home" / "store" / "adapter" / source.stages["adapter"] / "adapter"
    given = {"name": "wise", "alpha": 1, "source": {"adapter": str(adapter)}}
    result = run_trial(config.replace(variant=given, data=None), home=folder / "home")
    assert {key: s.value for key, s in result.scores.items()} == {
        key: s.value for key, s in source.scores.items()
    }
    moved = folder / "moved"
    adapter.rename(moved)
    given["source"]["adapter"] = str(moved)
    again = run_trial(config.replace(variant=given, data=None), home=folder / "home")
    moved.rename(adapter)
    assert again.stages == result.stages


@pytest.mark.slow
def test_a_chain_is_trained_before_its_source(plain):
    folder, config, _ = plain
    chained = config.replace(variant="wise", chain=[{"variant": "sft", "train": {"steps": 2}}])
    result = run_trial(chained, home=folder / "home")
    assert "source/chain1/adapter" in result.stages
    tokens = [result.facts[f"train/source/{place}tokens"] for place in ("chain1/", "")]
    assert result.facts["cost/training_tokens"] == sum(tokens)


def test_it_answers_as_its_sources_models_do():
    source = plugins.load("variant", "transllm")()
    assert Wise(source=source).answering == source.answering is not None
    assert Wise(source={"adapter": "some/folder"}).answering is None
