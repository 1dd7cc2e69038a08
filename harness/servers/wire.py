"""Requests as the fields of OpenAI's protocol, and what comes back as a ``Reply``.

Servers differ in what they fill in. Whatever is not there, or is not what it should be, is either
of no consequence (a count) or an error (the answer).
"""

import re
from collections.abc import Mapping, Sequence
from typing import TypedDict

from harness.records import JSON
from harness.servers.exchange import ChatRequest, Reply, Request
from harness.servers.faults import ServerError, strange_fault
from harness.servers.key import Key
from harness.servers.spec import ServerSpec

LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"
"""What the limit of an answer is called: by every server, and by hosted models that think."""
_BAD_REQUEST = 400
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a pair, as JSON can have it where an answer was cut; no file can hold it as UTF-8."""


class _Alternative(TypedDict):
    token: str
    logprob: float


class _Token(TypedDict, total=False):
    top_logprobs: Sequence[_Alternative] | None


class _Logprobs(TypedDict, total=False):
    content: Sequence[_Token] | None


class _Message(TypedDict, total=False):
    content: object
    reasoning_content: object
    reasoning: object


class _Choice(TypedDict, total=False):
    """``text`` is of a continued text, ``message`` of a chat."""

    text: object
    message: _Message
    finish_reason: str | None
    logprobs: _Logprobs | None


class _Usage(TypedDict, total=False):
    prompt_tokens: int | None
    completion_tokens: int | None


class Completion(TypedDict, total=False):
    """What a server answers, as far as it is read; the values are its word and nobody's promise."""

    choices: Sequence[_Choice]
    usage: _Usage | None
    model: str | None


def path_of(request: Request) -> str:
    """Where a request goes, behind the server's url."""
    return "/chat/completions" if isinstance(request, ChatRequest) else "/completions"


def body_of(spec: ServerSpec, request: Request, limit: str) -> dict[str, JSON]:
    """The fields of a request.

    Args:
        spec: The server.
        request: What is asked.
        limit: Name of the field that limits the answer.
    """
    body: dict[str, JSON] = {"model": spec.model}
    if isinstance(request, ChatRequest):
        body |= _chat(request) | {limit: request.max_tokens}
    else:
        body |= {"prompt": request.prompt, LIMIT: request.max_tokens}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    # a model that allows no temperature to be named may well refuse a seed too
    if request.seed is not None and request.temperature:
        body["seed"] = request.seed
    return body


def wants_other_limit(error: ServerError, limit: str) -> bool:
    """Whether the server asks for the other name of the limit."""
    return limit == LIMIT and error.status == _BAD_REQUEST and NEW_LIMIT in error.message


def reply_of(spec: ServerSpec, key: Key, answer: Completion) -> Reply:
    """What the server answered.

    Raises:
        ServerError: That is no completion.
    """
    try:
        choice = answer["choices"][0]
        message: _Message = {"content": choice["text"]} if "text" in choice else choice["message"]
        text, thoughts = _text(message), _thoughts(message)
        usage: _Usage = answer.get("usage") or {}
        return Reply(
            text=_whole(key.hidden_in_answer(text)),
            finished=choice.get("finish_reason") == "stop",
            num_tokens=usage.get("completion_tokens"),
            model=_whole(str(answer.get("model") or spec.model)),
            top_logprobs=_top_logprobs(choice),
            thoughts=_whole(key.hidden_in_answer(thoughts)),
            prompt_tokens=usage.get("prompt_tokens"),
            filtered=choice.get("finish_reason") == "content_filter",
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        pass
    raise strange_fault(spec, key.hidden_in(str(answer)))


def _chat(request: ChatRequest) -> dict[str, JSON]:
    turns = [{"role": turn.role, "content": turn.content} for turn in request.messages]
    fields: dict[str, JSON] = {"messages": turns}
    if request.prefix:
        turns.append({"role": "assistant", "content": request.prefix})
        fields |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.top_logprobs:
        fields |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    return fields


def _text(message: _Message) -> str:
    """What the model said; nothing where there is no content, as when it only thought."""
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        raise TypeError(content)
    return content or ""


def _whole(text: str) -> str:
    """A text that can be written, each half of a pair replaced.

    >>> _whole("a" + chr(0xD83D)) == "a" + chr(0xFFFD)
    True
    """
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def _thoughts(message: _Message) -> str:
    """What the model thought aloud: servers have two names for it."""
    thoughts = message.get("reasoning_content") or message.get("reasoning") or ""
    return thoughts if isinstance(thoughts, str) else ""


def _top_logprobs(choice: _Choice) -> tuple[Mapping[str, float], ...] | None:
    """Of a chat; plain completions have them in another form, and nobody asks for those."""
    tokens = (choice.get("logprobs") or {}).get("content")
    if not tokens:
        return None
    return tuple(
        {_whole(one["token"]): float(one["logprob"]) for one in token.get("top_logprobs") or ()}
        for token in tokens
    )
