import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from harness.errors import EvaluationError, MissingExtra
from harness.protocols import LearnedScorer
from harness.records import Split, StepEvent, parse_key
from harness.sweep.configurations import configure
from harness.sweep.messages import Done, Failed, Happened, Run, RunKey
from harness.sweep.spec import SweepSpec
from harness.sweep.workers import Lost, News, Pool

FAKE = "tests.sweep.fake:run"


class Lengths:
    """A learned scorer: the length of the source."""

    def version(self) -> str:
        return "lengths 1"

    def score(
        self, model: Path | str, rows: Sequence[Mapping[str, str]], precision: str
    ) -> list[float]:
        return [float(len(row["src"])) for row in rows]


class Missing(Lengths):
    def score(self, *arguments: object) -> list[float]:
        raise MissingExtra("no COMET here", "make setup")


Start = Callable[..., Pool]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    pools: list[Pool] = []

    def begin(
        runner: str = FAKE,
        size: int = 1,
        learned: LearnedScorer | None = None,
        devices: Sequence[Sequence[str]] = (),
    ) -> Pool:
        pools.append(
            Pool(
                runner,
                home=tmp_path / "home",
                size=size,
                threads=1,
                logs=tmp_path / "logs",
                learned=learned,
                devices=devices,
            )
        )
        return pools[-1]

    yield begin
    for pool in pools:
        pool.close()


def run(spec: SweepSpec, rate: float = 0.1, seed: int = 1) -> Run:
    config = configure(
        spec.base, {"train.learning_rate": rate}, seed=seed, splits=[Split.VALIDATION]
    )
    return Run(RunKey("seed", 0, seed), config)


def drain(pool: Pool, timeout_s: float = 60) -> list[Happened | Done | Failed | Lost]:
    news: list[News] = []
    until = time.monotonic() + timeout_s
    while pool.num_unfinished and time.monotonic() < until:
        news += pool.wait(0.1)
    assert pool.num_unfinished == 0
    return [one.message for one in news]


def test_runs_are_made_and_told_of(start: Start, spec: SweepSpec) -> None:
    pool = start(size=2)
    for seed in (1, 2, 3):
        pool.submit(run(spec, seed=seed))
    news = drain(pool)
    done = [one for one in news if isinstance(one, Done)]
    assert sorted(one.result.seed for one in done) == [1, 2, 3]
    steps = [
        n.event.step for n in news if isinstance(n, Happened) and isinstance(n.event, StepEvent)
    ]
    assert sorted(steps) == sorted([1, 2, 3, 4] * 3)


def test_a_failing_run_is_given_up_with_its_reason(start: Start, spec: SweepSpec) -> None:
    pool = start()
    pool.submit(run(spec, rate=0.5))
    pool.submit(run(spec))
    gave_up, finished = [n for n in drain(pool) if isinstance(n, Failed | Done)]
    assert isinstance(gave_up, Failed)
    assert gave_up.reason == "step 3: the loss is not finite"
    assert isinstance(finished, Done)


def test_a_killed_worker_is_replaced_and_its_run_finished(start: Start, spec: SweepSpec) -> None:
    pool = start()
    pool.submit(run(spec, rate=0.6))
    news = [n for n in drain(pool) if isinstance(n, Lost | Done | Failed)]
    assert [type(one) for one in news] == [Lost, Done]
    assert "SIGKILL" in news[0].reason


def test_a_run_that_crashes_its_workers_is_given_up(start: Start, spec: SweepSpec) -> None:
    pool = start()
    pool.submit(run(spec, rate=0.7))
    news = [n for n in drain(pool) if isinstance(n, Lost | Done | Failed)]
    assert [type(one) for one in news] == [Lost, Lost, Failed]
    assert "died 3 times in the same stage, at last: crashed (SIGABRT)" in news[-1].reason
    assert "worker-0.log" in news[-1].reason


def test_workers_that_cannot_start_say_why(start: Start, spec: SweepSpec) -> None:
    pool = start("tests.sweep.nowhere:run")
    pool.submit(run(spec))
    with pytest.raises(EvaluationError, match=r"cannot start: ModuleNotFoundError.*nowhere"):
        drain(pool)


def test_the_learned_scorer_is_the_parents(
    start: Start, spec: SweepSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LEARNED", "1")
    pool = start(learned=Lengths())
    pool.submit(run(spec))
    (done,) = [n for n in drain(pool) if isinstance(n, Done)]
    score = done.result.scores[parse_key("translation/en_de_validation/comet")]
    assert (score.value, score.signature) == (1.0, "comet|lengths 1")


def test_an_error_of_the_learned_scorer_reaches_the_run(
    start: Start, spec: SweepSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_LEARNED", "1")
    pool = start(learned=Missing())
    pool.submit(run(spec))
    (gave_up,) = [n for n in drain(pool) if isinstance(n, Failed)]
    assert gave_up.reason == "no COMET here"


ORPHAN = """
import os, sys, time
from pathlib import Path
from harness.settings.spec import load_spec
from harness.sweep.messages import Run, RunKey
from harness.sweep.spec import SweepSpec
from harness.sweep.workers import Pool
spec = load_spec(SweepSpec, Path("toy.yaml"))
settings = dict(home=Path("home"), size=2, threads=1, logs=Path("logs"), learned=None)
pool = Pool("tests.sweep.fake:run", **settings)
pool.submit(Run(RunKey("trial", 0), spec.base))
pool.submit(Run(RunKey("trial", 1), spec.base.replace(seed=2)))
while not Path("home/store").exists(): pool.wait(0.1)
print(*[worker.process.pid for worker in pool._workers.values()], flush=True)
time.sleep(60)
"""


def test_workers_end_at_once_when_their_parent_is_killed(
    spec: SweepSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "FAKE_SECONDS": "20"}
    command = [sys.executable, "-c", ORPHAN]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    workers = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert not alive


def test_every_worker_has_a_device_to_itself(
    start: Start, spec: SweepSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SECONDS", "0.3")
    pool = start(size=3, devices=(("2",), ("GPU-1f",)))
    for seed in range(3):
        pool.submit(run(spec, seed=seed))
    environments = [
        child.environ()
        for child in psutil.Process().children()
        if "harness.sweep.worker" in child.cmdline()
    ]
    assert sorted(one["CUDA_VISIBLE_DEVICES"] for one in environments) == ["2", "2", "GPU-1f"]
    drain(pool)
