"""What a ModelSpec may choose beside a folder: each does what it says, and is said where it was."""

import inspect
import json
import logging
import pickle
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BitsAndBytesConfig

from harness.errors import EXIT_USER, ConfigError, MissingExtra
from harness.models.folder import model_folder
from harness.models.identity import model_identity
from harness.models.load import load_chat_model
from harness.models.quantise import quantise_arguments
from harness.models.spec import ModelSpec
from harness.models.tokenizer import load_tokenizer
from harness.records import Message

IDS = torch.tensor([[7, 8, 9, 10, 11]])


@pytest.fixture
def copied(tiny_model_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model_dir, tmp_path / "copied"))


def spec(folder: Path, **changes: object) -> ModelSpec:
    return ModelSpec.model_validate({"path": str(folder), "device": "cpu", **changes})


def logits(chosen: ModelSpec) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = load_chat_model(chosen).model(IDS).logits
    return found.float()


def test_what_is_not_chosen_is_not_written_down(tiny_model_dir: Path) -> None:
    assert set(spec(tiny_model_dir).plain()) == {
        *("path", "adapter", "revision", "dtype", "device", "trust_remote_code", "threads")
    }
    assert set(model_identity(spec(tiny_model_dir))) == {
        *("content", "chat_template", "dtype", "device", "threads")
    }


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_is_computed_as_chosen(tiny_model_dir: Path, attention: str) -> None:
    chosen = spec(tiny_model_dir, attention=attention)
    chat_model = load_chat_model(chosen)
    assert chat_model.model.config._attn_implementation == attention
    assert chat_model.identity["attention"] == attention
    assert torch.allclose(logits(chosen), logits(spec(tiny_model_dir)), atol=1e-5)


@pytest.mark.skipif(find_spec("flash_attn") is not None, reason="flash-attn is installed")
def test_attention_that_cannot_be_had_here_says_which_can(tiny_model_dir: Path) -> None:
    with pytest.raises(ConfigError, match="sdpa and eager work everywhere"):
        load_chat_model(spec(tiny_model_dir, attention="flash_attention_2"))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_near(tiny_model_dir: Path, dtype: str) -> None:
    exact = logits(spec(tiny_model_dir))
    assert torch.allclose(logits(spec(tiny_model_dir, dtype=dtype)), exact, rtol=0.1, atol=0.5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an accelerator")
def test_a_spread_model_is_the_same_model(tiny_model_dir: Path) -> None:
    spread = ModelSpec(path=str(tiny_model_dir), device_map="auto")
    assert torch.equal(logits(spread), logits(spec(tiny_model_dir)))
    assert model_identity(spread) == model_identity(spec(tiny_model_dir))


def test_a_model_cannot_be_spread_over_one_processor() -> None:
    with pytest.raises(ValueError, match="device_map spreads over accelerators"):
        ModelSpec(path="m", device="cpu", device_map="auto")


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_four_bits_without_the_library_name_it_before_anything_is_loaded(
    tiny_model_dir: Path,
) -> None:
    with pytest.raises(MissingExtra, match="bitsandbytes is not installed") as caught:
        model_folder(spec(tiny_model_dir, quantise="nf4"))
    assert caught.value.exit_code == EXIT_USER
    assert "pip install 'mt-tuning-harness[quantise]'" in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["nf4", "fp4", "int8"])
def test_quantising_is_asked_for_in_words_transformers_knows(kind: str) -> None:
    arguments = quantise_arguments(ModelSpec(path="m", quantise=kind, dtype="bfloat16"))
    assert arguments is not None
    assert set(arguments) <= set(inspect.signature(BitsAndBytesConfig.__init__).parameters)
    four_bits = {"bnb_4bit_quant_type": kind, "bnb_4bit_compute_dtype": "bfloat16"}
    assert (kind == "int8") != (four_bits.items() <= arguments.items())


@pytest.fixture
def pickled(copied: Path) -> Path:
    weights = load_file(copied / "model.safetensors")
    torch.save(weights, copied / "pytorch_model.bin")
    (copied / "model.safetensors").unlink()
    return copied


def test_pickles_are_read_only_where_they_are_allowed(pickled: Path, tiny_model_dir: Path) -> None:
    with pytest.raises(ConfigError, match=r"set model\.allow_pickle: true"):
        load_chat_model(spec(pickled))
    allowed = spec(pickled, allow_pickle=True)
    assert torch.equal(logits(allowed), logits(spec(tiny_model_dir)))


def test_pickles_are_part_of_what_a_model_is(pickled: Path) -> None:
    before = model_identity(spec(pickled, allow_pickle=True))
    weights = torch.load(pickled / "pytorch_model.bin", weights_only=True)
    weights["model.norm.weight"] += 1
    torch.save(weights, pickled / "pytorch_model.bin")
    assert model_identity(spec(pickled, allow_pickle=True)) != before


def test_pickles_change_nothing_where_there_are_safetensors(copied: Path) -> None:
    before = model_identity(spec(copied))
    (copied / "pytorch_model.bin").write_bytes(b"not even a pickle")
    assert model_identity(spec(copied)) == before
    assert torch.equal(logits(spec(copied, allow_pickle=True)), logits(spec(copied)))


class Harmful:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.path), "w"))


def test_a_pickle_that_would_do_something_is_refused(pickled: Path, tmp_path: Path) -> None:
    (pickled / "pytorch_model.bin").write_bytes(pickle.dumps({"a": Harmful(tmp_path / "done")}))
    with pytest.raises(ConfigError, match="the model cannot be read"):
        load_chat_model(spec(pickled, allow_pickle=True))
    assert not (tmp_path / "done").exists()


def test_code_of_a_model_does_not_run_unless_it_is_trusted(copied: Path, tmp_path: Path) -> None:
    config = json.loads((copied / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}
    (copied / "config.json").write_text(json.dumps(config))
    (copied / "own.py").write_text(f"open({str(tmp_path / 'done')!r}, 'w')\n")
    with pytest.raises(ConfigError) as caught:
        load_chat_model(spec(copied))
    assert "set model.trust_remote_code: true" in str(caught.value.hint)
    assert not (tmp_path / "done").exists()


def test_that_code_may_run_is_logged(
    tiny_model_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        load_chat_model(spec(tiny_model_dir, trust_remote_code=True))
    assert "code of the model's own may run" in caplog.text


def test_a_model_without_template_can_be_given_one(copied: Path, tmp_path: Path) -> None:
    (copied / "chat_template.jinja").unlink()
    file = tmp_path / "mine.jinja"
    with pytest.raises(ConfigError, match=r"model\.chat_template: FILE"):
        model_folder(spec(copied))
    with pytest.raises(ConfigError, match=r"mine\.jinja: no such file"):
        model_folder(spec(copied, chat_template=str(file)))
    file.write_text("{% for m in messages %}<{{ m.role }}>{{ m.content }}<|end|>{% endfor %}")
    given = spec(copied, chat_template=str(file))
    # It writes no generation prompt: what it puts before an answer ends the prompt.
    chat = load_tokenizer(given).render_chat((Message("user", "Hi"),))
    assert chat == "<user>Hi<|end|><assistant>"
    before = model_identity(given)
    file.write_text(file.read_text() + " ")
    assert model_identity(given) != before
    assert load_chat_model(given).tokenizer.end_id == 1


def test_a_tokenizer_of_another_model_is_refused(copied: Path) -> None:
    tokenizer = json.loads((copied / "tokenizer.json").read_text())
    for token in tokenizer["added_tokens"]:
        if token["content"] == "<|assistant|>":
            token["id"] = 400
            tokenizer["model"]["vocab"]["<|assistant|>"] = 400
    (copied / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ConfigError, match=r"token 400 .* the model has 261 rows"):
        load_chat_model(spec(copied))
