"""A small real HTTP server on loopback, which answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.servers.spec import ServerSpec


@dataclass
class Asked:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Answer:
    """What goes back: a status, a body (JSON unless text), headers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Answering = Callable[[Asked], Answer]


def said(text: str, finish: str = "stop", **message: Any) -> Answer:
    choice = {"index": 0, "message": {"content": text, **message}, "finish_reason": finish}
    usage = {"prompt_tokens": 7, "completion_tokens": len(text.split())}
    return Answer(200, {"model": "served", "choices": [choice], "usage": usage})


def refused(status: int, message: str, **headers: str) -> Answer:
    """An error, to be tried again at once."""
    again = {"retry-after-ms": "1", **headers}
    return Answer(status, {"error": {"message": message, "code": status}}, again)


@dataclass
class Loopback:
    """A server at work."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def spec(self, **changes: Any) -> ServerSpec:
        return ServerSpec(**{"url": self.url, "model": "m", "retries": 2, "parallel": 4} | changes)


@contextmanager
def serving(answering: Answering) -> Iterator[Loopback]:
    loopback = Loopback("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = Asked(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            loopback.asked.append(asked)
            answer = answering(asked)
            text = isinstance(answer.body, str)
            sent = (answer.body if text else json.dumps(answer.body)).encode()
            self.send_response(answer.status)
            kind = "text/html" if text else "application/json"
            for name, value in {"Content-Type": kind, **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        loopback.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield loopback
        finally:
            server.shutdown()
            thread.join()
