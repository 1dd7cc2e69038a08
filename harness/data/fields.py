"""The fields of one row of a corpus file, and the faults found in all rows."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.data.raw import is_empty, language_flags
from harness.data.spec import ChecksSpec
from harness.errors import DataError
from harness.languages.tags import ALLOWED, language_tag
from harness.records import JSON
from harness.storage.reading import Reading

_LINES = 10
_HINTS = {"undecodable": "convert it, for example with: iconv -f LATIN1 -t UTF-8"}
WORDS = {
    "undecodable": "text that is not UTF-8",
    "malformed": "a structure that cannot be read",
    "unpaired": "no text in one of the languages",
    "empty": "an empty side",
    "garbled": "a side read in a wrong encoding",
    "markup": "markup in a side",
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

    Attributes:
        not_given: Number of rows that a format could not give.
    """

    def __init__(self, path: str, checks: ChecksSpec | None = None) -> None:
        super().__init__(path)
        self._checks = checks or ChecksSpec()
        self._left_out: dict[str, list[int]] = defaultdict(list)
        self._refused: Counter[str] = Counter()
        self._silent: dict[str, str] = {}
        self.not_given = 0

    def undecodable(self, line: int, text: str, path: str) -> None:
        """A line is not UTF-8, and was read as empty; two such sides are one faulty row."""
        is_new = line not in self.unreadable
        self.unreadable.add(line)
        self.not_given += is_new
        if is_new or not self.may_leave_out("undecodable"):
            self._fault_of_row("undecodable", line, text, path, is_new)

    def malformed(self, line: int, text: str, path: str | None = None) -> None:
        self.not_given += 1
        self._fault_of_row("malformed", line, text, path)

    def unpaired(self, line: int, text: str, num_rows: int = 1) -> None:
        """Rows have a text in one language alone, and are not given."""
        self.not_given += num_rows
        kind = self._limited("unpaired")
        if self.may_leave_out(kind):
            self._left_out[kind] += [line] * num_rows
            return
        self.fault(line, text)
        self._refused["unpaired"] += num_rows

    def faulty(self, kind: str, fields: "Fields", text: str) -> None:
        """A field of a row is faulty: leaves the row out if its kind has a limit above 0."""
        if fields.is_left_out:
            return
        is_first = kind not in fields.faulty
        fields.faulty.add(kind)
        fields.is_left_out = self._fault_of_row(kind, fields.line, text, None, is_first)

    def no_language(self, fields: "Fields", name: str, setting: str) -> None:
        """A row does not say the language of a side, nor do the settings."""
        text = f"{name}: missing, {ALLOWED}, here or as the corpus setting {setting}"
        self._silent[text] = setting
        self.faulty("malformed", fields, text)

    def may_leave_out(self, kind: str) -> bool:
        """Whether rows with this fault are left out in place of stopping the run each."""
        return bool(self._checks.limit(kind))

    def leave_out(self, kind: str, lines: list[int]) -> None:
        """Leaves rows out; whether they are too many ``raise_beyond_limits`` says."""
        self._left_out[kind] += lines

    @property
    def left_out(self) -> dict[str, list[int]]:
        """Lines of the rows left out, by kind of fault."""
        return {kind: sorted(lines) for kind, lines in self._left_out.items() if lines}

    def raise_beyond_limits(self, num_rows: int) -> None:
        """All faults as one DataError, kinds of which too many rows were left out among them.

        A fault that all rows have is told once.

        Args:
            num_rows: Of the file, those left out among them.
        """
        beyond = list(self._beyond_limits(num_rows))
        shared = self.shared(num_rows)
        silent = [self._silent[text] for _, text in shared if text in self._silent]
        if silent:
            named = "languages" if len(silent) > 1 else silent[0]
            shown = [f"{self.path}: no row says its {named}, {ALLOWED}"]
            raise DataError("\n".join(shown + beyond), language_flags(silent))
        if beyond:
            hints = [*self.mends(), "mend these rows, or raise the limit"]
            raise DataError("\n".join(self.shown(num_rows) + beyond), "\n".join(hints))
        self.raise_faults(num_rows=num_rows)

    def mends(self) -> Iterator[str]:
        """How many rows have each kind of fault, and how they may be left out."""
        for kind, count in self._refused.items():
            rows = "row has" if count == 1 else "rows have"
            mend = f"{_HINTS.get(kind, 'mend them')}, or leave out a share: checks.max_{kind}"
            mend += "" if self._limited(kind) == kind else f" or checks.max_{self._limited(kind)}"
            yield f"{count} {rows} {WORDS[kind]}: {mend}"

    def _limited(self, kind: str) -> str:
        """The kind whose limit holds: rows of one side are malformed where they have none."""
        has_none = kind == "unpaired" and self._checks.limit(kind) is None
        return "malformed" if has_none else kind

    def _fault_of_row(
        self, kind: str, line: int, text: str, path: str | None = None, is_first: bool = True
    ) -> bool:
        """Leaves a row out if its kind of fault has a limit above 0, else adds the fault."""
        limited = self._limited(kind)
        if self.may_leave_out(limited):
            self._left_out[limited].append(line)
            return True
        self.fault(line, text, path)
        self._refused[kind] += is_first
        return False

    def _beyond_limits(self, num_rows: int) -> Iterator[str]:
        for kind, lines in self._left_out.items():
            share, limit = len(lines) / max(num_rows, 1), self._checks.limit(kind) or 0.0
            if lines and share > limit:
                yield (
                    f"{self.path}: {len(lines)} of {num_rows} rows ({_percent(share)}) have "
                    f"{WORDS[kind]}, allowed {_percent(limit)} (checks.max_{kind}); "
                    f"{named_lines(sorted(lines))}"
                )


def named_lines(lines: Sequence[int]) -> str:
    """The first of some lines.

    >>> named_lines([3, 5])
    'lines 3, 5'
    """
    more = ", ..." if len(lines) > _LINES else ""
    return f"lines {', '.join(map(str, lines[:_LINES]))}{more}"


def _percent(share: float) -> str:
    """A share that may be one row in a million.

    >>> _percent(0.25), _percent(0), _percent(2e-6)
    ('25.00%', '0.00%', '0.0002%')
    """
    return f"{share:.2%}" if share == 0 or share >= 0.001 else f"{100 * share:.2g}%"


class FaultyRow(Exception):
    """A row of which nothing more can be read; its fault was told."""


@dataclass
class Fields:
    """One row: its fields, its line, and where to report what is wrong with it.

    A faulty field is reported and read as empty, so that one pass finds all faults.

    Attributes:
        data: The row; a field that is null is one that is not there.
        line: Its line, or its number where the file has no lines.
        default_id: Its id where it has none.
        reading: Where to report.
        names: What the file calls a field, where that is not its usual name.
        is_left_out: Whether a fault of it leaves the row out.
        faulty: Kinds of fault it stops the run for.
    """

    data: Mapping[str, JSON]
    line: int
    default_id: str
    reading: CorpusReading
    names: Mapping[str, str]
    is_left_out: bool = False
    faulty: set[str] = field(default_factory=set)

    def fault(self, text: str) -> None:
        """Its structure is wrong."""
        self.reading.faulty("malformed", self, text)

    def unpaired(self, text: str) -> None:
        """It has no text in one of the languages."""
        self.reading.faulty("unpaired", self, text)

    def id(self) -> str:
        """The row's id, a text or a number, or its line number where it has none."""
        value = self.data.get("id")
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return self.optional_text("id") or self.default_id

    def text(self, name: str) -> str:
        """A text that must be there."""
        called = self.names.get(name, name)
        if called not in self.data:
            there = ", ".join(self.data) or "none"
            self.fault(f"{called}: missing, allowed a text (fields here: {there})")
        elif self.data[called] is None:
            self._empty(called)
        return self.optional_text(name) or ""

    def optional_text(self, name: str) -> str | None:
        """A text that may be absent, but not empty."""
        called = self.names.get(name, name)
        value = self.data.get(called)
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault(f"{called}: found {_short(value)}, allowed a text")
        elif is_empty(value):
            self._empty(called)
        else:
            return value
        return None

    def _empty(self, called: str) -> None:
        self.reading.faulty("empty", self, f"{called}: empty, allowed a text")

    def language(self, name: str, default: str | None, setting: str | None = None) -> str:
        """A language tag of the row, or of the specification where the row has none."""
        value = self.data.get(name)
        if value is None or (isinstance(value, str) and is_empty(value)):
            if default is None:
                self.reading.no_language(self, name, setting or name)
            return default or ""
        tag = language_tag(value) if isinstance(value, str) else None
        if tag is None:
            self.fault(f"{name}: found {_short(value)}, {ALLOWED}")
        return tag or ""


def _short(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
