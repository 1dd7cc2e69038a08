"""Trains on padded and on packed rows, alternately in one run, and compares their speed.

    python tests/performance/packing.py [--attention sdpa|eager|flash_attention_2] [--steps 10]

Rows are of 16 to ``--longest`` tokens, most of them short. Printed per way: share of padding, the
median of tokens a second over the steps, the final loss; then the ratio. On the CPU packing loses:
sdpa and eager attention get a mask as large as the square of the pack, and rows sorted by length
have little padding to begin with (5 % of them, and .3 of the speed, on two cores in November 2026).
It is made for flash attention, with which it has not been measured yet.
"""

import argparse
import os
import random
import statistics

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from peft import LoraConfig, get_peft_model

from harness.records import Role, StepEvent, TokenRow
from harness.training.loop import Hooks, fit
from harness.training.objective import LossTerms
from harness.training.spec import TrainSpec
from tests.toys.tiny import tiny_model


def rows(count: int, longest: int) -> list[TokenRow]:
    """Rows whose lengths are spread evenly on a logarithmic scale."""
    drawn = random.Random(1)
    made = []
    for name in range(count):
        length = round(16 * (longest / 16) ** drawn.random())
        ids = tuple(drawn.randrange(5, 250) for _ in range(length))
        roles = (Role.PROMPT,) * (length // 2) + (Role.TRANSLATION,) * (length - length // 2)
        made.append(TokenRow(str(name), ids, roles))
    return made


def train(packing: bool, given: argparse.Namespace) -> tuple[float, float, float]:
    """Padding, tokens a second at the median step, final loss."""
    torch.manual_seed(1)
    model = tiny_model(hidden_size=given.hidden)
    if given.attention:
        model.set_attn_implementation(given.attention)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = get_peft_model(model.to(device), LoraConfig(target_modules="all-linear"))
    events: list[StepEvent] = []
    spec = TrainSpec(
        steps=given.steps, batch_size=32, log_every=1, max_length=10**6, packing=packing
    )
    report = fit(
        model,
        rows(320, given.longest),
        spec,
        LossTerms({Role.TRANSLATION: 1.0}),
        seed=1,
        pad_id=0,
        hooks=Hooks(lambda event: events.append(event) if isinstance(event, StepEvent) else None),
    )
    speeds = [event.metrics["train/tokens_per_second"] for event in events]
    return report.padding, statistics.median(speeds), report.losses["translation"]


def main() -> None:
    """Trains both ways, three times each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attention", default=None)
    parser.add_argument("--longest", type=int, default=512)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    given = parser.parse_args()
    found: dict[bool, list[tuple[float, float, float]]] = {False: [], True: []}
    for _ in range(3):
        for packing in found:
            found[packing].append(train(packing, given))
    speed = {}
    for packing, runs in found.items():
        padding, _, loss = runs[0]
        speed[packing] = statistics.median(tokens for _, tokens, _ in runs)
        name = "packed" if packing else "padded"
        print(f"{name}: padding {padding:.3f}, {speed[packing]:.0f} tokens/s, loss {loss:.6f}")
    print(f"packed / padded, tokens per second: {speed[True] / speed[False]:.2f}")


if __name__ == "__main__":
    main()
