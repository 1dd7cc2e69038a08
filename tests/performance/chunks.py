"""Measures what answering a list in chunks costs, against the list in one go, turn by turn.

    python -m tests.performance.chunks

The pocket model writes rationales, 16 rows at once. Chunks of 16 batches are the shortest that
``harness.models.generation.chunks`` makes; of 32 batches, as of 256 new tokens at 64 rows. Each
chunk goes into a journal, as in a run. Printed are seconds in chunks over seconds in one go, by CPU
time and by wall clock, and the same of forward passes: on an accelerator a pass takes about as long
for one row as for many, so there it is the passes that count.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch

from harness.models.generation.chunks import ChunkRule
from harness.models.generation.generate import HuggingFaceGenerator
from harness.models.generation.journaled import JournaledGenerator
from harness.records import Decoding, TokenIds
from tests.performance.compare import Timing, chat_model, machine, sources, timed

BATCH = 16
DECODING = Decoding(256)


class Counted(HuggingFaceGenerator):
    """Counts the passes of its model."""

    passes = 0

    def count(self, *_: Any) -> None:
        self.passes += 1


def pass_through(
    generator: Counted, prompts: list[TokenIds], rule: ChunkRule
) -> tuple[Timing, int]:
    """Time and passes of answering the prompts once."""
    generator.passes = 0

    def work() -> int:
        with TemporaryDirectory() as folder:
            journaled = JournaledGenerator(generator, Path(folder), {}, "completions", rule=rule)
            return sum(len(one.token_ids) for one in journaled.generate(prompts, DECODING))

    return timed(work), generator.passes


def compared(
    generator: Counted, prompts: list[TokenIds], batches: int, rounds: int
) -> Mapping[str, Any]:
    """Ratios of chunks of so many batches to one go."""
    whole, cut = ChunkRule(2**40), ChunkRule(1, batches)
    found = []
    for number in range(rounds):
        order = (whole, cut) if number % 2 else (cut, whole)
        pair = [pass_through(generator, prompts, rule) for rule in order]
        found.append(pair if number % 2 else pair[::-1])
    return {
        "chunks": cut.number(len(prompts), DECODING, generator.identity),
        "ratio_cpu": round(median(c.cpu / w.cpu for (w, _), (c, _) in found), 3),
        "ratio_wall": round(median(c.wall / w.wall for (w, _), (c, _) in found), 3),
        "ratio_passes": round(found[0][1][1] / found[0][0][1], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=1200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = Counted(chat_model(), BATCH)
    generator.chat_model.model.register_forward_pre_hook(generator.count)
    given = sources(generator.chat_model, options.pairs)
    prompts = [
        generator.tokenizer.encode_chat(
            given.prompt.messages(one.source, one.source_lang, one.target_lang)
        )
        + generator.tokenizer.encode(one.target)
        for one in given.corpora.parallel
    ]
    for batches in (16, 32):
        found = compared(generator, prompts, batches, options.rounds)
        print(json.dumps({"prompts": len(prompts), "batches": batches, **found}), flush=True)
    print(json.dumps(machine()))


if __name__ == "__main__":
    main()
