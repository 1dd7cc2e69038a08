"""What all tests share: no network, one CPU thread, a tiny real model on disk."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests import outside

if TYPE_CHECKING:
    from harness.models.chat_model import ChatModel
    from harness.models.generation.generate import HuggingFaceGenerator

# Two busy cores make single draws slow; a law that holds slowly holds.
settings.register_profile("harness", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("harness")

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.pop("HARNESS_DATA", None)  # data of benchmarks come from tests.outside alone


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("outside"):
        outside.skip_without(*mark.args)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = terminalreporter.stats.get("skipped", ())
    for line in outside.summary(report.longrepr[2] for report in skipped):
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Connections to other machines fail at once, instead of waiting or working by chance."""
    if request.node.get_closest_marker("network"):
        return
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"tests use no network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny chat model as a Hugging Face folder; read it, never write to it."""
    from tests.toys.tiny import save_tiny

    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def tiny_chat_model(tiny_model_dir: Path) -> "ChatModel":
    """The tiny chat model in memory, fresh for every test."""
    from harness.models.load import load_chat_model
    from harness.models.spec import ModelSpec

    return load_chat_model(ModelSpec(path=str(tiny_model_dir), device="cpu"))


@pytest.fixture
def tiny(tiny_chat_model: "ChatModel") -> "HuggingFaceGenerator":
    """The tiny chat model as a generator."""
    from harness.models.generation.generate import HuggingFaceGenerator

    return HuggingFaceGenerator(tiny_chat_model, batch_size=4)


@pytest.fixture(scope="session")
def python_with_vllm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter of its own that finds the stand-in for vllm, and the torch it needs."""
    folder = tmp_path_factory.mktemp("vllm") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    standins = Path(__file__).parent / "standins"
    (packages / "vllm.pth").write_text(f"{standins}\n{sysconfig.get_path('purelib')}\n")
    return str(folder / "bin" / "python")


@pytest.fixture(scope="session")
def empty_tracking_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables: a copy of it opens in a tenth of the time."""
    from harness.tracking.tracker import MlflowTracker

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowTracker(f"sqlite:///{path}")
    return path


@pytest.fixture
def tracked_folder(
    tmp_path: Path, empty_tracking_store: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A working directory whose MLflow store, the one a bare ``mlflow ui`` shows, is empty."""
    shutil.copy(empty_tracking_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path
