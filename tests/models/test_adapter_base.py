"""An adapter knows the model it was trained on by content; a model's folder holds no adapter."""

import json
import logging
import shutil
from pathlib import Path

import pytest
from peft import LoraConfig

from harness.errors import ConfigError
from harness.models.adapter_base import base_of, save_base, warn_of_another_base
from harness.models.export import export
from harness.models.folder import adapter_folder, model_folder
from harness.models.identity import BASE_FILE, folder_hash
from harness.models.load import load_chat_model
from harness.models.lora import attach, load_adapter
from harness.models.provenance import model_provenance
from harness.models.spec import LoraSpec, ModelSpec
from harness.trial.config import TrialConfig
from harness.trial.preflight import preflight
from harness.trial.run import run_trial
from tests.models.test_combine import adapter
from tests.projects import write_project
from tests.toys.tiny import save_tiny


def spec(folder: Path, **changes: object) -> ModelSpec:
    return ModelSpec(path=str(folder), device="cpu").replace(**changes)


def named(folder: Path, base: str | None) -> Path:
    """The adapter with another name of its base."""
    file = folder / "adapter_config.json"
    config = {**json.loads(file.read_text()), "base_model_name_or_path": base}
    file.write_text(json.dumps(config))
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save_tiny(tmp_path / "base", seed=1)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return save_tiny(tmp_path / "other", seed=2)


@pytest.fixture
def tuned(base: Path, tmp_path: Path) -> Path:
    folder = adapter(tmp_path / "adapter", base, 1)
    save_base(folder, spec(base))
    return folder


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if "was trained on" in one.getMessage()]


def test_the_base_is_known_by_its_weights_wherever_it_lies(base, other, tuned, tmp_path):
    moved = base.rename(tmp_path / "moved")
    assert base_of(tuned, spec(moved)).verdict == "the same"
    (moved / "generation_config.json").write_text("{}")  # how it is asked is not what it is
    assert base_of(tuned, spec(moved)).verdict == "the same"
    assert base_of(tuned, spec(other)).verdict == "another"
    taken = other.rename(base)
    assert base_of(tuned, spec(taken)).verdict == "another", "under the name of the right one"


def test_a_base_with_an_adapter_merged_into_it_is_another(base, tuned, tmp_path):
    second = adapter(tmp_path / "second", base, 2)
    on_both = spec(base, adapter=str(tuned))
    save_base(second, on_both)
    assert base_of(second, on_both).verdict == "the same"
    alone = base_of(second, spec(base))
    assert alone.verdict == "another"
    assert "with another adapter merged into it" in alone.named
    assert base_of(tuned, on_both).verdict == "another"


def test_what_an_adapter_is_does_not_change_with_the_note_of_its_base(base, tuned):
    before = folder_hash(tuned)
    (tuned / BASE_FILE).unlink()
    assert folder_hash(tuned) == before


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("base", "the same"),
        ("other", "another"),
        ("hub/base", "not verified"),
        ("some/Base", "not verified"),
        ("hub/models--org--base/snapshots/1a2b", "not verified"),
        ("hub/base-instruct", "another"),
        ("hub/models--org--base-instruct/snapshots/1a2b", "another"),
        ("", "not verified"),
        (None, "not verified"),
    ],
)
def test_an_adapter_without_a_note_is_known_by_the_name_of_its_base(
    name, verdict, base, other, tuned, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tuned / BASE_FILE).unlink()
    assert base_of(named(tuned, name), spec(base)).verdict == verdict


@pytest.mark.parametrize("noted", [True, False])
def test_another_base_is_warned_of_before_export_and_kept_in_the_recipe(
    noted, base, other, tuned, tmp_path, caplog
):
    if not noted:
        (tuned / BASE_FILE).unlink()
    with caplog.at_level(logging.WARNING):
        export(spec(base), tuned, tmp_path / "right")
        assert not warnings(caplog)
        export(spec(other), tuned, tmp_path / "wrong")
    (told,) = warnings(caplog)
    assert str(base) in told
    assert str(other) in told
    recipes = [
        json.loads((tmp_path / out / "RECIPE.json").read_text()) for out in ("right", "wrong")
    ]
    assert [one["adapter"]["base"] for one in recipes] == ["the same", "another"]


def test_another_base_is_warned_of_before_a_run_and_tagged(base, other, tuned, tmp_path, caplog):
    config = write_project(tmp_path / "project", other)
    wrong = config.replace(model=config.model.replace(adapter=str(tuned)))
    with caplog.at_level(logging.WARNING):
        preflight(wrong)
        load_chat_model(wrong.model)
    assert len(warnings(caplog)) == 1
    assert model_provenance(wrong.model)["model/adapter_base"] == "another"
    right = wrong.model.replace(path=str(base))
    assert model_provenance(right)["model/adapter_base"] == "the same"
    assert "model/adapter_base" not in model_provenance(config.model)


def test_a_part_to_merge_is_compared_with_the_base(base, other, tuned, tmp_path, caplog):
    plain = write_project(tmp_path / "project", other).plain()
    variant = {
        "name": "merge",
        "adapters": {"translation": "sft", "general": {"adapter": str(tuned)}},
    }
    config = TrialConfig.model_validate({**plain, "variant": variant})
    with caplog.at_level(logging.WARNING):
        preflight(config)
    assert len(warnings(caplog)) == 1


def test_a_trained_adapter_says_what_it_was_trained_on(base, other, tmp_path):
    config = write_project(tmp_path / "project", base)
    result = run_trial(config, home=tmp_path / "home")
    (made,) = (tmp_path / "home").rglob(BASE_FILE)
    assert result.scores
    assert base_of(made.parent, spec(base)).verdict == "the same"
    assert base_of(made.parent, spec(other)).verdict == "another"


@pytest.mark.parametrize("kept", ["adapter_config.json", "adapter_model.safetensors", "both"])
def test_a_model_with_an_adapter_in_its_folder_is_refused_with_the_way_out(kept, base, tuned):
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if kept in (name, "both"):
            shutil.copy(tuned / name, base / name)
    with pytest.raises(ConfigError, match=r"beside a model: base or tuned") as error:
        model_folder(spec(base))
    assert "model.adapter" in error.value.message
    assert ("adapter_config.json" in error.value.message) == (kept != "adapter_model.safetensors")


def test_a_model_in_shards_with_an_adapter_in_its_folder_is_refused_too(base, tuned):
    (base / "model.safetensors").rename(base / "model-00001-of-00001.safetensors")
    index = {"weight_map": {"lm_head.weight": "model-00001-of-00001.safetensors"}}
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    model_folder(spec(base))
    shutil.copy(tuned / "adapter_config.json", base)
    shutil.copy(tuned / "adapter_model.safetensors", base / "adapter_model.bin")
    with pytest.raises(ConfigError, match=r"adapter_config\.json and adapter_model\.bin beside"):
        model_folder(spec(base))


def test_an_adapter_in_a_folder_of_its_own_inside_the_models_is_no_part_of_it(base, tuned):
    shutil.copytree(tuned, base / "adapter")
    loaded = load_chat_model(spec(base)).model
    assert not any("lora" in name for name, _ in loaded.named_modules())
    assert adapter_folder(str(base / "adapter")) == base / "adapter"
    with pytest.raises(ConfigError, match=f"there is one in {base}/adapter"):
        adapter_folder(str(base))


def test_the_folder_of_an_adapter_is_no_model_and_its_base_is_named(base, tuned):
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(base / name, tuned / name)
    with pytest.raises(ConfigError, match="is the folder of an adapter") as error:
        model_folder(spec(tuned))
    assert f"it names {base}" in error.value.message


def test_a_model_that_has_adapter_layers_takes_no_second_adapter(base, tuned):
    chat_model = load_chat_model(spec(base))
    chat_model.model.add_adapter(LoraConfig(r=2, target_modules=["q_proj"]))
    for put in (
        lambda: attach(chat_model, LoraSpec(rank=2), 1),
        lambda: load_adapter(chat_model, tuned),
    ):
        with pytest.raises(ConfigError, match=r"has an adapter in its layers, .*q_proj"):
            put()


def test_whoever_loads_an_adapter_on_another_base_is_told(other, tuned, caplog):
    with caplog.at_level(logging.WARNING):
        load_chat_model(spec(other, adapter=str(tuned)))
    assert len(warnings(caplog)) == 1


def test_what_is_warned_of_is_returned(base, other, tuned):
    assert warn_of_another_base(tuned, spec(base)) == "the same"
    assert warn_of_another_base(tuned, spec(other)) == "another"
