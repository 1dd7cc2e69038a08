"""Runs a worker: what an interpreter does that has a library the harness cannot hold.

    python -I line_worker.py WORKER.py [ARGUMENT ...]

Stand-alone, as WORKER.py is: neither imports anything of the harness. ``prepare(*arguments)`` of
WORKER.py imports the library and returns its version and a function that answers a request.
Requests come as JSON lines on stdin, answers leave as JSON lines on the original stdout; whatever
the libraries print goes to stderr. It ends when stdin does, even in the middle of a request, so it
never outlives its owner; where it leads a process group, all of it ends.

    <- {"ready": "2.2.7"}  or  {"missing": "No module named 'comet'"}
    -> {REQUEST}
    <- {ANSWER}  or  {"error": "ValueError: ..."}
"""

import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO, Any

Answering = Callable[[dict[str, Any]], Any]


def prepare(path: str, arguments: list[str]) -> tuple[str, Answering]:
    """Version of the worker's library, and what answers requests.

    Raises:
        ImportError: This interpreter cannot run it.
    """
    spec = importlib.util.spec_from_file_location("worker", path)
    assert spec is not None
    assert spec.loader is not None
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    version, answering = worker.prepare(*arguments)
    return version, answering


def answer(answering: Answering, request: dict[str, Any]) -> Any:
    """What was asked for, or why there is none."""
    try:
        return answering(request)
    except Exception as error:  # whatever a library may raise is the asker's to hear
        traceback.print_exc()
        reason = " ".join(str(error).split()) or "no reason given"
        return {"error": f"{type(error).__name__}: {reason}"}


def requests(stdin: IO[bytes]) -> "queue.SimpleQueue[dict[str, Any]]":
    """Requests as they come; the end of them ends the process."""
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        for line in stdin:
            waiting.put(json.loads(line))
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # and what the library has started for several GPUs
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return waiting


def main() -> None:
    """Answers requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner, who closes stdin
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def reply(message: Any) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    waiting = requests(sys.stdin.buffer)
    try:
        version, answering = prepare(sys.argv[1], sys.argv[2:])
    except ImportError as error:
        reply({"missing": str(error)})
        return
    reply({"ready": version})
    while True:
        reply(answer(answering, waiting.get()))


if __name__ == "__main__":
    main()
