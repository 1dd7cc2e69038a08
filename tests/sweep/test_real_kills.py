"""The same twenty kills on the real thing: the command, the pocket model, COMET, MLflow."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow import MlflowClient

from harness.sweep.record import load_sweep

ROOT = Path(__file__).parents[2]
KILLS = 20
SETTINGS = {
    "base.train.steps": "12",
    "base.data.train.limit": "80",
    "base.eval.limit": "10",
    "base.variant.max_rationale_tokens": "16",
    "space.lora.rank": "[2, 3, 4, 6]",
}


def start(home: Path, workers: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "harness.cli.main", "sweep", "sweeps/smoke.yaml", "--quiet"]
    command += [part for path, value in SETTINGS.items() for part in ("--set", f"{path}={value}")]
    command += ["--workers", str(workers), "--home", str(home)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{home}.db"}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> None:
    _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err


def published(home: Path) -> dict[Path, int]:
    """Every finished stage, and when it was finished; a draft's manifest finishes nothing yet."""
    manifests = home.glob("store/*/[!.]*/manifest.json")
    return {path: path.stat().st_mtime_ns for path in manifests}


def kill_some(home: Path, chance: random.Random) -> tuple[int, dict[Path, int]]:
    """Kills the parent or a worker (COMET's among them) at random moments until the sweep is done.

    Returns how many were killed, and every stage that was finished at the moment of a kill.
    """
    process, kills, finished = start(home, 2), 0, dict[Path, int]()
    while kills < KILLS and process.poll() is None:
        time.sleep(chance.uniform(0.5, 6.0))
        try:
            children = psutil.Process(process.pid).children(recursive=True)
            victim = chance.choice([psutil.Process(process.pid), *children])
            finished = published(home) | finished
            victim.kill()
        except psutil.NoSuchProcess:
            continue
        kills += 1
        if victim.pid == process.pid:
            process.communicate()
            process = start(home, 2)
    process.kill()
    process.communicate()
    return kills, finished


def numbers(home: Path) -> list[Any]:
    found = []
    for trial in load_sweep(home, "smoke").trials:
        runs = [[dict(r.scores) for r in some] for some in (trial.results, trial.confirmed)]
        found.append((trial.state, trial.params, trial.values, trial.violations, runs))
    return found


@pytest.mark.slow
def test_twenty_kills_of_a_real_sweep_lose_and_repeat_nothing(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    kills, finished = kill_some(killed, random.Random(1))
    finish(start(killed, 2))
    finish(start(undisturbed, 1))
    assert kills == KILLS

    assert numbers(killed) == numbers(undisturbed)
    assert finished.items() <= published(killed).items()
    assert {path.relative_to(killed) for path in published(killed)} == {
        path.relative_to(undisturbed) for path in published(undisturbed)
    }

    client = MlflowClient(f"sqlite:///{killed}.db")
    experiment = client.get_experiment_by_name("smoke")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    names = [run.info.run_name for run in runs]
    assert len(set(names)) == len(names)
