import random

import pytest
import torch
from transformers import GenerationConfig

from harness.models.chat_model import ChatModel
from harness.models.decode import Decoder
from harness.models.generate import HuggingFaceGenerator
from harness.models.lora import attach
from harness.models.spec import LoraSpec
from harness.protocols import Generator
from harness.records import Decoding, Message, TokenIds

# Ends that an untrained model hits now and then, so that answers have mixed lengths.
ENDS = tuple(range(0, 261, 13))


def some_prompts(count: int = 23) -> list[TokenIds]:
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
    settings = {"decoding": Decoding(24), "batch_size": 6, **changes}
    return Decoder(model.model, ENDS, 0, settings["decoding"], settings["batch_size"]).run(prompts)


def test_greedy_answers_equal_those_of_model_generate(tiny_chat_model: ChatModel) -> None:
    prompts = some_prompts()
    assert decode(tiny_chat_model, prompts) == huggingface_answers(tiny_chat_model, prompts, 24)


def test_answers_have_mixed_lengths_and_end_with_an_end_token(tiny_chat_model: ChatModel) -> None:
    answers = decode(tiny_chat_model, some_prompts(60))
    assert len({len(answer) for answer in answers}) > 4
    for answer in answers:
        assert not set(answer[:-1]) & set(ENDS)
        assert answer[-1] in ENDS or len(answer) == 24


def test_the_order_of_prompts_changes_nothing(tiny_chat_model: ChatModel) -> None:
    prompts = some_prompts()
    shuffled = prompts[::-1]
    assert decode(tiny_chat_model, shuffled) == decode(tiny_chat_model, prompts)[::-1]


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_the_batch_size_changes_no_answer(tiny_chat_model: ChatModel, batch_size: int) -> None:
    prompts = some_prompts()
    answers = decode(tiny_chat_model, prompts, batch_size=batch_size)
    assert answers == decode(tiny_chat_model, prompts)


def test_a_limit_of_one_token_gives_one_token(tiny_chat_model: ChatModel) -> None:
    answers = decode(tiny_chat_model, some_prompts(), decoding=Decoding(1))
    assert {len(answer) for answer in answers} == {1}


def test_samples_depend_on_seed_and_prompt_alone(tiny_chat_model: ChatModel) -> None:
    prompts = some_prompts()
    sampled = decode(tiny_chat_model, prompts, decoding=Decoding(24, 1.0, 7))
    alone = [
        decode(tiny_chat_model, [prompt], decoding=Decoding(24, 1.0, 7))[0] for prompt in prompts
    ]
    other = decode(tiny_chat_model, prompts, decoding=Decoding(24, 1.0, 8))
    assert sampled == alone
    assert sampled != other


def test_samples_follow_the_distribution(tiny_chat_model: ChatModel) -> None:
    prompt = some_prompts(1)[0]
    with torch.inference_mode():
        shares = tiny_chat_model.model(torch.tensor([prompt])).logits[0, -1].softmax(-1)
    likeliest = int(shares.argmax())
    drawn = [
        decode(tiny_chat_model, [prompt], decoding=Decoding(1, 1.0, seed))[0][0]
        for seed in range(400)
    ]
    share = float(shares[likeliest])
    tolerance = 4 * (share * (1 - share) / 400) ** 0.5
    assert drawn.count(likeliest) / 400 == pytest.approx(share, abs=tolerance)


def test_the_generator_speaks_the_protocol(tiny: HuggingFaceGenerator) -> None:
    assert isinstance(tiny, Generator)


def test_a_generation_says_whether_the_model_ended_its_turn(tiny: HuggingFaceGenerator) -> None:
    prompt = tiny.encode_chat((Message("user", "Grüß Gott"),))
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
