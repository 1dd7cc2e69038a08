"""Data that are not shipped: which files a benchmark needs, and how its rows are made of them.

A benchmark's rows have an ``id`` and a ``prompt`` and whatever its metrics need. Other people's
files have other fields, so ``rows`` gives a Jinja template for each field of ours.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self, TypeAlias

from pydantic import Field, field_validator, model_validator

from harness.settings.spec import Spec

Template: TypeAlias = str | tuple[str, ...]
HUB = "hub"
"""Folder of the data folder in which copies of hub data sets lie, each under its id."""

_TAKE = re.compile(r"-?\d*(:-?\d*){1,2}")


class SourceSpec(Spec):
    """Which files are needed, how they are read, and what becomes of their records."""

    format: Literal["lines", "jsonl", "json", "csv", "tsv", "hub"]
    """`lines`: one file per field, aligned line by line; `jsonl`: an object a line; `json`: a list
    of objects; `csv` and `tsv`: with a header unless `columns` names them; `hub`: a Hugging Face
    data set. Names that end in .gz are unpacked."""

    files: Mapping[str, str] = Field(default_factory=dict)
    """Paths, looked for beside the YAML, then in the data folder (`eval.data`, else the environment
    variable HARNESS_DATA). For `lines` field -> path; for the others one, under any name."""

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

    @field_validator("take")
    @classmethod
    def _check_take(cls, value: str | None) -> str | None:
        if value is not None and not _TAKE.fullmatch(value):
            raise ValueError(f"found {value!r}, allowed: a slice such as '0::2' or '-500:'")
        return value

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if (self.format == "hub") != (self.hub is not None) or (self.hub and self.files):
            raise ValueError("`hub` goes with `format: hub`, and only with it; `files` with others")
        if self.format == "lines" and not self.files:
            raise ValueError("files: allowed: at least one")
        if self.format not in ("lines", "hub") and len(self.files) != 1:
            raise ValueError(f"files: found {len(self.files)}, allowed: one for {self.format}")
        if self.columns is not None and self.format not in ("csv", "tsv"):
            raise ValueError("`columns` goes with `format: csv` or `tsv`, and only with it")
        if "prompt" not in self.rows and "prompt" not in self.keep:
            raise ValueError("rows: `prompt` is missing, which every row needs")
        return self

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


def missing_files(spec: SourceSpec, folder: Path, data: Path | None) -> tuple[str, ...]:
    """Those of its files that are not there.

    Args:
        spec: What is needed.
        folder: Of the YAML.
        data: The data folder; None when the user named none.
    """
    places = [folder, *([data] if data is not None else [])]
    return tuple(
        name for name in spec.files.values() if not any((one / name).is_file() for one in places)
    )


def located(spec: SourceSpec, folder: Path, data: Path | None) -> dict[str, Path]:
    """Its files by field, all of which are there."""
    places = [folder, *([data] if data is not None else [])]
    return {
        field: next((one / name).resolve() for one in places if (one / name).is_file())
        for field, name in spec.files.items()
    }
