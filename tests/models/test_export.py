import json
import shutil
from pathlib import Path

import pytest
import torch

from harness.errors import ConfigError, EvaluationError
from harness.models import export as exporting
from harness.models.export import export
from harness.models.identity import folder_hash, model_identity
from harness.models.load import load_chat_model
from harness.models.lora import load_adapter, save_adapter
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.vocabulary import add_tokens, learn_tokens
from tests.models.moved import load, moved, write_tiny
from tests.models.test_combine import IDS, adapter


@pytest.fixture
def trained(tiny_model_dir: Path, tmp_path: Path) -> Path:
    return adapter(tmp_path / "adapter", tiny_model_dir, 1)


def spec(folder: Path, **changes: object) -> ModelSpec:
    return ModelSpec(path=str(folder), device="cpu").replace(**changes)


def said(model: ModelSpec, on_top: Path | None = None) -> torch.Tensor:
    loaded = load_chat_model(model)
    if on_top is not None:
        loaded = load_adapter(loaded, on_top)
    with torch.inference_mode():
        return loaded.model(IDS).logits.float()


@pytest.mark.parametrize("lora", [{}, {"rslora": True}, {"dora": True}])
def test_the_model_written_says_what_the_adapted_one_says(lora, tiny_model_dir, tmp_path):
    trained = adapter(tmp_path / "adapter", tiny_model_dir, 1, **lora)
    made = export(spec(tiny_model_dir), trained, tmp_path / "out")
    assert made.folder == tmp_path / "out"
    assert 0 <= made.difference < 1e-4
    assert made.rounding == pytest.approx(made.difference, abs=1e-5)
    difference = said(spec(tmp_path / "out")) - said(spec(tiny_model_dir), trained)
    assert difference.abs().max() < 1e-4
    assert said(spec(tmp_path / "out")).sub(said(spec(tiny_model_dir))).abs().max() > 0.1


def test_tokenizer_and_template_are_the_bases_to_the_byte(tiny_model_dir, trained, tmp_path):
    base = Path(shutil.copytree(tiny_model_dir, tmp_path / "base"))
    (base / "LICENSE").write_text("as you like")
    export(spec(base), trained, tmp_path / "out")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "LICENSE"):
        assert (tmp_path / "out" / name).read_bytes() == (base / name).read_bytes()
    template = [model_identity(spec(one))["chat_template"] for one in (base, tmp_path / "out")]
    assert template[0] == template[1]


def test_the_recipe_says_where_it_came_from_and_changes_nothing_else(
    tiny_model_dir, trained, tmp_path
):
    export(spec(tiny_model_dir), trained, tmp_path / "out", recipe={"trial": {"seed": 1}})
    recipe = json.loads((tmp_path / "out" / "RECIPE.json").read_text())
    assert recipe["base"]["content"] == folder_hash(tiny_model_dir)
    assert recipe["adapter"]["content"] == folder_hash(trained)
    assert recipe["trial"] == {"seed": 1}
    export(spec(tiny_model_dir), trained, tmp_path / "again")
    assert folder_hash(tmp_path / "out") == folder_hash(tmp_path / "again")


def test_weights_can_be_rounded_and_it_is_said_what_that_moves(tiny_model_dir, trained, tmp_path):
    made = export(spec(tiny_model_dir), trained, tmp_path / "out", dtype="bfloat16")
    assert made.difference < 1e-4 < made.rounding
    assert json.loads((tmp_path / "out" / "config.json").read_text())["dtype"] == "bfloat16"
    size = [(f / "model.safetensors").stat().st_size for f in (tiny_model_dir, tmp_path / "out")]
    assert size[1] < 0.6 * size[0]


def test_weights_keep_the_precision_of_the_bases_files(tiny_model_dir, trained, tmp_path):
    export(spec(tiny_model_dir), trained, tmp_path / "half", dtype="bfloat16")
    assert export(spec(tmp_path / "half"), trained, tmp_path / "out").dtype == "bfloat16"


def test_an_adapter_the_model_has_already_is_merged_too(tiny_model_dir, trained, tmp_path):
    second = adapter(tmp_path / "second", tiny_model_dir, 2)
    base = spec(tiny_model_dir, adapter=str(trained))
    export(base, second, tmp_path / "out")
    difference = said(spec(tmp_path / "out")) - said(base, second)
    assert difference.abs().max() < 1e-4


def test_beyond_the_tolerance_nothing_is_written(tiny_model_dir, trained, tmp_path):
    before = set(tmp_path.iterdir())
    with pytest.raises(EvaluationError, match="differ from the adapter's by up to"):
        export(spec(tiny_model_dir), trained, tmp_path / "out", tolerance=0)
    assert set(tmp_path.iterdir()) == before


def test_an_adapter_that_is_not_finite_is_refused(tiny_model_dir, trained, tmp_path):
    from safetensors.torch import load_file, save_file

    weights = load_file(trained / "adapter_model.safetensors")
    weights[next(name for name in weights if "lora_B" in name)][0, 0] = torch.nan
    save_file(weights, trained / "adapter_model.safetensors")
    with pytest.raises(EvaluationError):
        export(spec(tiny_model_dir), trained, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_does_not_read_back_as_it_was_is_not_given_its_name(
    tiny_model_dir, trained, tmp_path, monkeypatch
):
    copy = exporting._copy_the_rest

    def spoil(model: ModelSpec, source: Path, adapter: Path, draft: Path) -> None:
        copy(model, source, adapter, draft)
        (draft / "chat_template.jinja").write_text(
            "{% for m in messages %}{{ m.content }}{% endfor %}"
        )

    monkeypatch.setattr(exporting, "_copy_the_rest", spoil)  # a disk that lies
    before = set(tmp_path.iterdir())
    with pytest.raises(EvaluationError, match="tokenised otherwise"):
        export(spec(tiny_model_dir), trained, tmp_path / "out")
    assert set(tmp_path.iterdir()) == before


def test_a_folder_with_files_is_not_overwritten_and_an_empty_one_is_taken(
    tiny_model_dir, trained, tmp_path
):
    with pytest.raises(ConfigError, match="is there already"):
        export(spec(tiny_model_dir), trained, trained)
    (tmp_path / "out").mkdir()
    export(spec(tiny_model_dir), trained, tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").is_file()


@pytest.mark.parametrize("tied", [True, False])
def test_trained_embeddings_and_head_are_merged_too(tied, tmp_path):
    model = write_tiny(tmp_path / "model", tied=tied)
    save_adapter(moved(load(model), LoraSpec(rank=2, embeddings=True)), tmp_path / "adapter")
    made = export(spec(model), tmp_path / "adapter", tmp_path / "out")
    assert made.difference < 1e-4
    difference = said(spec(tmp_path / "out")) - said(spec(model), tmp_path / "adapter")
    assert difference.abs().max() < 1e-4


def test_tokens_that_the_adapter_brought_are_written_too(tiny_model_dir, tmp_path):
    text = "Der Hund und der Hund"
    plain = load(tiny_model_dir)
    tuned = moved(add_tokens(plain, learn_tokens(plain.tokenizer, [text], 6)), LoraSpec(rank=2))
    save_adapter(tuned, tmp_path / "adapter")
    export(spec(tiny_model_dir), tmp_path / "adapter", tmp_path / "out")
    written = load(tmp_path / "out")
    assert written.tokenizer.encode(text) == tuned.tokenizer.encode(text)
    assert written.model.config.vocab_size == len(written.model.get_input_embeddings().weight) > 261
