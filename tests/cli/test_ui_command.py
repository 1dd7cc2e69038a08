import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import psutil
import pytest

from harness.tracking.tracker import MlflowTracker


def test_a_store_that_is_not_there_exits_with_2(harness, tmp_path):
    shown = harness("ui", "--tracking-uri", f"sqlite:///{tmp_path}/no.db")
    assert shown.code == 2
    assert "no such MLflow store" in shown.err
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_exits_with_2(harness, tmp_path):
    (tmp_path / "some.db").touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        shown = harness("ui", "--tracking-uri", f"sqlite:///{tmp_path}/some.db", "--port", port)
    assert shown.code == 2
    assert f"--port {port}: another program listens there" in shown.err


def test_the_ui_of_a_server_is_the_servers(harness):
    shown = harness("ui", "--tracking-uri", "http://mlflow.example.org")
    assert (shown.code, shown.out) == (0, "MLflow UI: http://mlflow.example.org\n")


@pytest.mark.slow
def test_it_serves_the_runs_and_ends_with_its_children(tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    MlflowTracker(uri).start_run("shown", "one").finish("FINISHED")
    command = [sys.executable, "-m", "harness.cli.main", "ui", "--tracking-uri", uri]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"http://127.0.0.1:\d+", process.stdout.readline())[0]
            assert status_of(address) == 200
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert children
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def status_of(address: str) -> int:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as page:
                return page.status
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
