"""One training by two real processes, which meet through gloo."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from harness.errors import TrainingError
from harness.records import StepEvent
from harness.storage.store import Store
from harness.trial.stages import Tuning
from harness.trial.timeline import Timeline
from tests.projects import write_project

ROOT = Path(__file__).parents[2]


def tuning(folder, model, home, processes, on_event=lambda event: None, **changes):
    """A training of six steps on rows of two lengths; what differs is given."""
    config = write_project(folder, model, **changes.pop("project", {}))
    train = {"steps": 6, "epochs": None, "log_every": 1, "batch_size": 3, "validate_every": 3}
    train |= {"learning_rate": 1e-2, "checkpoint_every": 2} | changes.pop("train", {})
    config = config.replace(
        train=config.train.replace(processes=processes, **train),
        lora=config.lora.replace(dropout=changes.pop("dropout", 0.0)),
        **changes,
    )
    return Tuning(config, Store(folder / home), Timeline(on_event))


def trained(*arguments, **changes):
    """The adapter's weights, and the curves by step."""
    events = []
    built = tuning(*arguments, on_event=events.append, **changes).adapter()
    curves = {event.step: event.metrics for event in events if isinstance(event, StepEvent)}
    return load_file(built.path / "adapter" / "adapter_model.safetensors"), curves


def assert_near(some, others):
    (weights, curves), (expected, usual) = some, others
    assert weights.keys() == expected.keys()
    for name, value in weights.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-5)
    assert curves.keys() == usual.keys()
    for step, metrics in curves.items():
        assert metrics.keys() == usual[step].keys()
        for name, value in metrics.items():
            if "second" not in name and "padding" not in name:
                assert value == pytest.approx(usual[step][name], rel=1e-4, abs=1e-5), name


def test_two_processes_train_what_one_does(tmp_path, tiny_model_dir, caplog):
    others = psutil.Process().children()
    one = trained(tmp_path, tiny_model_dir, "one", 1)
    two = trained(tmp_path, tiny_model_dir, "two", 2)
    assert_near(two, one)
    assert len(one[1]) == 6
    assert set(psutil.Process().children()) <= set(others), "a process outlives the training"
    assert "exit status" not in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["radis", "kl", "ewc", "l2", "sdft_onpolicy"])
def test_so_they_do_with_rationales_penalties_teachers_and_new_rows(
    variant, tmp_path, tiny_model_dir
):
    # a batch of one leaves the second process without a row of its own
    for batch_size in (1, 4):
        same = {"project": {"variant": variant}, "train": {"batch_size": batch_size}}
        place = f"{batch_size}"
        one = trained(tmp_path, tiny_model_dir, f"one{place}", 1, **same)
        two = trained(tmp_path, tiny_model_dir, f"two{place}", 2, **same)
        assert_near(two, one)


KILLED = """
import os, signal, sys
from pathlib import Path
from harness.records import StepEvent
from tests.trial.test_launch import tuning

def kill(event):
    if isinstance(event, StepEvent) and event.step == 5:
        os.kill(os.getpid(), signal.SIGKILL)

tuning(Path(sys.argv[1]), Path(sys.argv[2]), "home", 2, kill, dropout=0.2).adapter()
"""


def run_and_kill(code, tmp_path, model):
    """Runs code that kills itself, and waits until those it trained with have cleaned up."""
    meetings = tmp_path / "meetings"
    meetings.mkdir()
    killed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, tmp_path, model],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(meetings)},
        start_new_session=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    ends = time.monotonic() + 60
    while list(meetings.iterdir()):
        assert time.monotonic() < ends, "another lives on, or what they met by is left"
        time.sleep(0.1)


@pytest.mark.slow
def test_killed_they_go_on_to_the_bits_of_a_training_undisturbed(tmp_path, tiny_model_dir):
    run_and_kill(KILLED, tmp_path, tiny_model_dir)
    again, curves = trained(tmp_path, tiny_model_dir, "home", 2, dropout=0.2)
    whole, usual = trained(tmp_path, tiny_model_dir, "undisturbed", 2, dropout=0.2)
    assert all(torch.equal(value, whole[name]) for name, value in again.items())
    assert {step: m["train/loss"] for step, m in curves.items()} == {
        step: m["train/loss"] for step, m in usual.items()
    }


def kill_the_other(event=None):
    while not (others := psutil.Process().children()):
        time.sleep(0.02)
    others[0].kill()


@pytest.mark.slow
def test_the_death_of_another_on_its_way_ends_the_training(tmp_path, tiny_model_dir):
    killer = threading.Thread(target=kill_the_other)
    killer.start()
    with pytest.raises(TrainingError, match=r"process 2 of 2 ended with exit status -9: it said"):
        tuning(tmp_path, tiny_model_dir, "home", 2).adapter()
    killer.join()


@pytest.mark.slow
def test_so_does_its_death_at_work_and_what_was_kept_is_gone_on_with(tmp_path, tiny_model_dir):
    def at_step_three(event):
        if isinstance(event, StepEvent) and event.step == 3:
            kill_the_other()

    with pytest.raises(TrainingError, match="process 2 of 2 ended with exit status -9"):
        tuning(tmp_path, tiny_model_dir, "home", 2, at_step_three).adapter()
    (kept,) = (tmp_path / "home" / "adapter").glob(".*.checkpoint")
    assert kept.exists()
    again = trained(tmp_path, tiny_model_dir, "home", 2)
    assert_near(again, trained(tmp_path, tiny_model_dir, "one", 1))


@pytest.mark.slow
def test_what_another_lacks_before_they_meet_is_said_here(tmp_path, tiny_model_dir, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(NOTHING_THERE)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TrainingError, match=r"exit status 1: model\.path: gone.* bring it back"):
        tuning(tmp_path, tiny_model_dir, "home", 2).adapter()


NOTHING_THERE = """
import sys

if "harness.trial.launch" in sys.orig_argv:
    from harness.errors import ConfigError
    import harness.trial.resources

    def gone(spec):
        raise ConfigError("model.path: gone", "bring it back")

    harness.trial.resources.load_chat_model = gone
"""


@pytest.mark.slow
def test_killed_with_their_group_they_leave_nothing(tmp_path, tiny_model_dir):
    code = KILLED.replace("os.kill(os.getpid(), signal.SIGKILL)", "os.killpg(0, signal.SIGKILL)")
    run_and_kill(code, tmp_path, tiny_model_dir)


@pytest.mark.slow
def test_what_fails_in_another_is_said_here(tmp_path, tiny_model_dir, monkeypatch):
    # Python runs a sitecustomize on its path first: memory is full in the other process alone.
    (tmp_path / "sitecustomize.py").write_text(FULL)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TrainingError, match=r"process 2 of 2: out of memory with one row at a"):
        tuning(tmp_path, tiny_model_dir, "home", 2).adapter()


FULL = """
import sys

if "harness.trial.launch" in sys.orig_argv:
    import harness.training.trainer as trainer
    import torch

    def full(*arguments, **named):
        raise torch.OutOfMemoryError("no room")

    trainer.role_sums = full
"""
