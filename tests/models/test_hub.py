"""Models named by a hub id, from a cache laid out as the hub's client lays it out, offline."""

import shutil
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.models.hub import commit_of, hub_cache
from harness.models.identity import folder_hash, model_identity
from harness.models.load import load_chat_model
from harness.models.provenance import model_provenance
from harness.models.spec import ModelSpec

FIRST, SECOND = "1" * 40, "2" * 40
HUB_ID = "some-lab/toy-1b-chat"


@pytest.fixture
def cached(tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub model in two revisions; returns its folder in the cache."""
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home/hub/models--some-lab--toy-1b-chat"
    for commit in (FIRST, SECOND):
        shutil.copytree(tiny_model_dir, folder / "snapshots" / commit)
    (folder / "snapshots" / FIRST / "LICENSE").write_text("ours")
    (folder / "refs").mkdir()
    (folder / "refs/main").write_text(SECOND)
    (folder / "refs/v1").write_text(FIRST)
    return folder


def spec(**changes: object) -> ModelSpec:
    return ModelSpec.model_validate({"path": HUB_ID, "device": "cpu", **changes})


def fault_of(**changes: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_chat_model(spec(**changes))
    assert HUB_ID in caught.value.message
    return caught.value


def test_a_model_of_the_cache_is_loaded_offline_and_is_the_folder_s(
    cached: Path, tiny_model_dir: Path
) -> None:
    chat_model = load_chat_model(spec())
    assert chat_model.identity == model_identity(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    assert chat_model.identity["content"] == folder_hash(cached / "snapshots" / SECOND)


@pytest.mark.parametrize(
    ("revision", "commit"), [(None, SECOND), ("main", SECOND), ("v1", FIRST), (FIRST, FIRST)]
)
def test_the_commit_that_was_used_is_told(cached: Path, revision: str | None, commit: str) -> None:
    assert model_provenance(spec(revision=revision)) == {
        "hub/id": HUB_ID,
        "hub/revision": revision or "main",
        "hub/commit": commit,
    }


def test_a_folder_that_is_no_snapshot_has_no_commit(tiny_model_dir: Path) -> None:
    assert commit_of(tiny_model_dir) is None
    assert model_provenance(ModelSpec(path=str(tiny_model_dir))) == {}


def test_code_and_pickles_that_were_allowed_are_told(tiny_model_dir: Path) -> None:
    allowed = ModelSpec(path=str(tiny_model_dir), trust_remote_code=True, allow_pickle=True)
    assert model_provenance(allowed) == {"trust_remote_code": "true", "allow_pickle": "true"}


def test_an_id_that_is_not_there_names_the_folder_looked_at_and_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    error = fault_of(revision="v1")
    assert hub_cache() == tmp_path
    assert f"no folder {tmp_path}/models--some-lab--toy-1b-chat" in error.message
    assert "HF_HUB_OFFLINE" in error.message
    assert f"hf download {HUB_ID} --revision v1" in str(error.hint)


def test_a_revision_that_is_not_there_names_those_that_are(cached: Path) -> None:
    error = fault_of(revision="v2")
    assert f"has no revision v2, it has: {FIRST}, {SECOND}, main, v1" in error.message


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_file_that_was_not_fetched_is_named_with_its_folder(cached: Path, name: str) -> None:
    (cached / "snapshots" / SECOND / name).unlink()
    error = fault_of()
    assert str(cached / "snapshots" / SECOND) in error.message
    assert ("safetensors" if name.startswith("model") else name) in error.message
    assert f"hf download {HUB_ID}" in str(error.hint)


def test_a_fetch_that_broke_off_is_named(cached: Path) -> None:
    file = cached / "snapshots" / SECOND / "model.safetensors"
    file.unlink()
    file.symlink_to(cached / "blobs/gone.incomplete")
    assert "model.safetensors: is a link to nothing" in fault_of().message


def test_a_name_that_is_neither_folder_nor_id_says_so() -> None:
    with pytest.raises(ConfigError, match="no such folder, and no hub id"):
        load_chat_model(ModelSpec(path="some lab/toy!", device="cpu"))
