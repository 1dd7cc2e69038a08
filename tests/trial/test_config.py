from collections.abc import Mapping
from typing import ClassVar

import pytest

from harness.errors import ConfigError
from harness.settings.spec import validate
from harness.trial.config import TrialConfig
from harness.trial.preflight import preflight
from harness.variants.sft import Sft
from tests.projects import write_project

DATA = {"train": {"path": "train.jsonl"}, "monolingual": {"path": "texts.jsonl"}}


class Hungry(Sft):
    """Draws on chats and on text."""

    needs: ClassVar[tuple[str, ...]] = ("instructions", "monolingual")


class Merged(Sft):
    """Combines what a hungry method trained."""

    parts: ClassVar[Mapping[str, Sft]] = {"general": Hungry()}
    combination: ClassVar[Mapping[str, str]] = {"method": "cat"}


def trial(**changes):
    settings = {"model": {"path": "m"}, "variant": "sft", "eval": {"suites": ["s"]}, "data": DATA}
    return validate(TrialConfig, settings | changes, "trial.yaml")


@pytest.mark.parametrize(
    "changes",
    [
        {"variant": Hungry()},
        {"variant": Merged()},
        {"chain": [{"variant": Hungry()}]},
    ],
    ids=["its own", "of a part", "of a stage before"],
)
def test_a_corpus_that_a_method_draws_on_must_be_named(changes):
    with pytest.raises(ConfigError) as caught:
        trial(**changes)
    assert caught.value.message == (
        "trial.yaml: data.instructions: missing, and the variant sft draws on it"
    )


def test_with_every_corpus_named_the_trial_is_valid():
    data = DATA | {"instructions": {"path": "chats.jsonl"}}
    assert trial(variant=Hungry(), data=data).variant.needs == ("instructions", "monolingual")


@pytest.mark.parametrize(
    ("changes", "drawn_on"),
    [
        ({}, set()),
        ({"variant": "radis", "train": {"drift_points": 2}}, set()),
        ({"variant": "replay"}, {"instructions"}),
        ({"variant": {"name": "ewc", "strength": 1.0}}, {"instructions"}),
        ({"variant": {"name": "ewc", "strength": 0.0}}, set()),
        ({"variant": Merged()}, {"instructions", "monolingual"}),
        ({"chain": [{"variant": Hungry()}]}, {"instructions", "monolingual"}),
        ({"variant": "transllm", "data": {"questions": {"path": "q.jsonl"}}},
         {"instructions", "monolingual", "questions"}),
        ({"lora": {"vocabulary": {"tokens": 100}}}, {"monolingual"}),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)  # fmt: skip
def test_a_corpus_that_only_other_methods_draw_on_is_none_of_a_trial(changes, drawn_on):
    data = {**DATA, "instructions": {"path": "chats.jsonl"}, **changes.get("data", {})}
    assert trial(**{**changes, "data": data}).corpora_drawn_on() == {"train", *drawn_on}


@pytest.mark.parametrize("name", ["seqkd", "radis"])
def test_a_teacher_that_is_not_there_is_found_before_anything_runs(name, tmp_path, tiny_model_dir):
    variant = {"name": name, "teacher": {"path": "./no/such/model"}}
    config = write_project(tmp_path, tiny_model_dir, variant=variant)
    with pytest.raises(
        ConfigError, match=rf"{name}\.teacher\.path: \./no/such/model: no such folder"
    ):
        preflight(config)


@pytest.mark.parametrize("setting", ["quantise", "device_map"])
def test_a_teacher_that_vllm_cannot_load_is_found_before_anything_runs(
    setting, tmp_path, tiny_model_dir, python_with_vllm
):
    value = {"quantise": "nf4", "device_map": "auto"}[setting]
    variant = {"name": "seqkd", "teacher": {"path": str(tiny_model_dir), setting: value}}
    config = write_project(tmp_path, tiny_model_dir, variant=variant)
    engine = {"engine": "vllm", "vllm": {"python": python_with_vllm}}
    with pytest.raises(ConfigError) as caught:
        preflight(config.replace(generation=engine))
    assert caught.value.message.startswith(
        f"seqkd.teacher.{setting}: found '{value}', and generation."
    )
    assert f"leave seqkd.teacher.{setting} out" in (caught.value.hint or "")


def test_a_teacher_is_looked_for_beside_the_file_that_names_it(tmp_path):
    (tmp_path / "large").mkdir()
    data = {"train": {"path": "train.jsonl"}}
    variant = {"name": "seqkd", "teacher": {"path": "large"}}
    settings = {"model": {"path": "m"}, "eval": {"suites": ["s"]}, "data": data, "variant": variant}
    config = validate(TrialConfig, settings, "trial.yaml", folder=tmp_path)
    assert config.variant.teachers["teacher"]["path"] == str(tmp_path / "large")
