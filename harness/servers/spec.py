"""A server that speaks OpenAI's protocol: where it is, what it calls the model, how it is asked.

No key ever stands in a specification: it names the environment variable that holds one. What looks
like a key in one of these fields is refused, and shown neither in the error nor anywhere else.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from harness.records import JSON
from harness.settings.spec import Spec

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_WITHHELD = "(withheld)"
"""Takes the place of a value that may be a key: errors of pydantic carry what they were given."""


class ServerSpec(Spec):
    """A chat model behind an OpenAI-compatible server: vLLM, llama.cpp, a hosted one."""

    url: str
    """Where it listens, up to the version: `http://localhost:8000/v1`."""

    model: str = Field(min_length=1)
    """The name the server knows the model by (its `GET /models` lists them). A cache is as good as
    this name: give another model another one."""

    key_variable: str | None = None
    """Name of the environment variable that holds the API key, such as `OPENAI_API_KEY`; None for a
    server that wants none. The key itself stands in no file."""

    parallel: int = Field(default=8, ge=1, le=1024)
    """Requests under way at once."""

    timeout_s: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Seconds without a word from the server after which a request is made again."""

    retries: int = Field(default=5, ge=0, le=100)
    """How often a request is made again, after a pause that doubles (or the one the server asks
    for), when there is no connection, no answer in time, or the status is 408, 409, 429 or 5xx."""

    @property
    def identity(self) -> Mapping[str, JSON]:
        """What its answers depend on: the address and the model, not how often it is asked."""
        return {"server": self.url, "model": self.model}

    @model_validator(mode="before")
    @classmethod
    def _no_secret_is_shown(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {key: value if _harmless(key, value) else _WITHHELD for key, value in data.items()}

    @field_validator("key_variable")
    @classmethod
    def _names_a_variable(cls, value: str | None) -> str | None:
        if value == _WITHHELD:
            raise ValueError(
                "found no name of an environment variable, allowed capital letters, digits and _ "
                "such as OPENAI_API_KEY: put the key into that variable, never into a file"
            )
        return value

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value == _WITHHELD:
            raise ValueError(
                "found no address, or one with a password, a query or a fragment, allowed "
                "http://HOST:PORT/v1 or https://: a key belongs into the variable that "
                "key_variable names"
            )
        parts = _split(value)
        if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"found {value!r}, allowed http://HOST:PORT/v1 or https://HOST/v1")
        return value.rstrip("/")


def _harmless(name: str, value: Any) -> bool:
    """Whether an option's value may be shown."""
    if name == "key_variable":
        return value is None or (isinstance(value, str) and bool(_VARIABLE.fullmatch(value)))
    if name == "url":
        return isinstance(value, str) and not any(mark in value for mark in "@?#")
    return name in ServerSpec.model_fields


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port is None or parts.port > 0 else None
    except ValueError:  # brackets that do not close, a port that is no number
        return None
