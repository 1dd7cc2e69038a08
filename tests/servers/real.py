"""``transformers serve`` as a process of its own, on loopback."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 120


@dataclass
class Served:
    """A server that is up.

    Attributes:
        url: Where, up to the version.
        model: What it calls its model.
        log: Where it writes; a line for every request.
    """

    url: str
    model: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def settings(self) -> dict[str, object]:
        """Of a ``ServerSpec``."""
        return {"url": self.url, "model": self.model, "retries": 1}

    def asked(self) -> int:
        """Answers it was asked for so far."""
        return self.log.read_text().count("[Request received]")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def transformers_serve(model: Path, log: Path, port: int | None = None) -> Iterator[Served]:
    """The server, once it answers; killed at the end. At a free port unless one is given."""
    port = free_port() if port is None else port
    program = str(Path(sys.executable).with_name("transformers"))
    command = [program, "serve", str(model), "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--device", "cpu", "--dtype", "float32"],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )
    served = Served(f"http://127.0.0.1:{port}/v1", str(model), port, process, log)
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, log)
        yield served
    finally:
        served.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"transformers serve did not start:\n{log.read_text()}")
