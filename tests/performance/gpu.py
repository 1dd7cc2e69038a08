"""Measures bf16 LoRA on a 7B-shaped model: the harness against Hugging Face Trainer + PEFT.

    python -m tests.performance.gpu --shape llama-3-8b      # on an accelerator
    python -m tests.performance.gpu --small --output DIR    # a rehearsal on the CPU, toy shape

It was rehearsed on the CPU. It has not been run on an accelerator, and no figures of one are
committed.

The model is built from its configuration with random weights, so nothing is downloaded. Both train
on the same rows of one length, the same number to an optimiser step, so what sorting by length
saves is not in it. The harness starts with a whole step in one micro-batch and halves it while
memory is full; Trainer starts with the micro-batch the harness came to, and that is halved while
memory is full. Both, without and with gradient checkpointing, in one run, one after the other.

Speed is the median of the steps behind the warm-up, peak memory the most torch had allocated in
them. Share of peak is of the FLOP that tuning frozen weights needs, 4 N a token:

    FLOP of a step = 4 N_body tokens + 4 N_head tokens_with_loss

with N_body the parameters of the blocks and N_head those of the head. Attention over the context,
the adapter, and what checkpointing computes again are not counted. Written are gpu.json and gpu.md.
"""

import argparse
import datetime
import gc
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import TrainingArguments, default_data_collator

from harness.errors import TrainingError
from harness.models.chat_model import ChatModel
from harness.models.lora import attach, detach
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.tokenizer import ChatTokenizer
from harness.records import Role, TokenRow
from harness.training.loop import Hooks, fit
from harness.training.objective import LossTerms
from harness.training.spec import TrainSpec
from tests.performance.compare import HERE, RATE, machine, trainer
from tests.performance.shapes import SHAPES, peak_of, random_model, work_of
from tests.performance.steps import Clock, Plan, Ticking
from tests.toys.families import toy_tokenizer


def harness(base: ChatModel, rows: Sequence[TokenRow], plan: Plan, saving: bool) -> dict[str, Any]:
    """The harness's own loop, which finds its micro-batch."""
    clock = Clock(plan.warmup, base.device.type == "cuda")
    spec = TrainSpec(
        learning_rate=RATE,
        epochs=1,
        batch_size=plan.batch,
        micro_batch_tokens=plan.batch * plan.length,
        max_length=max(8, plan.length),
        gradient_checkpointing=saving,
        checkpoint_every=0,
        log_every=1,
    )
    tuned = attach(base, LoraSpec(rank=plan.rank), seed=1)
    weights = {Role.TRANSLATION: 1.0}
    try:
        report = fit(
            tuned.model,
            rows,
            spec,
            LossTerms(weights),
            seed=1,
            pad_id=0,
            hooks=Hooks(lambda event: clock.tick()),
        )
    except TrainingError as error:
        return {"failed": error.message}
    finally:
        detach(tuned)
        free()
    return measured(clock, max(1, report.micro_batch_tokens // plan.length))


def usual(
    base: ChatModel, rows: Sequence[TokenRow], plan: Plan, saving: bool, micro: int
) -> dict[str, Any]:
    """Trainer + PEFT with ``micro`` rows at a time, fewer where memory is full."""
    names = {one.name for one in fields(TrainingArguments)}
    kind = "activation" if "activation_checkpointing" in names else "gradient"
    config = LoraConfig(
        r=plan.rank, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"
    )

    def train(micro: int) -> dict[str, Any]:
        clock = Clock(plan.warmup, base.device.type == "cuda")
        tuned: Any = get_peft_model(base.model, config)
        try:
            with TemporaryDirectory() as folder:
                one = trainer(
                    tuned,
                    rows,
                    folder,
                    default_data_collator,
                    per_device_train_batch_size=micro,
                    gradient_accumulation_steps=plan.batch // micro,
                    bf16=True,
                    use_cpu=not clock.on_gpu,
                    **{
                        f"{kind}_checkpointing": saving,
                        f"{kind}_checkpointing_kwargs": {"use_reentrant": False},
                    },
                )
                one.add_callback(Ticking(clock))
                one.train()
        finally:
            tuned.unload()
            free()
        return measured(clock, micro)

    return halved_while_full(train, micro)


def halved_while_full(train: Callable[[int], dict[str, Any]], micro: int) -> dict[str, Any]:
    """What ``train`` makes of as many rows at a time as there is memory for."""
    while micro:
        try:
            return train(micro)
        except torch.OutOfMemoryError:
            free()
        micro //= 2
    return {"failed": "out of memory with one row at a time"}


def free() -> None:
    """Gives back to the accelerator what nobody holds any more."""
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()


def measured(clock: Clock, micro: int) -> dict[str, Any]:
    """A run in numbers."""
    return {"micro_batch_rows": micro, "seconds": clock.seconds(), "peak_gib": clock.peak_gib()}


def compare(shape: str, plan: Plan, *, small: bool, peak: float | None) -> dict[str, Any]:
    """All four runs."""
    sizes = SHAPES[shape].small() if small else SHAPES[shape]
    model = random_model(sizes, "cpu" if small else "cuda")
    work, rows = work_of(model), plan.rows(sizes.vocabulary)
    base = ChatModel(model, ChatTokenizer(toy_tokenizer("llama")), ModelSpec(path=shape), {})
    tokens = plan.batch * plan.length
    flop = work.flop(tokens, tokens - plan.batch * plan.num_prompt)
    found: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": "cpu (rehearsal)" if small else torch.cuda.get_device_name(),
        "shape": f"{shape}, toy" if small else shape,
        "plan": asdict(plan),
        "parameters": asdict(work),
        "flop_per_step": flop,
        "peak_flop_per_second": peak,
        "runs": [],
        "machine": machine() | {"cuda": torch.version.cuda},
    }
    for saving in (False, True):
        ours = harness(base, rows, plan, saving)
        theirs = usual(base, rows, plan, saving, ours.get("micro_batch_rows", plan.batch))
        for name, run in (("harness", ours), ("Trainer + PEFT", theirs)):
            if "failed" not in run:
                run["tokens_per_second"] = tokens / median(run["seconds"])
                rate = flop / median(run["seconds"])
                run["share_of_peak"] = None if peak is None else rate / peak
            found["runs"].append({"by": name, "checkpointing": saving, **run})
    return found


def shown(found: dict[str, Any]) -> str:
    """The result as Markdown."""

    def cells(run: dict[str, Any]) -> list[str]:
        head = [run["by"], "yes" if run["checkpointing"] else "no"]
        if "failed" in run:
            return [*head, run["failed"], "", "", ""]
        peak, share = run["peak_gib"], run["share_of_peak"]
        return [
            *head,
            str(run["micro_batch_rows"]),
            f"{run['tokens_per_second']:,.0f}",
            "not measured" if peak is None else f"{peak:.1f} GiB",
            "not known" if share is None else f"{share:.0%}",
        ]

    plan, names = found["plan"], ["by", "checkpointing", "rows at a time", "tokens/s"]
    names += ["peak memory", "share of peak"]
    lines = [
        f"# LoRA in bf16, {found['shape']}, on {found['device']}, {found['date']}",
        "",
        f"{plan['batch']} rows of {plan['length']} tokens a step, rank {plan['rank']}, random "
        f"weights; median of {plan['steps']} steps behind {plan['warmup']}. FLOP of a step: "
        f"{found['flop_per_step']:.3g} (4 N a token, see gpu.py); N: {found['parameters']}.",
        "",
        *[f"| {' | '.join(row)} |" for row in (names, ["---"] * 6, *map(cells, found["runs"]))],
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="llama-3-8b")
    parser.add_argument("--small", action="store_true", help="rehearse on the CPU, toy shape")
    parser.add_argument("--batch", type=int, default=64, help="rows a step, a power of two")
    parser.add_argument("--length", type=int, default=512, help="tokens of a row")
    parser.add_argument("--steps", type=int, default=10, help="measured")
    parser.add_argument("--warmup", type=int, default=3, help="steps before those, at least 1")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--peak", type=float, help="TFLOP/s of the device in dense bf16")
    parser.add_argument("--output", type=Path, default=HERE, help="folder for the result")
    given = parser.parse_args()
    if given.batch < 1 or given.batch.bit_count() != 1:
        parser.error(f"--batch: found {given.batch}, allowed a power of two")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # Trainer would spread over all there are
    if not (given.small or torch.cuda.is_available()):
        parser.error("torch sees no usable accelerator; --small rehearses on the CPU")
    plan = Plan(given.batch, given.length, given.steps, max(1, given.warmup), given.rank)
    if given.small:
        plan = Plan(batch=4, length=32, steps=2, warmup=1, rank=4)
    peak = None if given.peak is None else given.peak * 1e12
    if peak is None and not given.small:
        peak = peak_of(torch.cuda.get_device_name())
    found = compare(given.shape, plan, small=given.small, peak=peak)
    given.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1) + "\n"
    (given.output / "gpu.json").write_text(text, encoding="utf-8")
    (given.output / "gpu.md").write_text(shown(found), encoding="utf-8")
    print(shown(found))


if __name__ == "__main__":
    main()
