"""Measures what a sweep costs beside its forward, backward and generation passes.

    python tests/performance/overhead.py --trials 6

Runs a sweep of the pocket testbed with one worker in a new home folder. Pure time is what the
optimiser steps, the decoding loop and COMET's forward passes took; overhead is the wall time from
the first run's start to the sweep's end, minus pure time, over pure time. Process start-up is left
out: the worker's imports, and COMET's loading (a first score of one row, subtracted). ``--write``
keeps the numbers in overhead.json beside this file.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).parent
SWEEP = HERE.parents[1] / "sweeps" / "pocket.yaml"
LOG = "HARNESS_OVERHEAD_LOG"
WARM_UP = {"src": "The dog is old.", "mt": "Der Hund ist alt.", "ref": "Der Hund ist alt."}


def note(kind: str, seconds: float) -> None:
    with open(os.environ[LOG], "a", encoding="utf-8") as file:
        file.write(json.dumps({"kind": kind, "seconds": seconds, "at": time.time()}) + "\n")


def noted(kind: str, work: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **settings: Any) -> Any:
        start = time.monotonic()
        try:
            return work(*args, **settings)
        finally:
            note(kind, time.monotonic() - start)

    return run


class NotedScorer:
    """COMET with its forward passes timed; the first one, which starts the process, apart."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def version(self) -> str:
        return self.inner.version()

    def score(
        self, model: Path | str, rows: Sequence[Mapping[str, str]], precision: str
    ) -> list[float]:
        if '"comet start"' not in Path(os.environ[LOG]).read_text(encoding="utf-8"):
            noted("comet start", self.inner.score)(model, [WARM_UP], precision)
        return noted("comet", self.inner.score)(model, rows, precision)

    def num_cut(self, model: Path | str, rows: Sequence[Mapping[str, str]]) -> int:
        return noted("comet", self.inner.num_cut)(model, rows)


def noted_trial(config: Any, *, home: Path, on_event: Any = None, learned: Any = None) -> Any:
    """``run_trial`` with its pure parts timed: what the sweep's worker calls."""
    from harness.models.generation.decode import Decoder
    from harness.trial.run import run_trial

    if not getattr(Decoder.run, "noted", False):
        Decoder.run = noted("generate", Decoder.run)
        Decoder.run.noted = True
    note("run", 0.0)
    result = run_trial(
        config,
        home=home,
        on_event=on_event,
        learned=None if learned is None else NotedScorer(learned),
    )
    if "train/seconds" in result.facts:
        note("train", result.facts["train/seconds"])
    return result


def main() -> None:
    from harness.sweep.run import run_sweep
    from harness.sweep.spec import load_sweep_spec

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    spec = load_sweep_spec(SWEEP, [("trials", options.trials), ("confirm", None)])
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        log.touch()
        os.environ[LOG] = str(log)
        run_sweep(
            spec,
            home=Path(folder) / "home",
            workers=1,
            tracking_uri=f"sqlite:///{folder}/mlflow.db",
            runner="tests.performance.overhead:noted_trial",
        )
        end = time.time()
        notes = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    total = {
        kind: sum(one["seconds"] for one in notes if one["kind"] == kind)
        for kind in ("train", "generate", "comet", "comet start")
    }
    wall = end - min(one["at"] for one in notes if one["kind"] == "run") - total["comet start"]
    pure = total["train"] + total["generate"] + total["comet"]
    found = {
        "trials": options.trials,
        "wall_s": round(wall, 1),
        "pure_s": {kind: round(total[kind], 1) for kind in ("train", "generate", "comet")},
        "overhead": round(wall / pure - 1, 3),
    }
    print(json.dumps(found, indent=1))
    if options.write:
        (HERE / "overhead.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
