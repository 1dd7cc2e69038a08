"""Data that are not shipped: which files a benchmark needs, and how its rows are made of them.

A benchmark's rows have an ``id`` and a ``prompt`` and whatever its metrics need. Other people's
files have other fields, so ``rows`` gives a Jinja template for each field of ours.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from harness.data.readers import file_formats
from harness.data.spec import takes_two
from harness.languages.tags import LanguageTag
from harness.settings.spec import Spec, digest

Template: TypeAlias = str | tuple[str, ...]
HUB = "hub"
"""A format; and the folder of the data folder in which copies of hub data sets lie, by id."""

LINES = "lines"
SIDES = ("source", "target")
"""Fields of the files of a format that keeps the sides apart."""

_TAKE = re.compile(r"(-?\d+)?:(-?\d+)?(:(-?0*[1-9]\d*)?)?")


def _is_none(value: object) -> bool:
    # left out where it is not given: scores made before there was such a setting are found again
    return value is None


def _is_false(value: object) -> bool:
    return value is False


def _formats() -> tuple[str, ...]:
    return (LINES, *file_formats(), HUB)


class SourceSpec(Spec):
    """Which files are needed, how they are read, and what becomes of their records."""

    format: str
    """`lines`: one file per field, aligned line by line; `jsonl`: an object a line; `json`: a list
    of objects; `csv` and `tsv`: with a header unless `columns` names them; `tmx`, `wmt_xml` and
    `sgm`: records with `source`, `target` and their languages; `huggingface`: one Parquet or Arrow
    file; `hub`: a Hugging Face data set.
    Names that end in .gz, .xz or .bz2 are unpacked."""

    files: Mapping[str, Template] = Field(default_factory=dict)
    """Paths, looked for beside the YAML, then in the data folder (`eval.data`, else the environment
    variable HARNESS_DATA). For `lines` field -> path; for `sgm` `source` and `target`; for the
    others one, under any name. A list of paths: the first that is there."""

    source_lang: LanguageTag | None = Field(None, exclude_if=_is_none)
    """Of a `tmx` file with more than two languages, or a `wmt_xml` with several: that of the
    source."""

    target_lang: LanguageTag | None = Field(None, exclude_if=_is_none)
    """There too: that of the target."""

    reference: str | None = Field(None, exclude_if=_is_none)
    """Of a `wmt_xml` file with several translators: which one; else the one of most segments."""

    allow_unpaired: bool = Field(False, exclude_if=_is_false)
    """Whether units of a `tmx` file without one of the languages, and segments of a `wmt_xml` or
    `sgm` file without a reference, are left out and counted; else they are refused."""

    hub: str | None = None
    """For `hub`: the data set's id; a copy at `hub/<id>` in the data folder is taken first."""

    hub_config: str | None = None
    """For `hub`: which of the data set's configurations."""

    hub_split: str = "test"
    """For `hub`: which of its splits."""

    columns: tuple[str, ...] | None = None
    """For `csv` and `tsv` without a header line: the names of the columns."""

    rows: Mapping[str, Template]
    """Field -> Jinja template, or a list of templates for a field that is a list. They see the
    record's fields, the fields before them, and `row`, its number from 1; the filter
    `language_name` makes "German" of "de". Without `id`, the number of the row is it."""

    keep: tuple[str, ...] = ()
    """Fields of the record that go into the row as they are."""

    where: str | None = None
    """A Jinja expression; only records for which it is true are used."""

    take: str | None = None
    """Which of these: a slice as in Python, "0::2" or "-500:"."""

    get: str = Field(min_length=1)
    """Where the data are to be had, and under which licence: said when they are missing."""

    pairs: tuple[str, ...] = ()
    """In a file whose name has PAIR or LANG in it: which pairs ("en-de") or languages ("th") are
    meant when none is named."""

    codes: Mapping[str, str] = Field(default_factory=dict)
    """There too: BCP-47 tag -> what the files call the language."""

    @field_validator("format")
    @classmethod
    def _check_format(cls, value: str) -> str:
        if value not in _formats():
            raise ValueError(f"found {value!r}, allowed: {', '.join(_formats())}")
        return value

    @field_validator("take")
    @classmethod
    def _check_take(cls, value: str | None) -> str | None:
        if value is not None and not _TAKE.fullmatch(value):
            raise ValueError(f"found {value!r}, allowed: a slice such as '0::2' or '-500:'")
        return value

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if (self.format == HUB) != (self.hub is not None) or (self.hub and self.files):
            raise ValueError("`hub` goes with `format: hub`, and only with it; `files` with others")
        if self.format == LINES and not self.files:
            raise ValueError("files: allowed: at least one")
        if self.format not in (LINES, HUB):
            if takes_two(self.format) and set(self.files) != set(SIDES):
                told = ", ".join(self.files) or "none"
                raise ValueError(f"files: found {told}, allowed for {self.format}: source, target")
            if not takes_two(self.format) and len(self.files) != 1:
                raise ValueError(f"files: found {len(self.files)}, allowed: one for {self.format}")
        if self.columns is not None and self.format not in ("csv", "tsv"):
            raise ValueError("`columns` goes with `format: csv` or `tsv`, and only with it")
        if "prompt" not in self.rows and "prompt" not in self.keep:
            raise ValueError("rows: `prompt` is missing, which every row needs")
        return self

    def located(self, folder: Path, data: Path | None) -> dict[str, Path | None]:
        """The files by field, None for those that are not there.

        Args:
            folder: Of the YAML.
            data: The data folder; None when the user named none.
        """
        return {
            field: next(
                filter(None, (located(name, folder, data) for name in names_of(paths))), None
            )
            for field, paths in self.files.items()
        }

    def digest(self) -> str:
        """What becomes of the records, prompts among it; not where the files are."""
        places = {"files", "get", "pairs", "codes"}
        return digest({k: v for k, v in self.plain().items() if k not in places})

    def taken(self, records: Sequence[int]) -> Sequence[int]:
        """What ``take`` leaves of a sequence.

        >>> take = {"format": "json", "files": {"rows": "a"}, "rows": {"prompt": "p"}, "get": "-"}
        >>> SourceSpec(**take, take="1::2").taken([1, 2, 3, 4])
        [2, 4]
        """
        if self.take is None:
            return records
        parts = [int(part) if part else None for part in self.take.split(":")]
        return records[slice(*parts)]


def names_of(paths: Template) -> tuple[str, ...]:
    """The paths a file of a benchmark may have, the usual one first."""
    return (paths,) if isinstance(paths, str) else paths


def located(name: str, folder: Path, data: Path | None) -> Path | None:
    """A file that is looked for beside a YAML, then in the data folder.

    Args:
        name: Its relative path.
        folder: Of the YAML.
        data: The data folder; None when the user named none.
    """
    paths = [place / name for place in (folder, data) if place is not None]
    return next((path.resolve() for path in paths if path.is_file()), None)
