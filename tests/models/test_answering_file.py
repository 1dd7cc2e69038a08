import shutil
from pathlib import Path

import pytest
from safetensors.torch import save_file

from harness.errors import ConfigError
from harness.models.answering_file import (
    ANSWERING_FILE,
    answering_of,
    copy_answering,
    save_answering,
    saved_answering,
)
from harness.models.spec import ModelSpec
from harness.trial.config import load_trial
from harness.trial.run import run_trial

TAGS = {"kind": "tags", "pivot": "en", "chain_tokens": 8}
TRANSLLM = Path(__file__).parents[2] / "sweeps" / "trials" / "transllm.yaml"


def test_what_is_saved_is_read_and_nothing_is_saved_of_plain_answers(tmp_path):
    save_answering(tmp_path, None)
    assert saved_answering(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    save_answering(tmp_path, TAGS)
    assert saved_answering(tmp_path) == TAGS


def test_the_adapter_says_how_the_two_are_asked_together(tmp_path, tiny_model_dir):
    model = Path(shutil.copytree(tiny_model_dir, tmp_path / "model"))
    save_answering(model, TAGS)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}", encoding="utf-8")
    save_file({}, adapter / "adapter_model.safetensors")
    assert answering_of(ModelSpec(path=str(model))) == TAGS
    assert answering_of(ModelSpec(path=str(model), adapter=str(adapter))) is None
    save_answering(adapter, {**TAGS, "chain_tokens": 9})
    found = answering_of(ModelSpec(path=str(tiny_model_dir), adapter=str(adapter)))
    assert found == {**TAGS, "chain_tokens": 9}


def test_copying_leaves_what_the_source_says_alone(tmp_path):
    source, folder = tmp_path / "source", tmp_path / "folder"
    source.mkdir()
    folder.mkdir()
    save_answering(folder, TAGS)
    copy_answering(source, folder)
    assert saved_answering(folder) is None
    save_answering(source, TAGS)
    copy_answering(source, folder)
    assert saved_answering(folder) == TAGS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1]", "found list, allowed a mapping"),
        ("{", "not valid JSON"),
        ('{"pivot": "en"}', "None"),
        ('{"kind": "tag", "pivot": "en"}', "did you mean 'tags'"),
        ('{"kind": "tags", "pivot": "en", "chain_tokens": -1}', "chain_tokens: found -1"),
        ('{"kind": "tags"}', "pivot: missing"),
    ],
)
def test_a_broken_file_is_named_with_what_is_allowed(tmp_path, text, expected):
    (tmp_path / ANSWERING_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        saved_answering(tmp_path)
    assert str(caught.value).count(str(tmp_path / ANSWERING_FILE)) == 1
    assert expected in str(caught.value)


@pytest.mark.slow
def test_an_adapter_evaluated_by_itself_answers_as_it_did_in_its_trial(tmp_path):
    quick = (
        ("train.steps", 3),
        ("data.train.limit", 24),
        ("eval.limit", 4),
        ("eval.suites", ["pocket_german"]),
        ("eval.metrics.comet", {}),
    )
    config = load_trial(TRANSLLM, quick)
    trial = run_trial(config, home=tmp_path)
    adapter = tmp_path / "store" / "adapter" / trial.stages["adapter"] / "adapter"
    model = config.model.replace(adapter=str(adapter))
    again = run_trial(config.replace(model=model, variant="base"), home=tmp_path / "other")
    forced = {name: value for name, value in trial.facts.items() if name.endswith("forced_tags")}
    assert forced
    assert forced == {name: again.facts[name] for name in forced}
    assert again.scores.keys() == trial.scores.keys()
    for key, score in trial.scores.items():
        assert again.scores[key].value == pytest.approx(score.value, abs=1e-6)
