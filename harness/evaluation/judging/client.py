"""Judges behind servers, with every judgement on disk as soon as it is there.

A judgement is kept under the hash of all that may change it: the server and its model, the chat it
was sent (so the prompt and the texts in it), temperature, limit, and which repeat it is. So an
interrupted scoring goes on where it was, and scoring again asks nothing.
"""

import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from harness.errors import ConfigError, MissingExtra
from harness.protocols import Judgement, JudgeRequest
from harness.records import JSON
from harness.servers.chat import ChatServer
from harness.servers.exchange import ChatRequest, Reply
from harness.servers.spec import ServerSpec
from harness.spec import digest

logger = logging.getLogger(__name__)

JUDGEMENTS_FOLDER = "judgements"
"""In the home folder: what judges said, for good."""

VERSION = 1
_CHARACTERS_PER_TOKEN = 4


class JudgeClient:
    """Asks servers what is not in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read_already: dict[str, Judgement] = {}

    def ask(self, server: Mapping[str, JSON], requests: Sequence[JudgeRequest]) -> list[Judgement]:
        """One judgement per request, in order; equal requests get the same.

        Raises:
            MissingExtra: The environment variable that is to hold the server's key is not set.
            EvaluationError: A request was not answered; what was answered is kept.
        """
        spec = ServerSpec.model_validate(server)
        keys = [_key(spec, request) for request in requests]
        missing = {
            key: request
            for key, request in zip(keys, requests, strict=True)
            if key not in self._read_already and not self._path(key).is_file()
        }
        if missing:
            self._announce(spec, list(missing.values()), len(set(keys)))
            asked = list(missing.items())

            def on_reply(number: int, reply: Reply) -> None:
                self._keep(*asked[number], spec, reply)

            _opened(spec).ask([_chat(request) for _, request in asked], on_reply)
        found = {key: self._read(key) for key in dict.fromkeys(keys)}
        return [found[key] for key in keys]

    def _announce(self, spec: ServerSpec, missing: Sequence[JudgeRequest], total: int) -> None:
        """What it will cost, before it does; a warning, since each request may cost money."""
        read = sum(len(turn.content) for one in missing for turn in one.messages)
        written = sum(request.max_tokens for request in missing)
        logger.warning(
            "asking the judge %s for %d judgements (%d of %d are there already): about %s tokens "
            "to read, at most %s to write",
            spec.model,
            len(missing),
            total - len(missing),
            total,
            f"{read // _CHARACTERS_PER_TOKEN:,}",
            f"{written:,}",
        )

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def _keep(self, key: str, request: JudgeRequest, spec: ServerSpec, reply: Reply) -> None:
        alternatives = reply.top_logprobs[0] if reply.top_logprobs else None
        judgement = Judgement(
            reply.text, reply.model, None if alternatives is None else dict(alternatives)
        )
        record = {"judgement": asdict(judgement), "server": spec.identity, **asdict(request)}
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # under a name of its own, then renamed: a file that is there is whole
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=".draft-", delete=False
        ) as draft:
            json.dump(record, draft, ensure_ascii=False, indent=1)
        os.replace(draft.name, path)

    def _read(self, key: str) -> Judgement:
        # signature, statistics and facts of a score ask for the same, one after the other
        if key not in self._read_already:
            record = json.loads(self._path(key).read_text(encoding="utf-8"))
            self._read_already[key] = Judgement(**record["judgement"])
        return self._read_already[key]


def _opened(spec: ServerSpec) -> ChatServer:
    """The server; without its key, what it is to judge is not measured and all else goes on."""
    try:
        return ChatServer(spec)
    except ConfigError as error:
        raise MissingExtra(error.message, error.hint) from None


def _key(spec: ServerSpec, request: JudgeRequest) -> str:
    return digest({"version": VERSION, "server": spec.identity, **asdict(request)})[:40]


def _chat(request: JudgeRequest) -> ChatRequest:
    return ChatRequest(
        messages=request.messages,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        seed=request.repeat,
        top_logprobs=request.top_logprobs,
    )
