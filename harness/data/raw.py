"""A row as a format gives it, and what a format is: one file of ``harness/data/formats``."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.data.spec import CorpusSpec
from harness.errors import DataError
from harness.records import JSON
from harness.storage.reading import Reading


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
    """Of its files, in lower case and without .gz."""

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
            f"{form} does not say its languages"
        )


def language_tag(text: str) -> str:
    """A language as files name it, as a BCP-47 tag.

    >>> language_tag("EN_us")
    'en-us'
    """
    language, dash, region = text.replace("_", "-").partition("-")
    return language.lower() + dash + region


def same_language(tag: str, other: str) -> bool:
    """Whether two tags name one language, the region left aside.

    >>> same_language("de", "de-AT")
    True
    """
    return tag.partition("-")[0].lower() == other.partition("-")[0].lower()
