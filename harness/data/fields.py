"""The fields of one row of a JSONL file, and the faults found in all rows."""

from collections.abc import Mapping

from harness.data.spec import LANGUAGE_TAG
from harness.errors import DataError
from harness.records import JSON

_SHOWN = 20
"""Faults a message lists; a file that is wrong throughout is wrong in the same way."""


class Faults:
    """What is wrong with a file, by line."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._faults: list[str] = []

    def add(self, line: int, fault: str) -> None:
        """One more."""
        self._faults.append(f"{self._path}:{line}: {fault}")

    def raise_any(self) -> None:
        """All of them as one DataError, if there are any."""
        if not self._faults:
            return
        more = len(self._faults) - _SHOWN
        shown = self._faults[:_SHOWN] + ([f"... and {more} more"] if more > 0 else [])
        raise DataError("\n".join(shown))


class Fields:
    """One row: its fields, its line, and where to report what is wrong with it.

    A faulty field is reported and read as empty, so that one pass finds all faults.
    """

    def __init__(
        self, data: Mapping[str, JSON], line: int, default_id: str, faults: Faults
    ) -> None:
        self.data = data
        self._line = line
        self._default_id = default_id
        self._faults = faults

    def fault(self, text: str) -> None:
        """Reports one."""
        self._faults.add(self._line, text)

    def id(self) -> str:
        """The row's id, or its line number where it has none."""
        if "id" not in self.data:
            return self._default_id
        return self.text("id") or self._default_id

    def text(self, name: str) -> str:
        """A text that must be there."""
        if name not in self.data:
            there = ", ".join(self.data) or "none"
            self.fault(f"{name}: missing, allowed a text (fields here: {there})")
            return ""
        return self.optional_text(name) or ""

    def optional_text(self, name: str) -> str | None:
        """A text that may be absent, but not empty."""
        value = self.data.get(name)
        if name not in self.data:
            return None
        if not isinstance(value, str):
            self.fault(f"{name}: found {_short(value)}, allowed a text")
        elif not value.strip():
            self.fault(f"{name}: empty, allowed a text")
        else:
            return value
        return None

    def language(self, name: str, default: str | None, setting: str | None = None) -> str:
        """A language tag of the row, or of the specification where the row has none."""
        if name not in self.data:
            if default is None:
                self.fault(
                    f"{name}: missing, allowed a language tag such as en or pt-BR, here or as the "
                    f"corpus setting {setting or name}"
                )
            return default or ""
        tag = self.optional_text(name)
        if tag is not None and not LANGUAGE_TAG.fullmatch(tag):
            self.fault(f"{name}: found {tag!r}, allowed a language tag such as en or pt-BR")
        return tag or ""


def _short(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
