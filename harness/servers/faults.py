"""Why a server did not answer, as errors that name it, its model, the status and the mend."""

import json

from harness.errors import EvaluationError
from harness.records import JSON
from harness.servers.key import Key
from harness.servers.spec import ServerSpec

_LONGEST = 500
_REFUSED, _UNKNOWN, _LIMITED, _BROKEN = (401, 403), 404, 429, 500


class ServerError(EvaluationError):
    """A server answered with an error, or not at all.

    Attributes:
        status: Of its answer; None where there was none, or one that is no chat completion.
    """

    def __init__(self, message: str, hint: str, status: int | None = None) -> None:
        super().__init__(message, hint)
        self.status = status


def connection_fault(spec: ServerSpec, reason: str) -> ServerError:
    """Nothing came back, however often it was asked."""
    return ServerError(
        f"{_place(spec)}: no answer after {_tries(spec)}: {_shortened(reason)}",
        "is the server running, and is that its address? Proxies of the environment are not used. "
        "Start it and run the command again: what was answered is kept",
    )


def status_fault(spec: ServerSpec, key: Key, status: int, body: str) -> ServerError:
    """The server answered with an error; ``body`` is what it said."""
    said = f"{_place(spec)}: status {status}: {_shortened(key.hidden_in(_message(body)))}"
    return ServerError(said, _mend(spec, status), status)


def strange_fault(spec: ServerSpec, answer: str) -> ServerError:
    """The server answered with something that is no chat completion."""
    return ServerError(
        f"{_place(spec)}: answered with something that is no chat completion: {_shortened(answer)}",
        "the url has to be that of its OpenAI-compatible part; for most it ends in /v1",
    )


def _mend(spec: ServerSpec, status: int) -> str:
    if status in _REFUSED and spec.key_variable is None:
        return (
            "it wants an API key: put that into an environment variable and name the variable, "
            "`key_variable: OPENAI_API_KEY` for example"
        )
    if status in _REFUSED:
        return (
            f"it refused the key in the environment variable {spec.key_variable}: set a valid one"
        )
    if status == _UNKNOWN:
        return (
            f"it knows no model {spec.model!r}, or the url is not that of its OpenAI-compatible "
            f"part (for most it ends in /v1): GET {spec.url}/models lists its models"
        )
    if status == _LIMITED:
        return (
            f"still so after {_tries(spec)}: a smaller `parallel` (now {spec.parallel}) asks for "
            "less at once, more `retries` wait longer; a quota that is used up needs its owner"
        )
    if status >= _BROKEN:
        return f"still so after {_tries(spec)}: the server's own log says what is wrong with it"
    return "the server does not take what was asked of this model; its own words are above"


def _place(spec: ServerSpec) -> str:
    return f"{spec.url}: model {spec.model}"


def _tries(spec: ServerSpec) -> str:
    return "1 attempt" if spec.retries == 0 else f"{spec.retries + 1} attempts"


def _message(body: str) -> str:
    """What an error's body has to say to a person, wherever the server puts that.

    >>> _message('{"error": {"message": "no such model", "code": 404}}')
    'no such model'
    >>> _message('{"detail": "Unexpected fields"}'), _message("Bad gateway")
    ('Unexpected fields', 'Bad gateway')
    """
    try:
        said: JSON = json.loads(body)
    except ValueError:
        return body
    for name in ("error", "message", "detail"):
        if isinstance(said, dict) and said.get(name):
            said = said[name]
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


def _shortened(text: str) -> str:
    line = " ".join(text.split()) or "(nothing said)"
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."
