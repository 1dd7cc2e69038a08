"""A row as a format gives it, and what a format is: one file of ``harness/data/formats``."""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.data.spec import CorpusSpec
from harness.errors import DataError
from harness.records import JSON
from harness.storage.reading import Reading

_UNSEEN = {"Cc", "Cf", "Cn"}
_FILLERS = {"\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u2800", "\u3164", "\uffa0"} | {
    chr(code) for code in range(0xFE00, 0xFE10)
}
"""Letters and marks that show nothing: fillers of Hangul and Khmer, an empty cell of Braille,
selectors of variants."""
_BOM = "\ufeff"
_WRAPS = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row before it is looked at.

    Attributes:
        line: Where it begins.
        number: What makes its id where it has none; the line, where a line is a row.
        data: Its fields, by the names ``harness.data.parse`` knows.
    """

    line: int
    number: int
    data: Mapping[str, JSON]


class Format(ABC):
    """How files of a format become rows; everything about their content is checked elsewhere."""

    endings: ClassVar[tuple[str, ...]] = ()
    """Of its files, in lower case and without that of compression."""

    two_files: ClassVar[bool] = False
    """Whether the targets lie in a file of their own."""

    has_fields: ClassVar[bool] = False
    """Whether its rows have named fields, so that they may be chats or texts too."""

    version: ClassVar[int] = 1
    """Raised when the same file gives other rows."""

    @abstractmethod
    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """The rows of a file; those it cannot read are reported with their lines.

        Raises:
            DataError: It cannot be read at all.
        """


def check_languages(spec: CorpusSpec, form: str) -> None:
    """For a format that does not say its languages: that the settings do.

    Raises:
        DataError: They do not.
    """
    missing = [name for name in ("source_lang", "target_lang") if getattr(spec, name) is None]
    if missing:
        raise DataError(
            f"{spec.path}: {' and '.join(missing)} missing in its settings; a file of format "
            f"{form} does not say its languages",
            language_flags(missing),
        )


def language_flags(settings: Sequence[str]) -> str:
    """How the languages of a corpus are told.

    >>> language_flags(["target_lang"])
    '--target-lang de on the command line, target_lang: de in a file of settings'
    """
    examples = {"source_lang": "en", "target_lang": "de"}
    flags = " ".join(f"--{name.replace('_', '-')} {examples[name]}" for name in settings)
    lines = ", ".join(f"{name}: {examples[name]}" for name in settings)
    return f"{flags} on the command line, {lines} in a file of settings"


def is_empty(text: str) -> bool:
    r"""Whether a text has nothing to be seen: white space, format and control characters alone.

    >>> [is_empty(text) for text in ("\u200b \ufeff", "\u00ad", "\u3164", "\x00", ".", "\u0e01")]
    [True, True, True, True, False, False]
    """
    return all(
        one.isspace() or one in _FILLERS or unicodedata.category(one) in _UNSEEN for one in text
    )


def trimmed(text: str) -> str:
    """A text without white space and byte order marks at its ends."""
    return text.strip().strip(_BOM).strip() if _BOM in text else text.strip()


def folded(text: str) -> str:
    r"""A text of a marked-up file on one line: lines are wrapped there as suits the file.

    >>> folded("Click the\n      button\t now ")
    'Click the button now'
    """
    return _WRAPS.sub(" ", text).strip(" ")
