"""The toy models of real architectures go through generation and loss as any model does."""

from pathlib import Path

import pytest
import torch

from harness.data.rows import tokenise
from harness.models.chat_model import ChatModel
from harness.models.generation.generate import HuggingFaceGenerator
from harness.models.load import load_chat_model
from harness.models.spec import ModelSpec
from harness.records import Decoding, Example, Message, Role, Segment
from harness.training.prepare import prepare, self_test
from tests.toys.families import FAMILIES, save_toy

LONG = "The quick brown fox jumps over the lazy dog. " * 3


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def chat_model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder = save_toy(tmp_path_factory.mktemp("toys") / request.param, request.param)
    return load_chat_model(ModelSpec(path=str(folder), device="cpu"))


def test_answers_in_a_batch_are_those_transformers_gives_alone(chat_model: ChatModel) -> None:
    tokenizer = chat_model.tokenizer
    prompts = [
        tokenizer.encode_chat((Message("user", text),)) for text in ("Der Hund", LONG, "x", LONG)
    ]
    assert max(map(len, prompts)) > 16 + 12, "longer than the window of those that have one"
    found = HuggingFaceGenerator(chat_model, batch_size=2).generate(prompts, Decoding(12))
    for prompt, generation in zip(prompts, found, strict=True):
        with torch.inference_mode():
            ids = chat_model.model.generate(
                torch.tensor([prompt]),
                attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
                do_sample=False,
                max_new_tokens=12,
                eos_token_id=list(tokenizer.end_ids),
                pad_token_id=tokenizer.pad_id,
            )
        assert generation.token_ids == tuple(ids[0, len(prompt) :].tolist())


def test_padding_changes_no_loglikelihood_whatever_token_it_is(chat_model: ChatModel) -> None:
    tokenizer = chat_model.tokenizer
    rows = [
        (tokenizer.encode_chat((Message("user", text),)), (*tokenizer.encode_answer(answer), end))
        for text, answer in (("x", "Der Hund"), (LONG, "Das Haus. Der Hund."))
        for end in tokenizer.end_ids
    ]
    together = HuggingFaceGenerator(chat_model, batch_size=len(rows)).loglikelihoods(rows)
    alone = HuggingFaceGenerator(chat_model, batch_size=1).loglikelihoods(rows)
    for (one, _), (other, _) in zip(together, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-3)


def test_the_end_of_a_turn_carries_loss_though_rows_may_be_padded_with_it(
    chat_model: ChatModel,
) -> None:
    tokenizer = chat_model.tokenizer
    asked = (Message("user", "The dog"),)
    prompt = Segment(Role.PROMPT, tokenizer.render_chat(asked), tokenizer.encode_chat(asked))
    answer = Segment(Role.TRANSLATION, "Der Hund", ends_turn=True)
    rows = tokenise(
        [Example("a", (prompt, answer))],
        tokenizer.encode,
        tokenizer.ending,
        512,
        tokenizer.encode_first,
    ).rows
    made = prepare(rows, {Role.TRANSLATION: 1.0})
    self_test(rows, made)
    expected = (*tokenizer.encode_answer("Der Hund"), tokenizer.end_id)
    assert tuple(made[0].targets_N.tolist()) == expected


def test_all_ends_are_stops_and_embeddings_may_have_rows_to_spare(chat_model: ChatModel) -> None:
    tokenizer = chat_model.tokenizer
    family = next(
        one for one in FAMILIES.values() if one.architecture == chat_model.model.config.model_type
    )
    listed = {tokenizer.tokenizer.convert_tokens_to_ids(token) for token in family.ends}
    assert listed <= set(tokenizer.end_ids)
    rows = chat_model.model.get_input_embeddings().weight.shape[0]
    assert rows % 64 == 0
    assert len(tokenizer.tokenizer) <= rows


def test_a_toy_is_drawn_from_its_seed(tmp_path: Path) -> None:
    made = [(save_toy(tmp_path / str(n), "qwen3", seed)) for n, seed in enumerate((0, 0, 1))]
    weights = [(folder / "model.safetensors").read_bytes() for folder in made]
    assert weights[0] == weights[1] != weights[2]
