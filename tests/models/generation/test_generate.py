import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GenerationConfig,
    GPT2Config,
    GPT2LMHeadModel,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
)

from harness.models.chat_model import ChatModel
from harness.models.generation.decode import Decoder, draws, pick
from harness.models.generation.generate import HuggingFaceGenerator
from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.protocols import Generator
from harness.records import Decoding, Message, TokenIds

# Ends that an untrained model hits now and then, so that answers have mixed lengths.
ENDS = tuple(range(0, 261, 13))


def some_prompts(count: int = 14) -> list[TokenIds]:
    rng = random.Random(5)
    return [tuple(rng.randrange(5, 261) for _ in range(rng.randrange(1, 40))) for _ in range(count)]


def shake(chat_model: ChatModel) -> ChatModel:
    model = attach(chat_model, LoraSpec(rank=4), seed=1)
    generator = torch.Generator().manual_seed(3)
    for name, parameter in model.model.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    return model


def huggingface_answers(model: ChatModel, prompts: list[TokenIds], limit: int) -> list[TokenIds]:
    config = GenerationConfig(
        do_sample=False, max_new_tokens=limit, eos_token_id=list(ENDS), pad_token_id=0
    )
    answers = []
    for prompt in prompts:
        ids = torch.tensor([prompt])
        made = model.model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=config
        )
        answers.append(tuple(made[0, len(prompt) :].tolist()))
    return answers


def decode(model: ChatModel, prompts: list[TokenIds], **changes: object) -> list[TokenIds]:
    settings = {"decoding": Decoding(12), "batch_size": 6, **changes}
    return Decoder(model.model, ENDS, 0, settings["decoding"], settings["batch_size"]).run(prompts)


def test_greedy_answers_equal_those_of_model_generate(tiny_chat_model: ChatModel) -> None:
    prompts = some_prompts()
    assert decode(tiny_chat_model, prompts) == huggingface_answers(tiny_chat_model, prompts, 12)


def test_answers_have_mixed_lengths_and_end_with_an_end_token(tiny_chat_model: ChatModel) -> None:
    answers = decode(tiny_chat_model, some_prompts(30))
    assert len({len(answer) for answer in answers}) > 4
    for answer in answers:
        assert not set(answer[:-1]) & set(ENDS)
        assert answer[-1] in ENDS or len(answer) == 12


def test_the_order_of_prompts_changes_nothing(tiny_chat_model: ChatModel) -> None:
    prompts = some_prompts()
    assert decode(tiny_chat_model, prompts[::-1]) == decode(tiny_chat_model, prompts)[::-1]


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_the_batch_size_changes_no_answer(tiny_chat_model: ChatModel, batch_size: int) -> None:
    prompts = some_prompts()
    answers = decode(tiny_chat_model, prompts, batch_size=batch_size)
    assert answers == decode(tiny_chat_model, prompts)


def test_a_limit_of_one_token_gives_one_token(tiny_chat_model: ChatModel) -> None:
    answers = decode(tiny_chat_model, some_prompts(), decoding=Decoding(1))
    assert {len(answer) for answer in answers} == {1}


def test_samples_depend_on_seed_and_prompt_alone(tiny_chat_model: ChatModel) -> None:
    prompts = some_prompts(6)
    sampled = decode(tiny_chat_model, prompts, decoding=Decoding(12, 1.0, 7))
    alone = [
        decode(tiny_chat_model, [prompt], decoding=Decoding(12, 1.0, 7))[0] for prompt in prompts
    ]
    other = decode(tiny_chat_model, prompts, decoding=Decoding(12, 1.0, 8))
    assert sampled == alone
    assert sampled != other


def test_samples_follow_the_distribution() -> None:
    logits_BV = torch.tensor([0.5, 0.2, 0.3]).log().expand(1000, 3)
    draws_B1 = (torch.arange(1000) / 1000)[:, None]
    counts = pick(logits_BV, 1.0, draws_B1).bincount()
    assert counts.tolist() == pytest.approx([500, 200, 300], abs=2)
    sharp = torch.tensor([0.25, 0.04, 0.09])
    colder = pick(logits_BV, 0.5, draws_B1).bincount()
    assert colder.tolist() == pytest.approx((1000 * sharp / sharp.sum()).tolist(), abs=2)


def test_draws_come_from_seed_and_prompt() -> None:
    prompts = [(1, 2), (3,)]
    first, again = (draws(prompts, [0, 0], Decoding(5, 1.0, seed)) for seed in (7, 7))
    assert torch.equal(first, again)
    assert torch.equal(first[1], draws([(3,)], [0], Decoding(5, 1.0, 7))[0])
    assert not torch.equal(first, draws(prompts, [0, 0], Decoding(5, 1.0, 8)))
    assert not torch.equal(first, draws(prompts, [1, 1], Decoding(5, 1.0, 7)))
    assert draws([(1, 2)], [0], Decoding(5)).shape == (1, 0)


def test_copies_of_a_prompt_are_sampled_each_and_the_first_as_if_alone(
    tiny: HuggingFaceGenerator,
) -> None:
    prompt, other = some_prompts(2)
    decoding = Decoding(12, 1.0, 7)
    answers = tiny.generate([prompt, other, prompt, prompt], decoding)
    assert len({answer.token_ids for answer in answers}) == 4
    assert [answers[0], answers[1]] == tiny.generate([prompt, other], decoding)
    assert answers == tiny.generate([prompt, other, prompt, prompt], decoding)


def test_copies_of_a_prompt_get_one_greedy_answer(tiny: HuggingFaceGenerator) -> None:
    prompt, _ = some_prompts(2)
    first, second = tiny.generate([prompt, prompt], Decoding(6))
    assert first == second


def test_the_generator_speaks_the_protocol(tiny: HuggingFaceGenerator) -> None:
    assert isinstance(tiny, Generator)


def test_a_generation_says_whether_the_model_ended_its_turn(tiny: HuggingFaceGenerator) -> None:
    prompt = tiny.tokenizer.encode_chat((Message("user", "Grüß Gott"),))
    (generation,) = tiny.generate([prompt], Decoding(9))
    end_id = tiny.chat_model.tokenizer.end_id
    assert generation.finished == (generation.token_ids[-1] == end_id)
    assert generation.text == tiny.chat_model.tokenizer.decode(generation.token_ids)


def test_equal_prompts_get_equal_answers_in_their_places(tiny: HuggingFaceGenerator) -> None:
    first, second = some_prompts(2)
    answers = tiny.generate([first, second, first], Decoding(8))
    assert answers[0] == answers[2]
    assert answers[1] == tiny.generate([second], Decoding(8))[0]


def test_progress_ends_at_one(tiny_chat_model: ChatModel) -> None:
    seen: list[float] = []
    generator = HuggingFaceGenerator(tiny_chat_model, 4, seen.append)
    generator.generate(some_prompts(9), Decoding(5))
    assert len(seen) == 9
    assert seen[-1] == 1.0


def test_an_adapter_changes_answers_and_folding_it_in_does_not(tiny_chat_model: ChatModel) -> None:
    prompts = some_prompts(9)
    plain = HuggingFaceGenerator(tiny_chat_model, 4).generate(prompts, Decoding(16))
    tuned = shake(tiny_chat_model)
    weights = {name: value.clone() for name, value in tuned.model.state_dict().items()}
    answers = HuggingFaceGenerator(tuned, 4).generate(prompts, Decoding(16))
    unfolded = Decoder(tuned.model.eval(), (1,), 0, Decoding(16), 4).run(prompts)
    assert [answer.token_ids for answer in answers] == unfolded
    assert answers != plain
    for name, value in tuned.model.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_generating_leaves_the_training_mode_as_it_was(tiny_chat_model: ChatModel) -> None:
    tuned = shake(tiny_chat_model)
    tuned.model.train()
    HuggingFaceGenerator(tuned, 4).generate(some_prompts(2), Decoding(2))
    assert tuned.model.training


def test_loglikelihoods_equal_those_of_single_rows(tiny: HuggingFaceGenerator) -> None:
    prompts = some_prompts(8)
    rows = list(zip(prompts[:4], prompts[4:], strict=True))
    found = tiny.loglikelihoods(rows)
    for (context, continuation), (value, _) in zip(rows, found, strict=True):
        with torch.inference_mode():
            logits = tiny.chat_model.model(torch.tensor([[*context, *continuation]])).logits[0]
        logs = logits.log_softmax(-1)[len(context) - 1 : -1]
        expected = sum(float(logs[i, token]) for i, token in enumerate(continuation))
        assert value == pytest.approx(expected, rel=1e-5)


def test_choices_that_share_a_question_score_as_rows_alone(tiny: HuggingFaceGenerator) -> None:
    prompts = some_prompts(9)
    questions, words = prompts[:3], prompts[3:]
    rows = [(questions[0], words[n][: n + 1]) for n in range(4)]
    rows += [(questions[1], ()), (questions[1], words[4]), (questions[2], words[5])]
    rows += [(questions[0], words[0][:1])]
    found = tiny.loglikelihoods(rows)
    for row, (value, greedy) in zip(rows, found, strict=True):
        (alone,) = tiny.loglikelihoods([row])
        assert value == pytest.approx(alone[0], abs=1e-5)
        assert greedy == alone[1]


def test_a_question_is_read_once_for_all_its_choices(tiny: HuggingFaceGenerator) -> None:
    question, *words = some_prompts(5)
    read = []

    def note(module: Any, args: Any, given: Any) -> None:
        read.append(given["input_ids"].numel())

    with_note = tiny.chat_model.model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        tiny.loglikelihoods([(question, word) for word in words])
        longest = max(len(word) for word in words) - 1
        assert sum(read) == len(question) + longest * len(words)
        read.clear()
        tiny.loglikelihoods([(question, word[:1]) for word in words])
        assert sum(read) == len(question)
    finally:
        with_note.remove()


def test_loglikelihood_knows_the_greedy_continuation(tiny: HuggingFaceGenerator) -> None:
    prompt = some_prompts(1)[0]
    (greedy,) = tiny.generate([prompt], Decoding(5))
    other = ((greedy.token_ids[0] + 1) % 261, *greedy.token_ids[1:])
    assert [
        is_greedy
        for _, is_greedy in tiny.loglikelihoods(
            [(prompt, greedy.token_ids), (prompt, other), (prompt, ())]
        )
    ] == [True, False, True]


def test_a_bfloat16_adapter_is_not_rounded_into_the_weights(tiny_model_dir: Path) -> None:
    spec = ModelSpec(path=str(tiny_model_dir), device="cpu", dtype="bfloat16")
    tuned = shake(load_chat_model(spec))
    weights = {name: value.clone() for name, value in tuned.model.state_dict().items()}
    (answer,) = HuggingFaceGenerator(tuned, 4).generate(some_prompts(1), Decoding(8))
    assert [answer.token_ids] == Decoder(tuned.model.eval(), (1,), 0, Decoding(8), 4).run(
        some_prompts(1)
    )
    for name, value in tuned.model.state_dict().items():
        assert torch.equal(value, weights[name]), name


SIZES = {
    "vocab_size": 261,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.2,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 0,
}


def other_families() -> dict[str, PreTrainedModel]:
    gpt2 = GPT2Config(
        vocab_size=261, n_embd=32, n_layer=2, n_head=4, n_positions=64, initializer_range=0.2
    )
    gemma2 = Gemma2Config(sliding_window=8, query_pre_attn_scalar=8, **SIZES)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return {
            "a window": MistralForCausalLM(MistralConfig(sliding_window=8, **SIZES)),
            "a window in some layers, capped logits": Gemma2ForCausalLM(gemma2),
            "learned positions": GPT2LMHeadModel(gpt2),
        }


@pytest.mark.slow
@pytest.mark.parametrize(
    "family", ["a window", "a window in some layers, capped logits", "learned positions"]
)
def test_greedy_answers_equal_those_of_model_generate_in_models_with(
    family: str, tiny_chat_model: ChatModel
) -> None:
    model = replace(tiny_chat_model, model=other_families()[family].eval())
    prompts = some_prompts()
    assert decode(model, prompts) == huggingface_answers(model, prompts, 12)
