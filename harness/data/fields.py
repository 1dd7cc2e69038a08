"""The fields of one row of a corpus file, and the faults found in all rows."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.data.spec import LANGUAGE_TAG, ChecksSpec
from harness.errors import DataError
from harness.records import JSON
from harness.storage.reading import Reading

_LINES = 10
_HINTS = {"undecodable": "convert it, for example with: iconv -f LATIN1 -t UTF-8"}
WORDS = {
    "undecodable": "text that is not UTF-8",
    "empty": "an empty side",
    "garbled": "a side read in a wrong encoding",
    "duplicates": "a pair that an earlier row has",
    "copied": "a target that is its source",
    "long": "an over-long side",
    "lopsided": "one side far longer than the other",
    "wrong_language": "a side in a wrong language",
}
"""What ails a row, by the name of its limit ``checks.max_<name>``."""


class CorpusReading(Reading):
    """The reading of a corpus, some faulty rows of which may be left out.

    Args:
        path: The file.
        checks: Shares of rows that may be left out for a fault; by default none.
    """

    def __init__(self, path: str, checks: ChecksSpec | None = None) -> None:
        super().__init__(path)
        self._checks = checks or ChecksSpec()
        self._left_out: dict[str, list[int]] = defaultdict(list)
        self._refused: dict[str, set[int]] = defaultdict(set)

    def undecodable(self, line: int, text: str, path: str) -> None:
        """A line is not UTF-8, and was read as empty; two such sides are one faulty row."""
        is_new = line not in self.unreadable
        self.unreadable.add(line)
        if is_new or not self.may_leave_out("undecodable"):
            self.faulty_row("undecodable", line, text, path)

    def faulty_row(self, kind: str, line: int, text: str, path: str | None = None) -> None:
        """Leaves a row out if its kind of fault has a limit above 0, else adds the fault."""
        if self.may_leave_out(kind):
            self._left_out[kind].append(line)
            return
        self.fault(line, text, path)
        self._refused[kind].add(line)

    def may_leave_out(self, kind: str) -> bool:
        """Whether rows with this fault are left out in place of stopping the run each."""
        return bool(self._checks.limit(kind))

    def leave_out(self, kind: str, lines: list[int]) -> None:
        """Leaves rows out; whether they are too many ``raise_beyond_limits`` says."""
        self._left_out[kind] += lines

    @property
    def left_out(self) -> dict[str, int]:
        """Number of rows left out, by kind of fault."""
        return {kind: len(lines) for kind, lines in self._left_out.items() if lines}

    def raise_beyond_limits(self, num_rows: int) -> None:
        """All faults as one DataError, kinds of which too many rows were left out among them.

        Args:
            num_rows: Of the file, those left out among them.
        """
        beyond = list(self._beyond_limits(num_rows))
        if beyond:
            hints = [*self.mends(), "mend these rows, or raise the limit"]
            raise DataError("\n".join(self.shown() + beyond), "\n".join(hints))
        self.raise_faults()

    def mends(self) -> Iterator[str]:
        """How many rows have each kind of fault, and how they may be left out."""
        for kind, lines in self._refused.items():
            rows = "row has" if len(lines) == 1 else "rows have"
            mend = f"{_HINTS.get(kind, 'mend them')}, or leave out a share: checks.max_{kind}"
            yield f"{len(lines)} {rows} {WORDS[kind]}: {mend}"

    def _beyond_limits(self, num_rows: int) -> Iterator[str]:
        for kind, lines in self._left_out.items():
            share, limit = len(lines) / max(num_rows, 1), self._checks.limit(kind) or 0.0
            if lines and share > limit:
                listed = ", ".join(map(str, sorted(lines)[:_LINES]))
                listed += ", ..." if len(lines) > _LINES else ""
                yield (
                    f"{self.path}: {len(lines)} of {num_rows} rows ({share:.2%}) have "
                    f"{WORDS[kind]}, allowed {limit:.2%} (checks.max_{kind}); lines {listed}"
                )


@dataclass
class Fields:
    """One row: its fields, its line, and where to report what is wrong with it.

    A faulty field is reported and read as empty, so that one pass finds all faults.

    Attributes:
        data: The row.
        line: Its line, or its number where the file has no lines.
        default_id: Its id where it has none.
        reading: Where to report.
        names: What the file calls a field, where that is not its usual name.
        is_left_out: Whether a fault of it leaves the row out.
    """

    data: Mapping[str, JSON]
    line: int
    default_id: str
    reading: CorpusReading
    names: Mapping[str, str]
    is_left_out: bool = False

    def fault(self, text: str) -> None:
        self.reading.fault(self.line, text)

    def id(self) -> str:
        """The row's id, or its line number where it has none."""
        if "id" not in self.data:
            return self.default_id
        return self.text("id") or self.default_id

    def text(self, name: str) -> str:
        """A text that must be there."""
        called = self.names.get(name, name)
        if called not in self.data:
            there = ", ".join(self.data) or "none"
            self.fault(f"{called}: missing, allowed a text (fields here: {there})")
            return ""
        return self.optional_text(name) or ""

    def optional_text(self, name: str) -> str | None:
        """A text that may be absent, but not empty."""
        called = self.names.get(name, name)
        if called not in self.data:
            return None
        value = self.data[called]
        if not isinstance(value, str):
            self.fault(f"{called}: found {_short(value)}, allowed a text")
        elif not value.strip():
            # a row with two empty sides is one faulty row
            if not self.is_left_out:
                self.reading.faulty_row("empty", self.line, f"{called}: empty, allowed a text")
            self.is_left_out = self.reading.may_leave_out("empty")
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
