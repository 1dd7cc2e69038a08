from pathlib import Path

import pytest
import torch

from harness.errors import ConfigError
from harness.models.chat_model import ChatModel
from harness.models.combine import combine, draws
from harness.models.identity import folder_hash
from harness.models.load import load_chat_model
from harness.models.lora import attach, detach, load_adapter, save_adapter
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.updates import low_rank_updates
from tests.toys.tiny import save_tiny

IDS = torch.arange(5, 45).reshape(2, 20)
WEIGHTS = {"one": 0.7, "two": -0.4}


def adapter(folder: Path, model: Path, seed: int, **lora: object) -> Path:
    """An adapter whose dW is not zero."""
    tuned = attach(chat_model(model), LoraSpec(rank=4, alpha=8).replace(**lora), seed)
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in tuned.model.named_parameters():
            if "lora_B" in name:
                value.copy_(0.1 * torch.randn(value.shape, generator=chance))
    save_adapter(tuned, folder)
    return folder


def chat_model(model: Path) -> ChatModel:
    return load_chat_model(ModelSpec(path=str(model), device="cpu"))


def logits(model: Path, folder: Path | None = None) -> torch.Tensor:
    loaded = chat_model(model)
    if folder is not None:
        loaded = load_adapter(loaded, folder)
    with torch.inference_mode():
        return loaded.model(IDS).logits


def deltas(model: Path, folder: Path) -> dict[str, torch.Tensor]:
    tuned = load_adapter(chat_model(model), folder)
    return {u.name: u.delta_OI().double() for u in low_rank_updates(tuned.model, "a test")}


@pytest.fixture
def parts(tiny_model_dir: Path, tmp_path: Path) -> dict[str, Path]:
    return {
        "one": adapter(tmp_path / "one", tiny_model_dir, 1),
        "two": adapter(tmp_path / "two", tiny_model_dir, 2),
    }


def test_scaling_by_one_changes_no_logit(tiny_model_dir, tiny_chat_model, parts, tmp_path):
    combine(
        tiny_chat_model,
        {"source": parts["one"]},
        {"method": "scale", "factor": 1.0},
        tmp_path / "x",
    )
    assert torch.equal(logits(tiny_model_dir, tmp_path / "x"), logits(tiny_model_dir, parts["one"]))


def test_scaling_by_zero_is_the_untuned_model(tiny_model_dir, tiny_chat_model, parts, tmp_path):
    combine(
        tiny_chat_model,
        {"source": parts["one"]},
        {"method": "scale", "factor": 0.0},
        tmp_path / "x",
    )
    assert torch.equal(logits(tiny_model_dir, tmp_path / "x"), logits(tiny_model_dir))


def test_scaling_multiplies_the_update_and_says_its_norm(
    tiny_model_dir, tiny_chat_model, parts, tmp_path
):
    facts = combine(
        tiny_chat_model,
        {"source": parts["one"]},
        {"method": "scale", "factor": 0.3},
        tmp_path / "x",
    )
    whole, part = deltas(tiny_model_dir, parts["one"]), deltas(tiny_model_dir, tmp_path / "x")
    for name, delta in part.items():
        torch.testing.assert_close(delta, 0.3 * whole[name], atol=1e-6, rtol=1e-5)
    norm = sum(float((0.3 * delta).square().sum()) for delta in whole.values()) ** 0.5
    assert facts["train/update_norm"] == pytest.approx(norm, rel=1e-5)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({}, {"rank": 2, "alpha": 3}),
        ({"rslora": True}, {"rslora": True}),
        ({"target_modules": ("q_proj",)}, {"target_modules": ("v_proj",)}),
    ],
    ids=["alike", "other ranks", "rslora", "other layers"],
)
def test_cat_is_exactly_the_weighted_sum_of_the_updates(
    first, second, tiny_model_dir, tiny_chat_model, tmp_path
):
    parts = {
        "one": adapter(tmp_path / "one", tiny_model_dir, 1, **first),
        "two": adapter(tmp_path / "two", tiny_model_dir, 2, **second),
    }
    settings = {"method": "cat", "weights": WEIGHTS}
    facts = combine(tiny_chat_model, parts, settings, tmp_path / "x")
    sides = {name: deltas(tiny_model_dir, folder) for name, folder in parts.items()}
    merged = deltas(tiny_model_dir, tmp_path / "x")
    assert set(merged) == set(sides["one"]) | set(sides["two"])
    for layer, delta in merged.items():
        wanted = sum(WEIGHTS[name] * side[layer] for name, side in sides.items() if layer in side)
        torch.testing.assert_close(delta, wanted, atol=1e-6, rtol=1e-5)
    norm = sum(float(delta.square().sum()) for delta in merged.values()) ** 0.5
    assert facts["train/update_norm"] == pytest.approx(norm, rel=1e-5)


def test_svd_is_the_nearest_update_of_the_parts_rank(
    tiny_model_dir, tiny_chat_model, parts, tmp_path
):
    combine(tiny_chat_model, parts, {"method": "svd", "weights": WEIGHTS}, tmp_path / "x")
    sides = {name: deltas(tiny_model_dir, folder) for name, folder in parts.items()}
    for layer, delta in deltas(tiny_model_dir, tmp_path / "x").items():
        u, s, v = torch.linalg.svd(sum(WEIGHTS[name] * side[layer] for name, side in sides.items()))
        nearest = u[:, :4] @ torch.diag(s[:4]) @ v[:4]
        torch.testing.assert_close(delta, nearest, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "method",
    ["linear", "ties", "ties_svd", "dare_linear", "dare_ties", "magnitude_prune"],
)
def test_the_other_methods_of_peft_give_an_adapter_and_the_same_one_twice(
    method, tiny_model_dir, tiny_chat_model, parts, tmp_path
):
    settings = {"method": method, "weights": WEIGHTS, "density": 0.5, "seed": 3}
    facts = combine(tiny_chat_model, parts, settings, tmp_path / "x")
    assert facts["train/update_norm"] > 0
    combine(tiny_chat_model, parts, settings, tmp_path / "y")
    assert folder_hash(tmp_path / "x") == folder_hash(tmp_path / "y")
    assert not torch.equal(logits(tiny_model_dir, tmp_path / "x"), logits(tiny_model_dir))


def test_only_dare_takes_chances(tiny_chat_model, parts, tmp_path):
    for method in ("dare_linear", "ties"):
        settings = {"method": method, "weights": WEIGHTS, "density": 0.5}
        for seed in (1, 2):
            combine(tiny_chat_model, parts, settings | {"seed": seed}, tmp_path / f"{method}{seed}")
        hashes = {folder_hash(tmp_path / f"{method}{seed}") for seed in (1, 2)}
        assert (len(hashes) == 2) == draws(settings)


def test_the_base_model_is_what_it_was(tiny_model_dir, tiny_chat_model, parts, tmp_path):
    before = {name: value.clone() for name, value in tiny_chat_model.model.state_dict().items()}
    for settings in ({"method": "cat", "weights": WEIGHTS}, {"method": "ties", "weights": WEIGHTS}):
        combine(tiny_chat_model, parts, settings | {"density": 0.5}, tmp_path / settings["method"])
    after = tiny_chat_model.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_what_cannot_be_merged_is_said_and_leaves_the_model_alone(
    tiny_model_dir, tiny_chat_model, parts, tmp_path
):
    parts["two"] = adapter(tmp_path / "small", tiny_model_dir, 2, rank=2)
    with pytest.raises(ConfigError, match=r"merging by linear: .*the same r value"):
        combine(tiny_chat_model, parts, {"method": "linear", "weights": WEIGHTS}, tmp_path / "x")
    with pytest.raises(ConfigError, match="dora"):
        combine(
            tiny_chat_model,
            {"source": adapter(tmp_path / "dora", tiny_model_dir, 1, dora=True)},
            {"method": "scale", "factor": 0.5},
            tmp_path / "x",
        )
    with torch.inference_mode():
        assert torch.equal(tiny_chat_model.model(IDS).logits, logits(tiny_model_dir))


def test_an_adapter_of_another_model_is_refused_whatever_fits_of_it(tmp_path, tiny_model_dir):
    from tests.toys.tiny import tiny_model, tiny_tokenizer

    deeper = tmp_path / "deeper"
    tiny_model(num_layers=3).save_pretrained(deeper)
    tiny_tokenizer().save_pretrained(deeper)
    of_deeper = adapter(tmp_path / "of deeper", deeper, 1)
    with pytest.raises(ConfigError, match="on one side only"):
        load_adapter(chat_model(tiny_model_dir), of_deeper)
    of_tiny = adapter(tmp_path / "of tiny", tiny_model_dir, 1, target_modules=("q_proj",))
    with pytest.raises(ConfigError, match="on one side only"):
        load_adapter(chat_model(deeper), of_tiny)


def test_an_adapter_goes_on_top_of_the_one_the_model_has(tiny_model_dir, parts, tmp_path):
    both = {"method": "cat", "weights": {"one": 1.0, "two": 1.0}}
    combine(chat_model(tiny_model_dir), parts, both, tmp_path / "sum")
    tuned = load_chat_model(
        ModelSpec(path=str(tiny_model_dir), adapter=str(parts["one"]), device="cpu")
    )
    detach(attach(tuned, LoraSpec(rank=2), 1))
    with torch.inference_mode():
        on_top = load_adapter(tuned, parts["two"]).model(IDS).logits
    torch.testing.assert_close(
        on_top, logits(tiny_model_dir, tmp_path / "sum"), atol=1e-4, rtol=1e-4
    )


def test_another_width_is_refused(tmp_path, tiny_model_dir, parts, tiny_chat_model):
    wide = save_tiny(tmp_path / "wide", hidden_size=64)
    parts["two"] = adapter(tmp_path / "of wide", wide, 1)
    with pytest.raises(ConfigError, match="does not fit"):
        combine(tiny_chat_model, parts, {"method": "cat", "weights": WEIGHTS}, tmp_path / "x")
