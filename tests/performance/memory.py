"""Measures the peak of memory of a training step with a large vocabulary, on the CPU.

    python tests/performance/memory.py

One micro-batch of a small body under a head of 128k words, forwards and backwards: with all logits
at once, and in parts of ``train.logits_mib``. Each in a process of its own, one after the other,
because what is measured is the most a process ever held. Printed is how much that is above what it
held before the step, and the time of the step.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from peft import LoraConfig, get_peft_model

from harness.records import Role, TokenRow
from harness.training.batches import micro_batches
from harness.training.passes import role_sums
from harness.training.prepare import prepare
from tests.toys.tiny import tiny_model

VOCABULARY = 128_000


def step(mib: int, positions: int) -> dict[str, float]:
    """One pass in this process; 4 rows of which all but a prompt of 8 tokens carries loss."""
    model = get_peft_model(
        tiny_model(hidden_size=64, vocabulary=VOCABULARY), LoraConfig(target_modules="all-linear")
    )
    length = positions // 4
    roles = (Role.PROMPT,) * 8 + (Role.TRANSLATION,) * length
    rows = [
        TokenRow(str(n), tuple((n + 31 * i) % VOCABULARY for i in range(8 + length)), roles)
        for n in range(4)
    ]
    batches = micro_batches(prepare(rows, {Role.TRANSLATION: 1.0}), 10**6, 0)
    before, start = peak_mib(), time.perf_counter()
    sums, _ = role_sums(
        model, batches, {Role.TRANSLATION: 1 / positions}, backward=True, max_logits=mib * 2**18
    )
    return {
        "peak_mib": round(peak_mib() - before),
        "seconds": round(time.perf_counter() - start, 1),
        "loss": sums[Role.TRANSLATION] / positions,
    }


def peak_mib() -> float:
    """The most this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Runs both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--positions", type=int, default=2048)
    parser.add_argument("--only", type=int, help="this limit in MiB, in this process")
    given = parser.parse_args()
    if given.only is not None:
        print(json.dumps(step(given.only, given.positions)))
        return
    for name, mib in (("all at once", 10**6), ("256 MiB", 256), ("64 MiB", 64)):
        command = [sys.executable, __file__, "--positions", str(given.positions)]
        done = subprocess.run(
            [*command, "--only", str(mib)], capture_output=True, text=True, check=True
        )
        print(f"{name}: {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    main()
