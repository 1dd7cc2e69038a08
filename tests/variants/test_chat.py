"""Chats as the task: what is learnt of them, what it costs, what a trial of them needs."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

from harness.data.rows import tokenise_example
from harness.errors import ConfigError, DataError
from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.tokenizer import load_tokenizer
from harness.protocols import Sources
from harness.records import Corpora, Instruction, Message, Pair, Role, StepEvent
from harness.settings.spec import validate
from harness.training.loop import Hooks, fit
from harness.training.objective import LossTerms
from harness.training.prepare import prepare
from harness.training.spec import TrainSpec
from harness.trial.config import TrialConfig
from harness.trial.run import run_trial
from harness.variants.chat import Chat
from tests.fakes import FixedPrompt, ScriptedGenerator
from tests.projects import write_benchmark, write_corpus, write_lines, write_project

SEVERAL_TURNS = Instruction(
    "i0",
    (
        Message("system", "Be brief."),
        Message("user", "Hi"),
        Message("assistant", "Yo"),
        Message("user", "2+2?"),
    ),
    "4!",
)
CHATS = (
    SEVERAL_TURNS,
    Instruction("i1", (Message("user", "How do I pick a lock?"),), "I can't help with that."),
    Instruction("i2", (Message("user", "Silence!"),)),
)
PAIRS = (Pair("p0", "the dog", "der Hund", "en", "de"),)


def sources(chats=CHATS, pairs=()):
    generator = ScriptedGenerator(lambda prompt: "")
    return Sources(Corpora(pairs, instructions=chats), generator, FixedPrompt(), 1, {})


def row_of(chat: Instruction):
    turns = [{"role": turn.role, "content": turn.content} for turn in chat.messages]
    return {"id": chat.id, "messages": turns} | ({"answer": chat.answer} if chat.answer else {})


def project(folder, model, **changes):
    """A trial on chats alone, with no sentence pair anywhere."""
    path = write_lines(folder / "chats.jsonl", [row_of(chat) for chat in CHATS])
    data = {"instructions": {"path": str(path)}} | changes.pop("data", {})
    return write_project(folder, model, **{"variant": "chat", **changes, "data": data})


# --- what is learnt


def test_each_answered_chat_is_an_example_and_the_others_are_counted():
    made = Chat().examples(sources())
    assert [example.id for example in made.examples] == ["reply/i0", "reply/i1"]
    prompt, answer = made.examples[1].segments
    assert (prompt.role, prompt.text) == (Role.PROMPT, "<user>How do I pick a lock?<assistant>")
    assert (answer.role, answer.text) == (Role.REPLY, "I can't help with that.")
    assert answer.ends_turn
    assert made.facts["chats_without_answer"] == 1


def test_pairs_that_are_there_for_other_methods_are_left_out_and_counted():
    made = Chat().examples(sources(pairs=PAIRS))
    assert made.examples == Chat().examples(sources()).examples
    assert made.facts["dropped_pairs"] == 1


@pytest.mark.parametrize(
    ("chats", "fault"),
    [((), "data.instructions: missing or empty, and the variant chat"),
     (CHATS[2:], "none of 1 chats has an answer, and the variant chat trains on the answers")],
    ids=["no chats", "no answers"],
)  # fmt: skip
def test_where_there_is_nothing_to_learn_it_is_said(chats, fault):
    with pytest.raises(DataError, match=fault):
        Chat().examples(sources(chats))


def prepared_rows(model):
    tokenizer = load_tokenizer(ModelSpec(path=str(model)))
    generator = ScriptedGenerator(lambda prompt: "")
    generator.tokenizer = tokenizer
    of_model = replace(sources(), base=generator)
    return [
        tokenise_example(one, tokenizer.encode, tokenizer.ending, tokenizer.encode_first)
        for one in Chat().examples(of_model).examples
    ], tokenizer


def test_loss_lies_on_the_last_answer_and_its_end_token_and_on_nothing_before(tiny_model_dir):
    """By hand: a byte is a token, and each <|...|> is one.

    <|system|>Be brief.<|end|> is 1 + 9 + 1 = 11 tokens, <|user|>Hi<|end|> and
    <|assistant|>Yo<|end|> 4 each, <|user|>2+2?<|end|> 6, <|assistant|> 1: 26 of the prompt. Then
    "4", "!" and <|end|> are learnt, predicted at the places 25, 26 and 27.
    """
    rows, tokenizer = prepared_rows(tiny_model_dir)
    row = rows[0]
    assert tokenizer.tokenizer.decode(row.ids) == (
        "<|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>Yo<|end|>"
        "<|user|>2+2?<|end|><|assistant|>4!<|end|>"
    )
    assert [role is Role.REPLY for role in row.roles] == [False] * 26 + [True] * 3
    (ready, _) = prepare(rows, Chat().weights)
    assert ready.loss_T.nonzero()[:, 0].tolist() == [25, 26, 27]
    assert tokenizer.tokenizer.convert_ids_to_tokens(ready.targets_N.tolist()) == [
        "4",
        "!",
        "<|end|>",
    ]


def plain_loss(folder, chats):
    """Mean cross-entropy of the answers' tokens, by transformers and its chat template alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    losses = []
    for chat in chats:
        asked = row_of(chat)["messages"]
        said = [*asked, {"role": "assistant", "content": chat.answer}]
        whole = tokenizer.apply_chat_template(said, return_dict=False)
        prompt = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
        assert whole[: len(prompt)] == prompt
        with torch.no_grad():
            logits = model(torch.tensor([whole])).logits[0]
        begin = len(prompt)
        targets = torch.tensor(whole[begin:])
        losses.append(cross_entropy(logits[begin - 1 : -1], targets, reduction="none"))
    return float(torch.cat(losses).mean())


def losses(model, **settings):
    """What training says at each step, and its adapter's weights at the end."""
    rows, tokenizer = prepared_rows(model)
    tuned = attach(
        load_chat_model(ModelSpec(path=str(model), device="cpu")), LoraSpec(rank=4, alpha=8), seed=1
    )
    spec = TrainSpec(steps=3, batch_size=2, learning_rate=1e-2, log_every=1, **settings)
    events: list[StepEvent] = []
    terms = LossTerms(Chat().weights, None, {})
    report = fit(
        tuned.model, rows, spec, terms, seed=1, pad_id=tokenizer.pad_id, hooks=Hooks(events.append)
    )
    return [event.metrics["train/loss"] for event in events], report


def test_the_first_loss_is_that_of_a_plain_computation(tiny_model_dir):
    first, *_ = losses(tiny_model_dir)[0]
    assert first == pytest.approx(plain_loss(tiny_model_dir, CHATS[:2]), rel=1e-5)


def test_micro_batches_packing_and_what_other_roles_would_cost_change_nothing(tiny_model_dir):
    plain, report = losses(tiny_model_dir)
    assert losses(tiny_model_dir, micro_batch_tokens=40)[0] == pytest.approx(plain, abs=1e-5)
    assert losses(tiny_model_dir, packing=True)[0] == pytest.approx(plain, abs=1e-5)
    assert losses(tiny_model_dir, gradient_cosine_points=2)[0] == plain
    # "4!" and "I can't help with that." with an end token each, three times over
    assert report.role_tokens == {"reply": 3 * (3 + 24)}


def test_an_epoch_sees_every_answered_chat_once(tiny_model_dir, tmp_path):
    train = {"epochs": 2, "batch_size": 1, "learning_rate": 0.01}
    config = project(tmp_path, tiny_model_dir, train=train)
    facts = run_trial(config, home=tmp_path / "home").facts
    assert facts["train/steps"] == 2 * 2
    assert facts["train/tokens/reply"] == 2 * (3 + 24)
    assert facts["data/chats_without_answer"] == 1


# --- a trial of it


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_model_dir):
    folder = tmp_path_factory.mktemp("chats")
    held_out = write_lines(folder / "held_out.jsonl", [row_of(chat) for chat in CHATS[1:]])
    config = project(folder, tiny_model_dir, data={"validation": {"path": str(held_out)}})
    config = config.replace(train=config.train.replace(learning_rate=1e-9))
    write_benchmark(
        folder / "benchmarks",
        "mini_general/leaked_validation",
        [{"id": "1", "prompt": "I can't help with that.", "target": "no"}],
        ["exact_match"],
        language="en",
        summary={"metric": "exact_match", "worst": 0.0, "best": 1.0},
    )
    return folder, config, run_trial(config, home=folder / "home")


def test_a_trial_without_a_sentence_pair_is_trained_and_scored_on_translation_too(trained):
    result = trained[2]
    assert {key.suite for key in result.scores} == {"mini_translation", "mini_general"}
    assert [name for name in result.tags if name.startswith("corpus/")] == [
        "corpus/validation",
        "corpus/instructions",
    ]


def test_chats_held_out_give_a_loss_of_answers(trained, tiny_model_dir):
    # the learning rate leaves the model as it was; the chat without an answer is left out
    result, plain = trained[2], plain_loss(tiny_model_dir, CHATS[1:2])
    assert result.facts["train/loss_validation/reply"] == pytest.approx(plain, rel=1e-4)
    assert "train/loss_validation/translation" not in result.facts


def test_an_item_that_is_an_answer_it_learns_is_found(trained):
    assert trained[2].facts["contamination/mini_general/leaked_validation/exact"] == 1.0


def test_pairs_held_out_give_the_loss_that_every_variant_has(trained):
    folder, config, _ = trained
    pairs = {"path": str(write_corpus(folder / "pairs.jsonl", ["Bär"]))}
    kept = config.replace(data={**config.data.plain(), "validation": pairs})
    facts = run_trial(kept, home=folder / "home").facts
    assert "train/loss_validation/translation" in facts
    assert "train/loss_validation/reply" not in facts


def test_held_out_chats_without_an_answer_are_told_and_only_such_are_refused(
    tmp_path, tiny_model_dir, caplog
):
    mixed = write_lines(tmp_path / "mixed.jsonl", [row_of(chat) for chat in CHATS])
    silent = write_lines(tmp_path / "silent.jsonl", [row_of(CHATS[2])])
    config = project(tmp_path, tiny_model_dir, data={"validation": {"path": str(mixed)}})
    run_trial(config, home=tmp_path / "home")
    assert "1 of 3 chats of data.validation have no answer" in caplog.text
    refused = config.replace(data={**config.data.plain(), "validation": {"path": str(silent)}})
    with pytest.raises(DataError, match=r"data\.validation: .*: none of 1 chats has an answer"):
        run_trial(refused, home=tmp_path / "home")


# --- what a configuration of it needs


def trial(**changes):
    settings = {"model": {"path": "m"}, "variant": "chat", "eval": {"suites": ["s"]}}
    return validate(TrialConfig, settings | changes, "trial.yaml")


CHAT_DATA = {"instructions": {"path": "chats.jsonl"}}
PAIR_DATA = {"train": {"path": "train.jsonl"}}


@pytest.mark.parametrize(
    "changes",
    [{}, {"variant": "base", "data": {}}, {"chain": [{"variant": "chat", "train": {"steps": 2}}]}],
    ids=["chat", "base", "chat after chat"],
)
def test_pairs_may_be_left_out(changes):
    assert trial(**{"data": CHAT_DATA, **changes}).data.train is None


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, "data: missing, and the variant chat trains on it"),
        ({"data": PAIR_DATA}, "data.instructions: missing, and the variant chat trains on it"),
        ({"variant": "sft", "data": CHAT_DATA},
         "data.train: missing, and the variant sft trains on it"),
        ({"chain": [{"variant": "replay"}], "data": CHAT_DATA},
         "data.train: missing, and the variant replay trains on it"),
        ({"variant": "sft", "chain": [{"variant": "chat"}], "data": PAIR_DATA},
         "data.instructions: missing, and the variant chat trains on it"),
        ({"variant": {"name": "merge", "adapters": {"general": "chat", "translation": "sft"}},
          "data": CHAT_DATA}, "data.train: missing, and the variant sft trains on it"),
        ({"variant": {"name": "wise", "source": "kl"}, "data": CHAT_DATA},
         "data.train: missing, and the variant kl trains on it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_missing_is_said_with_what_needs_it(changes, fault):
    with pytest.raises(ConfigError) as caught:
        trial(**changes)
    assert caught.value.message == f"trial.yaml: {fault}"


@pytest.mark.parametrize(
    ("changes", "task"),
    [
        ({}, {"instructions"}),
        ({"variant": "sft"}, {"train"}),
        ({"variant": {"name": "wise", "source": "chat"}}, {"instructions"}),
        ({"variant": "sft", "chain": [{"variant": "chat"}]}, {"train", "instructions"}),
    ],
)
def test_pairs_that_are_not_trained_on_are_not_looked_through(changes, task):
    config = trial(**{"data": CHAT_DATA | PAIR_DATA, **changes})
    assert config.corpora_drawn_on() == config.task_corpora() == task


# --- in stages


def test_as_a_stage_of_a_chain_translation_goes_on_with_its_adapter(tmp_path, tiny_model_dir):
    pairs = {"train": {"path": str(tmp_path / "train.jsonl")}}
    chain = [{"variant": "chat", "train": {"steps": 2}}]
    config = project(tmp_path, tiny_model_dir, variant="sft", chain=chain, data=pairs)
    alone = project(tmp_path, tiny_model_dir).replace(
        data=config.data, train=config.train.replace(steps=2)
    )
    result = run_trial(config, home=tmp_path / "home")
    first = run_trial(alone, home=tmp_path / "home")
    assert result.stages["chain1/adapter"] == first.stages["adapter"]
    weights = [
        load_file(tmp_path / f"home/store/adapter/{key}/adapter/adapter_model.safetensors")
        for key in (result.stages["adapter"], first.stages["adapter"])
    ]
    assert any(bool((weights[0][name] != weights[1][name]).any()) for name in weights[0])
