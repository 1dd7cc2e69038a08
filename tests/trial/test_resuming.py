"""A trial killed while it trains: a real process, a real kill, the real store."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from harness.records import StepEvent
from harness.storage.store import Store
from harness.trial.stages import Tuning
from harness.trial.timeline import Timeline
from tests.projects import write_project

ROOT = Path(__file__).parents[2]
KILLED = """
import os, signal, sys
from pathlib import Path
from harness.records import StepEvent
from tests.trial.test_resuming import tuning

def kill(event):
    if isinstance(event, StepEvent) and event.step == 4:
        os.kill(os.getpid(), signal.SIGKILL)

tuning(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], "home", kill).adapter()
"""


def tuning(folder, model, variant, home, on_event=lambda event: None):
    config = write_project(folder, model, variant=variant)
    train = config.train.replace(steps=6, epochs=None, checkpoint_every=3, log_every=1)
    config = config.replace(train=train, lora=config.lora.replace(dropout=0.2))
    return Tuning(config, Store(folder / home), Timeline(on_event))


def weights(built):
    return load_file(built.path / "adapter" / "adapter_model.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["sft", "sdft_onpolicy"])
def test_a_training_killed_midway_ends_with_the_bits_of_one_undisturbed(
    variant, tmp_path, tiny_model_dir
):
    command = [sys.executable, "-W", "ignore", "-c", KILLED, tmp_path, tiny_model_dir, variant]
    killed = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    (kept,) = (tmp_path / "home" / "adapter").glob(".*.checkpoint")
    store = Store(tmp_path / "home")
    assert kept in store.drafts()

    events = []
    again = tuning(tmp_path, tiny_model_dir, variant, "home", events.append).adapter()
    whole = tuning(tmp_path, tiny_model_dir, variant, "undisturbed").adapter()
    assert again.key == whole.key
    assert weights(again).keys() == weights(whole).keys()
    assert all(bool((value == weights(whole)[n]).all()) for n, value in weights(again).items())
    assert [e.step for e in events if isinstance(e, StepEvent)] == [1, 2, 3, 4, 5, 6]
    assert not kept.exists()
    assert store.drafts() == []
