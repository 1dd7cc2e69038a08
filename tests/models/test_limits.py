"""What a model can read: weights its configuration knows, tokens with a row, positions it has."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from harness.errors import ConfigError, DataError
from harness.models.chat_model import ChatModel
from harness.models.generation.generate import HuggingFaceGenerator
from harness.models.limits import Limits, limits_in
from harness.models.load import load_chat_model
from harness.models.spec import ModelSpec
from harness.records import Decoding, Message
from tests.toys.families import save_toy

LONG = "The quick brown fox jumps over the lazy dog. " * 6


def changed(folder: Path, **settings: Any) -> Path:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))
    return folder


def as_architecture(folder: Path, kind: str, **settings: Any) -> Path:
    """The toy Llama's tokenizer and template with a model of another kind."""
    save_toy(folder, "llama")
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    config = AutoConfig.for_model(
        kind, vocab_size=rows, bos_token_id=0, eos_token_id=1, pad_token_id=1, **settings
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


COMMON_SIZES = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256,
}  # fmt: skip
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}


def loaded(folder: Path) -> ChatModel:
    return load_chat_model(ModelSpec(path=str(folder), device="cpu"))


def asked(model: ChatModel, *texts: str):
    return [model.tokenizer.encode_chat((Message("user", text),)) for text in texts]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("model.layers.0.self_attn.q_proj.bias", (32,)),
        ("model.layers.2.mlp.up_proj.weight", (64, 32)),
        ("model.encoder.layers.0.fc1.weight", (4, 4)),
    ],
)
def test_weights_that_the_configuration_does_not_describe_are_refused(tmp_path, name, shape):
    folder = save_toy(tmp_path / "toy", "llama")
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, name: torch.ones(shape)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match="1 weights have no place") as caught:
        loaded(folder)
    assert name in caught.value.message
    assert ("encoder" in str(caught.value.hint)) is ("encoder" in name)


def test_a_padding_token_beyond_the_embeddings_is_not_used(tmp_path):
    model = loaded(save_toy(tmp_path / "toy", "llama"))
    rows = len(model.model.get_input_embeddings().weight)
    model.tokenizer.__dict__["pad_id"] = rows + 3
    assert model.pad_id == model.tokenizer.end_id < rows
    prompts = asked(model, "x", LONG)
    answers = HuggingFaceGenerator(model, batch_size=2).generate(prompts, Decoding(3))
    assert [len(answer.token_ids) for answer in answers] == [3, 3]


def test_a_token_beyond_the_embeddings_is_named_with_the_prompt_it_is_in(tmp_path):
    model = loaded(save_toy(tmp_path / "toy", "llama"))
    rows = len(model.model.get_input_embeddings().weight)
    prompts = [*asked(model, "x"), (5, rows, 5)]
    generator = HuggingFaceGenerator(model, batch_size=2)
    with pytest.raises(DataError, match=rf"prompt 2 of 2: found token {rows}, allowed 0 to"):
        generator.generate(prompts, Decoding(3))
    with pytest.raises(DataError, match=rf"found token {rows + 7}"):
        generator.loglikelihoods([((5,), (rows + 7,))])


def test_a_prompt_beyond_learned_positions_is_refused_before_anything_is_generated(tmp_path):
    model = loaded(as_architecture(tmp_path / "gpt2", "gpt2", **GPT2))
    assert model.limits.positions == 64
    (short,), (long,) = asked(model, "x"), asked(model, LONG)
    generator = HuggingFaceGenerator(model, batch_size=2)
    room = 64 - len(short) + 1
    assert len(generator.generate([short], Decoding(room))[0].token_ids) <= room
    with pytest.raises(DataError, match=rf"{len(short)} tokens and up to {room + 1} of an answer"):
        generator.generate([short], Decoding(room + 1))
    with pytest.raises(DataError, match="for a context of 64") as caught:
        generator.generate([short, long], Decoding(1))
    assert "max_gen_toks" in str(caught.value.hint)
    with pytest.raises(DataError, match="for a context of 64"):
        generator.loglikelihoods([(long, (5, 5))])


def test_beyond_rotary_positions_it_is_said_and_done(tmp_path, caplog):
    folder = changed(save_toy(tmp_path / "toy", "llama"), max_position_embeddings=32)
    model = loaded(folder)
    generator = HuggingFaceGenerator(model, batch_size=2)
    with caplog.at_level(logging.WARNING):
        (answer,) = generator.generate(asked(model, LONG), Decoding(2))
    assert len(answer.token_ids) == 2
    assert "for a context of 32" in caplog.text


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "gpt2", "n_positions": 1024}, (1024, True)),
        ({"model_type": "llama", "max_position_embeddings": 8192}, (8192, False)),
        ({"model_type": "mpt", "max_seq_len": 2048}, (2048, True)),
        ({"model_type": "bloom", "seq_length": 2048}, (None, False)),
        ({"model_type": "falcon", "alibi": True, "max_position_embeddings": 99}, (None, False)),
        (
            {
                "model_type": "gemma3",
                "text_config": {"model_type": "gemma3_text", "max_position_embeddings": 77},
            },
            (77, False),
        ),
        ({"model_type": "new"}, (None, False)),
    ],
)
def test_the_context_is_what_the_configuration_of_the_text_says(config, expected):
    limits = limits_in(config)
    assert (limits.positions, limits.is_fixed) == expected


def test_the_last_token_of_an_answer_is_never_read():
    limits = Limits(None, 10, True)
    assert limits.fault_of(7, 4) is None
    assert limits.fault_of(7, 5) is not None
