"""The MLflow UI on the right store, on this machine only, ended together with its children."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from types import FrameType

from harness.errors import ConfigError, EvaluationError
from harness.tracking.place import existing_store

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
FIRST_PORT = 5000
_PORTS_TRIED = 100
_START_TIMEOUT_S = 120.0
_END_TIMEOUT_S = 10.0


def serve(tracking_uri: str | None, port: int | None, on_ready: Callable[[str], None]) -> None:
    """Serves the UI until it is interrupted (Ctrl-C, SIGTERM); nothing of it stays behind.

    Args:
        tracking_uri: None for MLflow's own choice.
        port: None for the first free one from 5000 up.
        on_ready: Called with the address once it answers.

    Raises:
        ConfigError: No such store, or the port is taken.
        EvaluationError: The server ended by itself.
    """
    uri = existing_store(tracking_uri)
    if uri.startswith(("http://", "https://")):
        on_ready(uri)  # a server somewhere: its UI is where its store is
        return
    chosen = _free_port() if port is None else _own_port(port)
    with _server(uri, chosen) as process:
        address = f"http://{HOST}:{chosen}"
        _await(process, address)
        on_ready(address)
        process.wait()
    raise EvaluationError(f"the MLflow UI ended by itself (exit code {process.returncode})")


def _own_port(port: int) -> int:
    if _is_taken(port):
        raise ConfigError(
            f"--port {port}: another program listens there",
            "without --port the first free one is taken",
        )
    return port


def _free_port() -> int:
    for port in range(FIRST_PORT, FIRST_PORT + _PORTS_TRIED):
        if not _is_taken(port):
            return port
    raise ConfigError(f"no free port from {FIRST_PORT} to {FIRST_PORT + _PORTS_TRIED - 1}")


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
        return False


@contextlib.contextmanager
def _server(uri: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    # A session of its own, so that its children can be ended with it, once, by us.
    arguments = ["--backend-store-uri", uri, "--host", HOST, "--port", str(port), "--workers", "1"]
    environment = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # ten more processes, for LLM judges
    }
    said = sys.stderr.fileno() if logger.isEnabledFor(logging.INFO) else subprocess.DEVNULL
    with _terminated_as_interrupt():
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "ui", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _end(process)


@contextlib.contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # SIGINT too: a shell that starts this in the background has it ignored
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_TIMEOUT_S)


def _await(process: "subprocess.Popen[bytes]", address: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EvaluationError(
                f"the MLflow UI did not start (exit code {process.returncode})",
                "`harness ui --verbose` shows what it says",
            )
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(f"{address}/health", timeout=2),
        ):
            return
        time.sleep(0.2)
    raise EvaluationError(f"the MLflow UI did not answer within {_START_TIMEOUT_S:.0f} s")
