import json
import shutil
from pathlib import Path

import pytest
import torch

from harness.errors import EXIT_USER, ConfigError
from harness.models.identity import folder_hash, model_identity
from harness.models.load import load_chat_model
from harness.models.lora import adapter_facts, attach, detach, load_adapter, save_adapter
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.tokenizer import load_tokenizer
from harness.records import Message
from tests.toys.tiny import save_tiny


@pytest.fixture
def copied(tiny_model_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model_dir, tmp_path / "copied"))


def fault_of(folder: Path | str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_chat_model(ModelSpec(path=str(folder), device="cpu"))
    assert caught.value.exit_code == EXIT_USER
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_a_missing_folder_is_named() -> None:
    assert "no such folder" in fault_of("./nowhere/model")


def test_a_hub_id_that_cannot_be_fetched_says_so() -> None:
    assert "the hub did not give it" in fault_of("nobody/nothing-1b-chat")


def test_a_file_is_no_model(copied: Path) -> None:
    assert "allowed the folder" in fault_of(copied / "config.json")


def test_an_empty_folder_has_all_its_faults_listed_at_once(tmp_path: Path) -> None:
    fault = fault_of(tmp_path)
    for part in ("config.json is missing", "allowed *.safetensors", "no tokenizer"):
        assert part in fault


def test_pickled_weights_are_not_read(copied: Path) -> None:
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    assert "safe_serialization=True" in fault_of(copied)


def test_weights_that_are_cut_off_are_named(copied: Path) -> None:
    file = copied / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert "model.safetensors: not a whole safetensors file" in fault_of(copied)


def test_weights_that_are_something_else_are_named(copied: Path) -> None:
    (copied / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    assert "not a whole safetensors file (42 bytes)" in fault_of(copied)


def test_a_missing_shard_is_named(copied: Path) -> None:
    index = {"weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors"}}
    (copied / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model-00002-of-00002.safetensors is missing" in fault_of(copied)


def test_weights_of_another_shape_are_refused_not_redrawn(copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    assert "weights are missing or misshapen" in fault_of(copied)


def test_a_model_without_chat_template_gets_the_mend(copied: Path) -> None:
    (copied / "chat_template.jinja").unlink()
    assert "take the -Instruct or -Chat version" in fault_of(copied)


def test_a_broken_configuration_is_named(copied: Path) -> None:
    (copied / "config.json").write_text("{not json")
    assert "config.json: not valid JSON" in fault_of(copied)


def test_a_broken_tokenizer_is_named(copied: Path) -> None:
    (copied / "tokenizer.json").write_text("{}")
    assert "the tokenizer cannot be read" in fault_of(copied)


def test_an_adapter_of_another_model_is_refused(copied: Path, tmp_path: Path) -> None:
    other = load_chat_model(
        ModelSpec(path=str(save_tiny(tmp_path / "wide", hidden_size=64)), device="cpu")
    )
    save_adapter(attach(other, LoraSpec(rank=2), 1), tmp_path / "adapter")
    with pytest.raises(ConfigError, match="does not fit"):
        load_chat_model(
            ModelSpec(path=str(copied), adapter=str(tmp_path / "adapter"), device="cpu")
        )


def test_a_folder_without_adapter_is_refused(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"adapter_config\.json is missing"):
        load_chat_model(ModelSpec(path=str(copied), adapter=str(tmp_path), device="cpu"))


def test_the_identity_goes_by_content_not_by_place(tiny_model_dir: Path, copied: Path) -> None:
    spec = ModelSpec(path=str(tiny_model_dir))
    assert model_identity(spec) == model_identity(spec.replace(path=str(copied)))
    (copied / "chat_template.jinja").write_text("{{ messages[0].content }}")
    assert model_identity(spec) != model_identity(spec.replace(path=str(copied)))


def test_a_tokenizer_round_trips_any_text(tiny_model_dir: Path) -> None:
    tokenizer = load_tokenizer(ModelSpec(path=str(tiny_model_dir)))
    assert tokenizer.decode(tokenizer.encode("Grüß 日本 \n\n x")) == "Grüß 日本 \n\n x"


def test_the_end_of_turn_is_what_the_template_writes_behind_an_answer(copied: Path) -> None:
    config = json.loads((copied / "tokenizer_config.json").read_text())
    (copied / "tokenizer_config.json").write_text(json.dumps(config | {"eos_token": "<|pad|>"}))
    stops = {"eos_token_id": [0, 1]}
    (copied / "generation_config.json").write_text(json.dumps(stops))
    tokenizer = load_tokenizer(ModelSpec(path=str(copied)))
    assert tokenizer.end_id == 1
    assert tokenizer.end_ids == (0, 1)


def test_a_chat_the_template_refuses_is_a_configuration_error(copied: Path) -> None:
    (copied / "chat_template.jinja").write_text("{{ raise_exception('no system turns') }}")
    tokenizer = load_tokenizer(ModelSpec(path=str(copied)))
    with pytest.raises(ConfigError, match="refuses the turns system, user: no system turns"):
        tokenizer.encode_chat((Message("system", "s"), Message("user", "u")))


def test_taking_an_adapter_off_leaves_the_base_bit_for_bit(tiny_model_dir: Path) -> None:
    chat_model = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    before = {name: value.clone() for name, value in chat_model.model.state_dict().items()}
    after = detach(attach(chat_model, LoraSpec(rank=4), 1)).model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_adapter_starts_from_its_seed_and_leaves_the_global_stream(
    tiny_model_dir: Path, tmp_path: Path
) -> None:
    spec = ModelSpec(path=str(tiny_model_dir), device="cpu")
    state = torch.random.get_rng_state()
    hashes = set()
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        save_adapter(attach(load_chat_model(spec), LoraSpec(rank=4), seed), tmp_path / name)
        hashes.add(folder_hash(tmp_path / name))
    assert len(hashes) == 2
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_saved_adapter_loads_as_it_was(tiny_model_dir: Path, tmp_path: Path) -> None:
    spec = ModelSpec(path=str(tiny_model_dir), device="cpu")
    tuned = attach(load_chat_model(spec), LoraSpec(rank=3), 1)
    save_adapter(tuned, tmp_path)
    loaded = load_adapter(load_chat_model(spec), tmp_path)
    expected, found = tuned.model.state_dict(), loaded.model.state_dict()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert adapter_facts(loaded) == adapter_facts(tuned)


def test_training_on_top_of_an_adapter_starts_from_the_two_merged(
    tiny_model_dir: Path, tmp_path: Path
) -> None:
    spec = ModelSpec(path=str(tiny_model_dir), device="cpu")
    first = attach(load_chat_model(spec), LoraSpec(rank=2), 1)
    for name, parameter in first.model.named_parameters():
        if "lora_B" in name:
            parameter.data.fill_(0.05)
    save_adapter(first, tmp_path / "first")
    both = load_chat_model(spec.replace(adapter=str(tmp_path / "first")))
    ids = torch.tensor([[7, 8, 9]])
    with torch.inference_mode():
        expected = both.model(ids).logits
        second = attach(both, LoraSpec(rank=2), 2).model.eval()
        assert torch.allclose(second(ids).logits, expected, atol=1e-5)


def test_an_unknown_layer_gets_the_names_of_those_there_are(tiny_model_dir: Path) -> None:
    chat_model = load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))
    with pytest.raises(ConfigError, match=r"found query, allowed all-linear or .*q_proj"):
        attach(chat_model, LoraSpec(target_modules=("query",)), 1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an accelerator")
def test_an_accelerator_that_is_not_there_is_a_configuration_error(tiny_model_dir: Path) -> None:
    with pytest.raises(ConfigError, match=r"set model\.device: cpu"):
        load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cuda"))
