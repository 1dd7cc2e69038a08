"""The MLflow UI on the right store, on this machine only: this process becomes it."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn

from harness.errors import ConfigError
from harness.tracking.location import existing_store

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
FIRST_PORT = 5000
_PORTS_TRIED = 100


def serve(tracking_uri: str | None, port: int | None, announce: Callable[[str], None]) -> None:
    """Becomes the UI, which serves until it is interrupted (Ctrl-C, SIGTERM).

    Returns only where the store is a server, whose UI it is.

    Args:
        tracking_uri: None for MLflow's own choice.
        port: None for the first free one from 5000 up.
        announce: Called with the address before it is served.

    Raises:
        ConfigError: No such store, or the port is taken.
    """
    uri = existing_store(tracking_uri)
    if uri.startswith(("http://", "https://")):
        announce(uri)
        return
    if port is not None and _is_taken(port):
        raise ConfigError(
            f"--port {port}: another program listens there",
            "without --port the first free one is taken",
        )
    chosen = _free_port() if port is None else port
    announce(f"http://{HOST}:{chosen}")
    _become(uri, chosen)


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


def _become(uri: str, port: int) -> NoReturn:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # ten more processes, for judges
    # a terminal interrupts the server and MLflow does once more, to which it says a traceback
    quiet = not logger.isEnabledFor(logging.INFO)
    if quiet:
        os.environ.setdefault("PYTHONWARNINGS", "ignore")
    # a shell that starts this in the background has it ignored, which a new program inherits
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    options = {
        "backend-store-uri": uri,
        "registry-store-uri": uri,
        "host": HOST,
        "port": str(port),
        "workers": "1",
        "uvicorn-opts": f"--log-level {'critical' if quiet else 'info'}",
    }
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "ui", *arguments])
