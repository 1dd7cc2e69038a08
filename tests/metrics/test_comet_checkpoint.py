import shutil
from pathlib import Path

import pytest

from harness.errors import ConfigError, EvaluationError
from harness.metrics.shared.comet_checkpoint import POCKET, find_checkpoint, local_checkpoint


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POCKET, tmp_path / "mine"))


def test_pocket_is_the_shipped_checkpoint_however_it_is_named():
    by_name = find_checkpoint("pocket")
    assert by_name.weights.is_file()
    assert by_name.identity().startswith("pocket@")
    assert find_checkpoint(str(POCKET)).identity() == by_name.identity()
    assert find_checkpoint(str(by_name.weights)).identity() == by_name.identity()


def test_a_copy_has_the_same_content_and_its_own_name(copied):
    name, _, content = find_checkpoint(str(copied)).identity().partition("@")
    assert (name, content) == ("mine", find_checkpoint("pocket").identity().partition("@")[2])


@pytest.mark.parametrize(
    "file", ["checkpoints/model.ckpt", "hparams.yaml", "encoder/tokenizer.json"]
)
def test_another_content_is_another_identity(copied, file):
    before = find_checkpoint(str(copied)).identity()
    with (copied / file).open("a") as handle:
        handle.write("\n")
    assert find_checkpoint(str(copied)).identity() != before


def test_the_recipe_beside_it_is_not_part_of_what_it_is(copied):
    before = find_checkpoint(str(copied)).identity()
    (copied / "RECIPE.json").write_text("{}")
    assert find_checkpoint(str(copied)).identity() == before


def test_what_is_no_checkpoint_is_named_with_what_is_allowed(tmp_path):
    with pytest.raises(ConfigError, match=r"hparams.yaml and .*model.ckpt missing"):
        local_checkpoint(str(tmp_path))


def test_a_hub_id_that_is_not_here_says_where_to_get_it():
    assert local_checkpoint("Unbabel/wmt22-comet-da") is None
    with pytest.raises(EvaluationError, match="is not here and the hub did not give it"):
        find_checkpoint("Unbabel/no-such-comet")
