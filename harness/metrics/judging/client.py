"""Judges behind servers, with every judgement on disk as soon as it is there.

A judgement is kept under the hash of all that may change it: the server and its model, the chat it
was sent (so the prompt and the texts in it), temperature, limit, and which repeat it is. So an
interrupted scoring goes on where it was, and scoring again asks nothing. What a content filter left
nothing of is not kept: it is no judgement now, and asked again by the next scoring.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from harness.errors import ConfigError, EvaluationError, MissingExtra
from harness.models.thoughts import split_thoughts
from harness.protocols import Judgement, JudgeRequest
from harness.records import JSON
from harness.servers.chat import ChatServer
from harness.servers.exchange import ChatRequest, Reply
from harness.servers.spec import ServerSpec
from harness.settings.spec import digest
from harness.storage.files import write_whole

logger = logging.getLogger(__name__)

JUDGEMENTS_FOLDER = "judgements"
"""In the home folder: what judges said, for good."""

VERSION = 1
_CHARACTERS_PER_TOKEN = 4


class JudgeClient:
    """Asks servers what is not in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, Judgement] = {}

    def ask(self, server: Mapping[str, JSON], requests: Sequence[JudgeRequest]) -> list[Judgement]:
        """One judgement per request, in order; equal requests get the same.

        Raises:
            MissingExtra: The environment variable that is to hold the server's key is not set.
            EvaluationError: A request was not answered, or without the log-probabilities it wants;
                what was answered is kept.
        """
        spec = ServerSpec.model_validate(server)
        keys = [_key(spec, request) for request in requests]
        by_key = dict(zip(keys, requests, strict=True))
        missing = [
            (key, request) for key, request in by_key.items() if not self._knows(key, request)
        ]
        if missing:
            _announce(spec, [request for _, request in missing], len(by_key))
            _opened(spec).ask(
                [_chat(request) for _, request in missing],
                lambda number, reply: self._keep(*missing[number], spec, reply),
            )
        return [self._known[key] for key in keys]

    def _knows(self, key: str, request: JudgeRequest) -> bool:
        """Whether the judgement is there, read now if need be."""
        # signature, statistics and facts of a score ask for the same, one after the other
        if key not in self._known:
            judgement = read_judgement(self._path(key))
            if judgement is not None and _lacking(request, judgement) is None:
                self._known[key] = judgement
        return key in self._known

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def _keep(self, key: str, request: JudgeRequest, spec: ServerSpec, reply: Reply) -> None:
        alternatives = dict(reply.top_logprobs[0]) if reply.top_logprobs else None
        judgement = Judgement(reply.text, reply.model, alternatives)
        lacking = _lacking(request, judgement, reply.thoughts)
        if lacking is not None:
            raise EvaluationError(
                f"{spec.url}: model {spec.model}: the log-probabilities of its verdict are wanted, "
                f"and {lacking}",
                "judge with a model that gives `logprobs` and does not think first, or leave "
                "`weighted` out",
            )
        self._known[key] = judgement
        if reply.text or not reply.filtered:
            write_judgement(self._path(key), judgement, _asked(spec, request))


def write_judgement(path: Path, judgement: Judgement, asked: Mapping[str, JSON]) -> None:
    """Writes a judgement, with what was asked for it for a person to read."""
    record = {"judgement": asdict(judgement), **asked}
    write_whole(path, json.dumps(record, ensure_ascii=False, indent=1))


def read_judgement(path: Path) -> Judgement | None:
    """The judgement of a file; None where there is none, or the file is not whole."""
    try:
        return Judgement(**json.loads(path.read_text(encoding="utf-8"))["judgement"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        logger.warning("%s: no judgement can be read in it, so the judge is asked again", path)
        return None


def _announce(spec: ServerSpec, missing: Sequence[JudgeRequest], total: int) -> None:
    """What it will cost, before it does; a warning, since each request may cost money."""
    read = sum(len(turn.content) for request in missing for turn in request.messages)
    written = sum(request.max_tokens for request in missing)
    logger.warning(
        f"asking the judge {spec.model} for {len(missing)} judgements ({total - len(missing)} of "
        f"{total} are there already): about {read // _CHARACTERS_PER_TOKEN:,} tokens to read, at "
        f"most {written:,} to write"
    )


def _lacking(request: JudgeRequest, judgement: Judgement, thoughts: str = "") -> str | None:
    """Why a judgement has not the log-probabilities wanted; None where it has, or said nothing."""
    if not request.top_logprobs or not judgement.text:
        return None
    if thoughts or split_thoughts(judgement.text)[0]:
        return "the model thinks aloud first, so those of its first token are of no verdict"
    return None if judgement.alternatives else "the server gives none"


def _opened(spec: ServerSpec) -> ChatServer:
    """The server; without its key, what it is to judge is not measured and all else goes on."""
    try:
        return ChatServer(spec)
    except ConfigError as error:
        raise MissingExtra(error.message, error.hint) from None


def _asked(spec: ServerSpec, request: JudgeRequest) -> dict[str, JSON]:
    return {"server": spec.identity, **asdict(request)}


def _key(spec: ServerSpec, request: JudgeRequest) -> str:
    return digest({"version": VERSION, **_asked(spec, request)})[:40]


def _chat(request: JudgeRequest) -> ChatRequest:
    return ChatRequest(
        messages=request.messages,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        seed=request.repeat,
        top_logprobs=request.top_logprobs,
    )
