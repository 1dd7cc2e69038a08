"""The steps that are measured: what they train on, and when each ended."""

import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from transformers import TrainerCallback

from harness.records import Role, TokenRow

GIB = 2**30


@dataclass(frozen=True)
class Plan:
    """What both train on: ``batch`` rows of ``length`` tokens a step, a quarter of them prompt."""

    batch: int
    length: int
    steps: int
    warmup: int
    rank: int

    @property
    def num_prompt(self) -> int:
        return self.length // 4

    def rows(self, vocabulary: int) -> list[TokenRow]:
        answer = self.length - self.num_prompt
        roles = (Role.PROMPT,) * self.num_prompt + (Role.TRANSLATION,) * answer
        stream = torch.Generator().manual_seed(1)
        drawn = torch.randint(
            vocabulary, (self.batch * (self.warmup + self.steps), self.length), generator=stream
        )
        return [TokenRow(str(n), tuple(ids), roles) for n, ids in enumerate(drawn.tolist())]


@dataclass
class Clock:
    """When each step ended; behind the warm-up, peak memory counts anew."""

    warmup: int
    on_gpu: bool
    ends: list[float] = field(default_factory=list)

    def tick(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())
        if self.on_gpu and len(self.ends) == self.warmup:
            torch.cuda.reset_peak_memory_stats()

    def seconds(self) -> list[float]:
        """Of each step behind the warm-up."""
        kept = self.ends[self.warmup - 1 :]
        return [end - start for start, end in pairwise(kept)]

    def peak_gib(self) -> float | None:
        return torch.cuda.max_memory_allocated() / GIB if self.on_gpu else None


class Ticking(TrainerCallback):
    """Tells a clock of every optimiser step."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_step_end(self, *args: Any, **settings: Any) -> None:
        self.clock.tick()
