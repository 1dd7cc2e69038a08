"""The API key of a server: read from the environment, written nowhere."""

import os
from urllib.parse import quote

from harness.errors import ConfigError
from harness.servers.spec import ServerSpec

SHOWN = "[key]"
"""What stands in place of the key wherever a server repeats it."""

_LEAST_SECRET = 12
"""Characters from which on a key is taken out of answers too. Servers that check none are given
``EMPTY`` or ``none``, and such a word may well be said by a model."""


class Key:
    """A key, or none; nothing prints it.

    >>> Key("sk-abcdefghijkl"), Key("sk-abcdefghijkl").hidden_in("Bearer sk-abcdefghijkl!")
    (Key(...), 'Bearer [key]!')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Key(...)"

    def __reduce__(self) -> str:
        """Nor is it pickled.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a key is not pickled")

    @property
    def header(self) -> str | None:
        """The value of the request's header ``Authorization``, None where there is no key."""
        return None if self._value is None else f"Bearer {self._value}"

    def hidden_in(self, text: str) -> str:
        """What a server said, without the key."""
        if self._value is None:
            return text
        for form in (self._value, quote(self._value, safe="")):
            text = text.replace(form, SHOWN)
        return text

    def hidden_in_answer(self, text: str) -> str:
        """What a model said, without the key, which a server may put anywhere."""
        secret = self._value is not None and len(self._value) >= _LEAST_SECRET
        return self.hidden_in(text) if secret else text


def read_key(spec: ServerSpec) -> Key:
    """The key of a server, from the variable its specification names.

    Raises:
        ConfigError: The variable is not set, or holds what cannot be a key.
    """
    if spec.key_variable is None:
        return Key(None)
    value = os.environ.get(spec.key_variable, "").strip()
    where = f"{spec.url}: the environment variable {spec.key_variable}"
    if not value:
        raise ConfigError(
            f"{where}, which is to hold the server's API key, is not set",
            f"export {spec.key_variable}=... before the command, or give no key_variable where "
            "the server wants no key",
        )
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ConfigError(
            f"{where} holds blanks, line breaks or letters that no API key has",
            f"set {spec.key_variable} to the key alone",
        )
    return Key(value)
