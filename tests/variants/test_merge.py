from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.errors import ConfigError
from harness.settings.spec import validate
from harness.storage.store import Store
from harness.trial.run import run_trial
from harness.variants.merge import Merge
from harness.variants.replay import Replay
from harness.variants.sft import Sft
from tests.projects import write_lines, write_project

PLAIN = {"one": "sft", "two": {"name": "sft"}}


def test_it_merges_translation_with_general_ability_unless_said_otherwise():
    assert Merge().parts == {"translation": Sft(), "general": Replay(only_replies=True)}
    assert Merge().combination == {
        "method": "cat",
        "weights": {"translation": 1.0, "general": 1.0},
    }


def test_weights_are_by_name_and_density_only_where_something_is_dropped():
    variant = Merge(adapters=PLAIN, adapter_weights={"two": -0.5}, method="ties", density=0.2)
    assert variant.combination == {
        "method": "ties",
        "weights": {"one": 1.0, "two": -0.5},
        "density": 0.2,
    }


def test_variants_and_folders_mix_and_survive_the_round_trip():
    variant = Merge(adapters={"one": "sft", "two": {"adapter": "some/folder"}})
    assert variant.parts == {"one": Sft(), "two": Path("some/folder")}
    assert variant.trains
    assert Merge.model_validate(variant.plain()) == variant
    folders = {"one": {"adapter": "a"}, "two": {"adapter": "b"}}
    assert not Merge(adapters=folders).trains


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            {"adapters": PLAIN, "adapter_weights": {"tow": 1}},
            "variant.adapter_weights.tow: unknown adapter 'tow'; did you mean 'two'?",
        ),
        ({"adapters": {"one": "sft", "two": "sfft"}}, "variant.adapters.two.name: unknown variant"),
        ({"adapters": PLAIN, "method": "slerp"}, "variant.method: found 'slerp'"),
        ({"adapters": PLAIN, "method": "ties", "density": 0}, "variant.density: found 0"),
    ],
)
def test_what_cannot_be_is_named(settings, fault, tmp_path, tiny_model_dir):
    config = write_project(tmp_path, tiny_model_dir)
    plain = {**config.plain(), "variant": {"name": "merge", **settings}}
    with pytest.raises(ConfigError) as caught:
        validate(type(config), plain, "trial.yaml")
    assert fault in caught.value.message


def test_one_adapter_is_nothing_to_merge_and_a_name_is_lower_case():
    with pytest.raises(ValidationError, match="at least 2"):
        Merge(adapters={"one": "sft"})
    with pytest.raises(ValidationError, match="pattern"):
        Merge(adapters={"One": "sft", "two": "sft"})


@pytest.mark.slow
def test_a_trial_trains_the_parts_and_counts_what_they_cost(tmp_path, tiny_model_dir):
    chats = [
        {"id": f"c{n}", "messages": [{"role": "user", "content": f"Say {n}."}], "answer": str(n)}
        for n in range(4)
    ]
    config = write_project(tmp_path, tiny_model_dir)
    data = {**config.data.plain(), "instructions": {"path": "chats.jsonl"}}
    data["instructions"]["path"] = str(write_lines(tmp_path / "chats.jsonl", chats))
    result = run_trial(config.replace(variant={"name": "merge"}, data=data), home=tmp_path / "home")
    parts = ("translation", "general")
    assert {f"{part}/adapter" for part in parts} < set(result.stages)
    spent = sum(result.facts[f"train/{part}/tokens"] for part in parts)
    assert result.facts["cost/training_tokens"] == spent
    assert result.facts["train/update_norm"] > 0
    assert "train/tokens" not in result.facts


@pytest.mark.slow
def test_the_chance_in_a_merge_is_the_trials(tmp_path, tiny_model_dir):
    config = write_project(tmp_path, tiny_model_dir, variant="sft")
    home = tmp_path / "home"
    adapters = {}
    for seed in (1, 2):
        trained = run_trial(config.replace(seed=seed), home=home)
        folder = Store(home / "store").root / "adapter" / trained.stages["adapter"] / "adapter"
        adapters[f"seed{seed}"] = {"adapter": str(folder)}

    def key(method: str, seed: int) -> str:
        variant = {"name": "merge", "adapters": adapters, "method": method}
        return run_trial(config.replace(variant=variant, seed=seed), home=home).stages["adapter"]

    assert key("dare_linear", 1) != key("dare_linear", 2)
    assert key("ties", 1) == key("ties", 2)
