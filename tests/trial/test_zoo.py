"""Every kind of network keeps one contract, from the first loss to the merged model."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from harness.data.examples import load_examples
from harness.data.rows import tokenise
from harness.errors import ConfigError
from harness.models.chat_model import ChatModel
from harness.models.export import export
from harness.models.generation.generate import HuggingFaceGenerator
from harness.models.load import load_chat_model
from harness.models.lora import attach, detach
from harness.models.spec import LoraSpec, ModelSpec
from harness.records import Decoding, Message, Role, StepEvent, TokenRow
from harness.storage.store import Store
from harness.training.batches import collate
from harness.training.packing import check_packing, pack
from harness.training.passes import role_sums
from harness.training.prepare import prepare
from harness.trial.stages import Tuning
from harness.trial.timeline import Timeline
from tests.projects import write_project
from tests.toys.families import FAMILIES, NETWORKS, save_toy

pytestmark = [
    pytest.mark.slow,
    # peft 0.21 reads an attribute that transformers 5.23 has renamed
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
    pytest.mark.filterwarnings("ignore:The following (rank|alpha)_pattern:RuntimeWarning"),
]

ZOO = sorted({**FAMILIES, **NETWORKS})
LONG = "The quick brown fox jumps over the lazy dog. " * 2
TEXTS = ("Der Hund", LONG, "x")


@pytest.fixture(scope="module", params=ZOO)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy(tmp_path_factory.mktemp("zoo") / "model", request.param)


@pytest.fixture
def chat_model(folder: Path) -> ChatModel:
    return load_chat_model(ModelSpec(path=str(folder), device="cpu"))


def prompts_of(chat_model: ChatModel) -> list[tuple[int, ...]]:
    return [chat_model.tokenizer.encode_chat((Message("user", text),)) for text in TEXTS]


def moved(chat_model: ChatModel) -> ChatModel:
    """With an adapter that changes what it says."""
    tuned = attach(chat_model, LoraSpec(rank=2, alpha=8), 1)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        for parameter in tuned.model.parameters():
            if parameter.requires_grad:
                parameter.data += 0.05 * torch.randn_like(parameter)
    return tuned


@pytest.mark.parametrize("adapted", [False, True])
def test_answers_in_a_batch_are_those_of_transformers_one_at_a_time(chat_model, adapted):
    model = moved(chat_model) if adapted else chat_model
    prompts, tokenizer = prompts_of(model), model.tokenizer
    answers = HuggingFaceGenerator(model, batch_size=3).generate(prompts, Decoding(8))
    for prompt, answer in zip(prompts, answers, strict=True):
        with torch.inference_mode():
            ids = model.model.generate(
                input_ids=torch.tensor([prompt]),
                attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
                do_sample=False,
                max_new_tokens=8,
                eos_token_id=list(tokenizer.end_ids),
                pad_token_id=tokenizer.pad_id,
            )
        assert answer.token_ids == tuple(ids[0, len(prompt) :].tolist())


def test_choices_of_a_question_score_as_rows_alone(chat_model):
    prompts = prompts_of(chat_model)
    rows = [(prompt, said) for prompt in prompts for said in ((7, 33, 21), (7,), (9, 4))]
    batched = HuggingFaceGenerator(chat_model, batch_size=6).loglikelihoods(rows)
    alone = HuggingFaceGenerator(chat_model, batch_size=1).loglikelihoods(rows)
    for (one, greedy), (other, expected) in zip(batched, alone, strict=True):
        assert one == pytest.approx(other, abs=1e-4)
        assert greedy == expected


def test_likelihoods_in_a_batch_are_those_of_rows_alone(chat_model):
    rows = [(prompt, (7, 33, 21)[: 1 + n]) for n, prompt in enumerate(prompts_of(chat_model))]
    batched = HuggingFaceGenerator(chat_model, batch_size=3).loglikelihoods(rows)
    alone = HuggingFaceGenerator(chat_model, batch_size=1).loglikelihoods(rows)
    for (one, _), (other, _), (prompt, said) in zip(batched, alone, rows, strict=True):
        logs = chat_model.model(torch.tensor([[*prompt, *said]])).logits[0].log_softmax(-1)
        places = range(len(prompt) - 1, len(prompt) + len(said) - 1)
        plain = sum(float(logs[place, token]) for place, token in zip(places, said, strict=True))
        assert one == pytest.approx(other, abs=1e-3)
        assert one == pytest.approx(plain, abs=1e-3)


def training(folder: Path, model: Path, home: str, on_event: Any = lambda event: None, **train):
    config = write_project(folder, model)
    settings = {"steps": 4, "epochs": None, "log_every": 1, "batch_size": 8, "learning_rate": 1e-2}
    config = config.replace(
        variant={"name": "sft"},
        train=config.train.replace(**settings | {"checkpoint_every": 2} | train),
        lora=config.lora.replace(dropout=0.0),
    )
    return Tuning(config, Store(folder / home), Timeline(on_event))


def losses(folder: Path, model: Path, home: str, **train) -> list[float]:
    events: list[StepEvent] = []

    def keep(event: object) -> None:
        if isinstance(event, StepEvent):
            events.append(event)

    training(folder, model, home, keep, **train).adapter()
    return [event.metrics["train/loss/translation"] for event in events]


def test_the_first_loss_is_that_of_a_plain_computation(tmp_path, folder, chat_model):
    (first, *_) = losses(tmp_path, folder, "home")
    tokenizer = chat_model.tokenizer
    (kept,) = (tmp_path / "home" / "examples").glob("[!.]*")
    rows = tokenise(
        load_examples(kept).examples,
        tokenizer.encode,
        tokenizer.ending,
        512,
        tokenizer.encode_first,
    ).rows
    total, count = 0.0, 0
    for row in rows:
        with torch.inference_mode():
            logs = chat_model.model(torch.tensor([row.ids])).logits[0].log_softmax(-1)
        for place in range(1, len(row.ids)):
            if row.roles[place] is Role.TRANSLATION:
                total -= float(logs[place - 1, row.ids[place]])
                count += 1
    assert len(rows) == 8
    assert first == pytest.approx(total / count, rel=1e-4)


def test_small_batches_and_parts_change_nothing_but_rounding(tmp_path, folder):
    whole = losses(tmp_path, folder, "whole")
    small = losses(tmp_path, folder, "small", micro_batch_tokens=60, gradient_checkpointing=True)
    assert small == pytest.approx(whole, rel=2e-3)
    assert whole[-1] < whole[0]


def test_packed_rows_do_not_see_each_other_or_packing_is_refused(chat_model):
    def row(n: int) -> Any:
        ids = tuple((7 * n + 3 * place) % 90 + 5 for place in range(6 + 5 * n))
        return ids

    rows = [
        TokenRow(f"r{n}", row(n), (Role.PROMPT,) * 3 + (Role.TRANSLATION,) * (len(row(n)) - 3))
        for n in range(4)
    ]
    made = prepare(rows, {Role.TRANSLATION: 1.0})
    padded, _ = role_sums(chat_model.model, [collate(made, 0)], {}, backward=False)
    packed, _ = role_sums(chat_model.model, [pack(made)], {}, backward=False)
    agree = packed[Role.TRANSLATION] == pytest.approx(padded[Role.TRANSLATION], rel=1e-4)
    told = ""
    try:
        check_packing(chat_model.model, made)
    except ConfigError as refusal:
        told = str(refusal)
    assert agree or "train.packing" in told


def test_an_adapter_is_plain_peft_and_the_base_is_the_same_afterwards(tmp_path, folder, chat_model):
    before = {name: value.clone() for name, value in chat_model.model.state_dict().items()}
    built = training(tmp_path, folder, "home").adapter()
    adapter = built.path / "adapter"
    prompt = torch.tensor([prompts_of(chat_model)[1]])
    base = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        plain = PeftModel.from_pretrained(base, adapter).eval()(prompt).logits
    own = load_chat_model(ModelSpec(path=str(folder), device="cpu", adapter=str(adapter)))
    with torch.inference_mode():
        torch.testing.assert_close(own.model(prompt).logits, plain, rtol=0, atol=1e-6)
    detached = detach(moved(chat_model))
    for name, value in detached.model.state_dict().items():
        assert torch.equal(value, before[name]), name
    output = tmp_path / "merged"
    export(ModelSpec(path=str(folder), device="cpu"), adapter, output)
    with torch.inference_mode():
        merged = AutoModelForCausalLM.from_pretrained(output).eval()(prompt).logits
    torch.testing.assert_close(merged, plain, rtol=0, atol=2e-5)


class Stopped(Exception):
    """A training that is ended from without."""


def test_stopped_on_its_way_it_goes_on_to_the_same_bits(tmp_path, folder):
    def stop(event: object) -> None:
        if isinstance(event, StepEvent) and event.step == 3:
            raise Stopped

    with pytest.raises(Stopped):
        training(tmp_path, folder, "stopped", stop).adapter()
    again = training(tmp_path, folder, "stopped").adapter()
    whole = training(tmp_path, folder, "whole").adapter()
    name = "adapter/adapter_model.safetensors"
    found, expected = load_file(again.path / name), load_file(whole.path / name)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert torch.equal(found[key], value), key
