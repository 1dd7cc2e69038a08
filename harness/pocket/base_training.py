"""Trains the pocket base model from scratch: a short loop on one thread, reproducible."""

import itertools
import logging
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from harness.pocket.examples import BaseExample, base_examples
from harness.pocket.tokenizer import END, train_tokenizer
from harness.pocket.world.world import World

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BaseRecipe:
    """Everything that decides the base model beside the world.

    Attributes:
        architecture: ``llama`` or ``gpt_neox``: of the same width, depth and, but for biases,
            number of weights.
        intermediate_size: Of Llama's gated feed-forward layer, three matrices; the two of GPT-NeoX
            are half as wide again.
    """

    architecture: str = "llama"
    seed: int = 1
    hidden_size: int = 128
    intermediate_size: int = 352
    num_layers: int = 4
    num_heads: int = 4
    steps: int = 6800
    batch_tokens: int = 1100
    learning_rate: float = 4e-3
    warmup_steps: int = 100
    pool_batches: int = 80
    question_weight: float = 0.1


@dataclass(frozen=True)
class Row:
    """Token ids of a chat, T of them, and what each weighs in the loss as a target, [T]."""

    ids: list[int]
    weights: list[float]


def tokenizer_texts(world: World, seed: int) -> Iterator[str]:
    """Texts the vocabulary is learnt from: answers, and prompts that are no translation requests.

    Inflected forms are thus mostly a stem and an ending, as fine-tuning must learn to put together.
    """
    for example in itertools.islice(base_examples(world, seed), 12_000):
        if example.skill != "translation":
            for message in example.messages:
                yield message["content"]
        yield example.answer


def encode(tokenizer: PreTrainedTokenizerFast, example: BaseExample, question_weight: float) -> Row:
    """The ids of a chat with its answer and the end token; loss on the answer.

    What is asked weighs a little too, as a chat model has seen questions in its pre-training: so
    that it can write an instruction itself, which some methods ask of it. Requests for translation
    weigh nothing: their German is inflected, and the base model is to be a weak translator.
    """
    prompt = tokenizer.apply_chat_template(
        example.messages, tokenize=False, add_generation_prompt=True
    )
    prompt_ids = tokenizer.encode(prompt, add_special_tokens=False)
    answer_ids = tokenizer.encode(example.answer + END, add_special_tokens=False)
    weight = 0.0 if example.skill == "translation" else question_weight
    weights = [weight] * len(prompt_ids) + [1.0] * len(answer_ids)
    return Row(prompt_ids + answer_ids, [0.0, *weights[1:]])


def batches(
    world: World, tokenizer: PreTrainedTokenizerFast, recipe: BaseRecipe
) -> Iterator[list[Row]]:
    """Batches of the pocket's chats, without end."""
    rows = (
        encode(tokenizer, example, recipe.question_weight)
        for example in base_examples(world, recipe.seed)
    )
    return batched(rows, random.Random(f"batches:{world.seed}:{recipe.seed}"), recipe)


def batched(rows: Iterator[Row], rng: random.Random, recipe: BaseRecipe) -> Iterator[list[Row]]:
    """Batches of about equal numbers of tokens, rows of similar length together, shuffled.

    Args:
        rows: More of them than the steps of the recipe use.
        rng: Shuffles the batches of a pool.
        recipe: How many tokens a batch has, and how many batches a pool.
    """
    while True:
        pool: list[Row] = []
        tokens = 0
        while tokens < recipe.batch_tokens * recipe.pool_batches:
            pool.append(next(rows))
            tokens += len(pool[-1].ids)
        pool.sort(key=lambda row: len(row.ids))
        found: list[list[Row]] = [[]]
        for row in pool:
            if len(row.ids) * (len(found[-1]) + 1) > recipe.batch_tokens:
                found.append([])
            found[-1].append(row)
        rng.shuffle(found)
        yield from found


def collate(rows: list[Row], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pads on the right; causal attention keeps padding out of every real token's view."""
    longest = max(len(row.ids) for row in rows)
    ids_BT = torch.full((len(rows), longest), pad_id)
    weights_BT = torch.zeros(len(rows), longest)
    for place, row in enumerate(rows):
        ids_BT[place, : len(row.ids)] = torch.tensor(row.ids)
        weights_BT[place, : len(row.weights)] = torch.tensor(row.weights)
    return ids_BT, weights_BT


def learning_rate(step: int, recipe: BaseRecipe) -> float:
    """Linear warm-up, then cosine to a hundredth."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / (recipe.steps - recipe.warmup_steps)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def new_model(tokenizer: PreTrainedTokenizerFast, recipe: BaseRecipe) -> PreTrainedModel:
    """A model of the recipe's architecture with random weights."""
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": recipe.hidden_size,
        "num_hidden_layers": recipe.num_layers,
        "num_attention_heads": recipe.num_heads,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "attn_implementation": "sdpa",
    }
    torch.manual_seed(recipe.seed)
    if recipe.architecture == "gpt_neox":
        width = recipe.intermediate_size * 3 // 2
        return GPTNeoXForCausalLM(GPTNeoXConfig(intermediate_size=width, **sizes))
    return LlamaForCausalLM(
        LlamaConfig(
            intermediate_size=recipe.intermediate_size,
            num_key_value_heads=recipe.num_heads,
            **sizes,
        )
    )


def train_base(world: World, folder: Path, recipe: BaseRecipe) -> float:
    """Trains tokenizer and model and saves both; returns the seconds it took."""
    started = time.monotonic()
    tokenizer = train_tokenizer(tokenizer_texts(world, recipe.seed))
    model = new_model(tokenizer, recipe)
    fit(model, batches(world, tokenizer, recipe), recipe)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return time.monotonic() - started


def fit(model: PreTrainedModel, given: Iterator[list[Row]], recipe: BaseRecipe) -> None:
    """Trains a model in place, on one thread: a step a batch, until the recipe's steps are done."""
    torch.set_num_threads(1)
    started = time.monotonic()
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))
    head = model.get_output_embeddings()
    model.train()
    pad_id = int(model.config.pad_token_id)
    for step, rows in enumerate(itertools.islice(given, recipe.steps)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        ids_BT, weights_BT = collate(rows, pad_id)
        hidden_BTH = model.base_model(input_ids=ids_BT).last_hidden_state[:, :-1]
        weights_BT = weights_BT[:, 1:]
        learnt_BT = weights_BT > 0
        logits_NV = head(hidden_BTH[learnt_BT])
        losses_N = functional.cross_entropy(logits_NV, ids_BT[:, 1:][learnt_BT], reduction="none")
        loss = torch.dot(losses_N, weights_BT[learnt_BT]) / weights_BT.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            logger.info(
                "base step %d of %d: loss %.4f, %.0f s",
                step,
                recipe.steps,
                loss.item(),
                time.monotonic() - started,
            )
    model.eval()
