"""Measures the harness against the usual way to do the same, both in one run, turn by turn.

    python tests/performance/compare.py training      # against Hugging Face Trainer + PEFT
    python tests/performance/compare.py generation    # against batched model.generate, unsorted

Each round runs both on the same tokens, one right after the other, so that a busy machine slows
both. Printed are the ratios of rounds and their median; by wall clock and by CPU time, which a
neighbour disturbs less. ``--write`` keeps the numbers in results.json beside this file.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import metadata
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import DataCollatorForSeq2Seq, GenerationConfig, Trainer, TrainingArguments

from harness.data.prompts import TranslationPrompt
from harness.data.readers import read_pairs
from harness.data.rows import tokenise
from harness.data.spec import CorpusSpec, DataSpec
from harness.models.chat_model import ChatModel
from harness.models.generation.generate import HuggingFaceGenerator
from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from harness.protocols import Sources
from harness.records import Corpora, Decoding, Role, TokenIds, TokenRow
from harness.training.loop import fit
from harness.training.objective import LossTerms
from harness.training.spec import TrainSpec
from harness.variants.radis import Radis

HERE = Path(__file__).parent
POCKET = HERE.parents[1] / "harness" / "pocket" / "files"
BATCH = 16
LORA = LoraSpec(rank=16)
RATE = 2e-3


@dataclass(frozen=True)
class Timing:
    wall: float
    cpu: float
    tokens: int


def timed(work: Callable[[], int]) -> Timing:
    """Runs ``work``, which returns the tokens it dealt with."""
    wall, cpu = time.perf_counter(), time.process_time()
    tokens = work()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu, tokens)


def in_turns(ours: Callable[[], int], theirs: Callable[[], int], rounds: int) -> dict:
    """Both, ``rounds`` times, the first of each turn changing; ratios of tokens per second."""
    found = []
    for number in range(rounds):
        pair = [timed(work) for work in ((ours, theirs) if number % 2 else (theirs, ours))]
        mine, other = pair if number % 2 else pair[::-1]
        found.append((mine, other))
    walls = [m.tokens / m.wall / (o.tokens / o.wall) for m, o in found]
    cpus = [m.tokens / m.cpu / (o.tokens / o.cpu) for m, o in found]
    return {
        "tokens": found[0][0].tokens,
        "ours_tokens_per_cpu_second": round(median(m.tokens / m.cpu for m, _ in found)),
        "theirs_tokens_per_cpu_second": round(median(o.tokens / o.cpu for _, o in found)),
        "ratios_wall": [round(ratio, 2) for ratio in walls],
        "ratios_cpu": [round(ratio, 2) for ratio in cpus],
        "ratio_wall": round(median(walls), 2),
        "ratio_cpu": round(median(cpus), 2),
    }


def chat_model() -> ChatModel:
    return load_chat_model(ModelSpec(path=str(POCKET / "base"), device="cpu"))


def sources(model: ChatModel, num_pairs: int) -> Sources:
    data = DataSpec(train=CorpusSpec(path=str(POCKET / "corpus" / "train.jsonl"), limit=num_pairs))
    generator = HuggingFaceGenerator(model, 64)
    return Sources(Corpora(read_pairs(data.train)), generator, TranslationPrompt(data), 1, {})


def training(rounds: int, num_pairs: int) -> dict:
    """One epoch over RaDis examples, the paper's weights: plain cross-entropy on the answers."""
    model = chat_model()
    made = Radis().examples(sources(model, num_pairs)).examples
    rows = tokenise(made, model.tokenizer.encode, model.tokenizer.ending, 512).rows
    num_tokens = sum(len(row.ids) for row in rows)

    def ours() -> int:
        tuned = attach(chat_model(), LORA, seed=1)
        spec = TrainSpec(learning_rate=RATE, epochs=1, batch_size=BATCH)
        weights = {Role.TRANSLATION: 1.0, Role.RATIONALE: 1.0}
        report = fit(tuned.model, rows, spec, LossTerms(weights), seed=1, pad_id=0)
        assert report.num_tokens == num_tokens
        return num_tokens

    def theirs() -> int:
        tuned = attach(chat_model(), LORA, seed=1)
        with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
            collator = DataCollatorForSeq2Seq(tuned.tokenizer.tokenizer, padding=True)
            trainer(tuned.model, rows, folder, collator, use_cpu=True).train()
        return num_tokens

    return in_turns(ours, theirs, rounds)


def trainer(
    model: Any, rows: Sequence[TokenRow], folder: str, collator: Callable[..., Any], **changes: Any
) -> Trainer:
    """Trainer as people use it: random order, padding to the longest of the batch.

    Args:
        model: With an adapter.
        rows: What to train on, all but prompts with loss.
        folder: Gets nothing, but is asked for.
        collator: Makes a batch of rows.
        changes: Other arguments than those here.
    """
    examples = [
        {
            "input_ids": list(row.ids),
            "attention_mask": [1] * len(row.ids),
            "labels": [
                -100 if role is Role.PROMPT else token
                for token, role in zip(row.ids, row.roles, strict=True)
            ],
        }
        for row in rows
    ]
    arguments: dict[str, Any] = {
        "output_dir": folder,
        "per_device_train_batch_size": BATCH,
        "num_train_epochs": 1,
        "learning_rate": RATE,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.03,
        "max_grad_norm": 1.0,
        "logging_strategy": "no",
        "save_strategy": "no",
        "report_to": "none",
        "seed": 1,
        "disable_tqdm": True,
        "remove_unused_columns": False,
    }
    return Trainer(
        model=model,
        args=TrainingArguments(**(arguments | changes)),
        train_dataset=examples,
        data_collator=collator,
    )


def generation(rounds: int, num_pairs: int) -> dict:
    """Rationales: the base model continues behind each reference, at most 256 tokens, greedy."""
    model = chat_model()
    given = sources(model, num_pairs)
    prompts: list[TokenIds] = []
    for pair in given.corpora.parallel:
        messages = given.prompt.messages(pair.source, pair.source_lang, pair.target_lang)
        prompts.append(
            given.base.tokenizer.encode_chat(messages) + given.base.tokenizer.encode(pair.target)
        )
    answers: dict[str, list[TokenIds]] = {}

    def ours() -> int:
        made = given.base.generate(prompts, Decoding(256))
        answers["ours"] = [one.token_ids for one in made]
        return sum(map(len, answers["ours"]))

    def theirs() -> int:
        answers["theirs"] = unsorted(model, prompts)
        return sum(map(len, answers["theirs"]))

    result = in_turns(ours, theirs, rounds)
    same = [mine == other for mine, other in zip(answers["ours"], answers["theirs"], strict=True)]
    return result | {"prompts": len(prompts), "equal_answers": round(sum(same) / len(same), 4)}


@torch.inference_mode()
def unsorted(model: ChatModel, prompts: list[TokenIds], batch_size: int = 64) -> list[TokenIds]:
    """Batches in the order of the corpus through ``model.generate``."""
    config = GenerationConfig(
        do_sample=False,
        max_new_tokens=256,
        eos_token_id=list(model.tokenizer.end_ids),
        pad_token_id=model.tokenizer.pad_id,
    )
    answers: list[TokenIds] = []
    for start in range(0, len(prompts), batch_size):
        batch = prompts[start : start + batch_size]
        width = max(map(len, batch))
        pads = [width - len(prompt) for prompt in batch]
        ids = [[config.pad_token_id] * pad + list(p) for pad, p in zip(pads, batch, strict=True)]
        mask = [[0] * pad + [1] * (width - pad) for pad in pads]
        made = model.model.generate(
            input_ids=torch.tensor(ids),
            attention_mask=torch.tensor(mask),
            generation_config=config,
        )
        answers += [until_end(row, model) for row in made[:, width:].tolist()]
    return answers


def until_end(tokens: list[int], model: ChatModel) -> TokenIds:
    """The answer with its end token, without the padding behind it."""
    ends = [place for place, token in enumerate(tokens) if token in model.tokenizer.end_ids]
    return tuple(tokens[: ends[0] + 1] if ends else tokens)


def machine() -> dict:
    names = ("torch", "transformers", "peft", "accelerate")
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_average": round(os.getloadavg()[0], 1),
        "versions": {name: metadata.version(name) for name in names},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", help="training, generation; both if none is named")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, help="rows of the corpus (320 and 800)")
    parser.add_argument("--write", action="store_true", help="keep the numbers in results.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    measure = {"training": (training, 320), "generation": (generation, 800)}
    file = HERE / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for what in options.what or list(measure):
        work, pairs = measure[what]
        found = work(options.rounds, options.pairs or pairs)
        results[what] = found | {"machine": machine()}
        print(f"{what}: {json.dumps(found)}", flush=True)
        if options.write:
            file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
