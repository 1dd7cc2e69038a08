"""Twenty kills at random moments, of the parent or of a worker: nothing is lost or done twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow import MlflowClient

from harness.records import SweepRecord
from harness.sweep.record import load_sweep

ROOT = Path(__file__).parents[2]
SECONDS = "3.0"
"""What a run takes while kills go on: so long that there is work left for the last one, also where
a killed sweep starts again within a second."""


def start(home: str, workers: int, seconds: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FAKE_SECONDS": seconds}
    environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{home}.db"
    command = [sys.executable, "-m", "tests.sweep.driver", "toy.yaml", home, str(workers)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def made(home: str) -> list[str]:
    """A line for every stage that was made, before it is published."""
    return Path(home, "made.log").read_text().splitlines()


def published(home: str) -> set[str]:
    """The stages that are whole, as their lines in that log."""
    manifests = Path(home, "store").glob("*/[!.]*/manifest.json")
    return {f"{path.parts[-3]} {path.parts[-2]}" for path in manifests}


def scores(record: SweepRecord) -> list[Any]:
    found = []
    for trial in record.trials:
        runs = [[dict(r.scores) for r in some] for some in (trial.results, trial.confirmed)]
        found.append((trial.state, trial.params, trial.values, trial.violations, runs))
    return found


def kill_some(home: str, wanted: int, chance: random.Random) -> int:
    """Kills until there were enough or the sweep is done; how many."""
    process, kills = start(home, 2, SECONDS), 0
    while kills < wanted and process.poll() is None:
        time.sleep(chance.uniform(0.1, 1.0))
        try:
            workers = psutil.Process(process.pid).children()
            if not workers and chance.random() < 0.8:
                continue  # mostly at work, sometimes while it starts or ends
            victim = chance.choice([psutil.Process(process.pid), *workers])
            victim.kill()
        except psutil.NoSuchProcess:
            continue
        kills += 1
        if victim.pid == process.pid:
            process.communicate()
            process = start(home, 2, SECONDS)
    if process.poll() not in (None, 0):
        raise AssertionError(process.communicate()[1])
    process.kill()
    process.communicate()
    return kills


@pytest.mark.slow
@pytest.mark.parametrize(("sampler", "wanted"), [("grid", 20), ("random", 6)])
def test_kills_lose_and_repeat_nothing(sweep_file: Path, sampler: str, wanted: int) -> None:
    text = sweep_file.read_text().replace("[4, 8]", "[2, 3, 4, 6]")
    sweep_file.write_text(text.replace("sampler: grid", f"sampler: {sampler}\ntrials: 16"))
    finish(start("undisturbed", 2, "0"))
    assert kill_some("killed", wanted, random.Random(sampler)) == wanted
    end = finish(start("killed", 2, "0"))

    undisturbed, killed = load_sweep(Path("undisturbed"), "toy"), load_sweep(Path("killed"), "toy")
    assert scores(killed) == scores(undisturbed)
    assert tuple(end["front"]) == undisturbed.front

    # killed between its line in the log and its publication, a stage was not finished: no repeat
    assert published("killed") == set(made("killed"))
    assert len(made("killed")) - len(published("killed")) <= 2

    client = MlflowClient("sqlite:///killed.db")
    experiment = client.get_experiment_by_name("toy")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    by_title: dict[str, list[str]] = {}
    for run in runs:
        by_title.setdefault(run.info.run_name, []).append(run.info.status)
    assert {status for found in by_title.values() for status in found} == {"FINISHED"}
    assert all(len(found) == 1 for found in by_title.values())
    assert len(by_title) == 2 + 16 + sum(len(trial.confirmed) for trial in killed.trials)


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_the_same_command_continues(sweep_file: Path) -> None:
    process = start("home", 2, "0.5")
    while not list(Path("home").glob("trials/*.json")):
        time.sleep(0.1)
        assert process.poll() is None
    workers = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in err
    assert not psutil.wait_procs(workers, timeout=2)[1]
    client = MlflowClient("sqlite:///home.db")
    experiment = client.get_experiment_by_name("toy")
    assert experiment is not None
    statuses = {run.info.status for run in client.search_runs([experiment.experiment_id])}
    assert statuses <= {"KILLED", "FINISHED"}
    assert "KILLED" in statuses
    before, whole = made("home"), published("home")
    assert len(set(before)) == len(before)
    finish(start("home", 2, "0"))
    # a stage that was killed between its line in the log and its publication is made again
    after = made("home")[len(before) :]
    assert len(set(after)) == len(after)
    assert not whole & set(after)
    assert published("home") == set(before) | set(after)
    statuses = {run.info.status for run in client.search_runs([experiment.experiment_id])}
    assert statuses == {"FINISHED"}
