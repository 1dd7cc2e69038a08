"""A server as something to ask: many requests under way, replies handed over as they come."""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from harness.servers.exchange import ChatRequest, Reply, Request, TextRequest
from harness.servers.faults import ServerError
from harness.servers.key import read_key
from harness.servers.parallel import each
from harness.servers.spec import ServerSpec
from harness.servers.wire import LIMIT, NEW_LIMIT, body_of, path_of, reply_of, wants_other_limit

if TYPE_CHECKING:
    from harness.servers.client import Client

__all__ = ["ChatRequest", "ChatServer", "Reply", "ServerError", "TextRequest"]

OnReply: TypeAlias = Callable[[int, Reply], None]


class ChatServer:
    """Asks a server for answers; nothing is sent before the first is wanted.

    Args:
        spec: The server.

    Raises:
        ConfigError: The environment variable that is to hold its key is not set.
    """

    def __init__(self, spec: ServerSpec) -> None:
        self.spec = spec
        self._key = read_key(spec)
        self._limit = LIMIT

    def __repr__(self) -> str:
        return f"ChatServer({self.spec.url!r}, {self.spec.model!r})"

    def ask(self, requests: Sequence[Request], on_reply: OnReply | None = None) -> list[Reply]:
        """One reply per request, in their order; ``spec.parallel`` requests are under way at once.

        Args:
            requests: What to ask; each stands alone.
            on_reply: Told the number of a request and its reply as soon as that is there, in the
                thread that called. What is under way when a request fails is still handed over.

        Raises:
            EvaluationError: A request was not answered (``ServerError``, with the status).
        """
        if not requests:
            return []
        from harness.servers.client import Client  # loads openai, which parsing must not

        replies: dict[int, Reply] = {}
        faults: list[Exception] = []
        with (
            contextlib.closing(Client(self.spec, self._key)) as client,
            contextlib.closing(
                each(partial(self._reply, client), requests, self.spec.parallel)
            ) as outcomes,
        ):
            for number, outcome in outcomes:
                if isinstance(outcome, Exception):
                    faults.append(outcome)
                    continue
                replies[number] = outcome
                if on_reply is not None:
                    on_reply(number, outcome)
        if faults:
            raise faults[0]
        return [replies[number] for number in range(len(requests))]

    def _reply(self, client: "Client", request: Request) -> Reply:
        limit = self._limit
        try:
            answer = client.post(path_of(request), body_of(self.spec, request, limit))
        except ServerError as error:
            if not wants_other_limit(error, limit):
                raise
            self._limit = NEW_LIMIT
            return self._reply(client, request)
        return reply_of(self.spec, self._key, answer)
