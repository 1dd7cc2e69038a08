"""A benchmark's rows made from files that are not shipped; all faults of a file at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from harness.benchmarks.source import HUB, LINES, SIDES, SourceSpec
from harness.data.prompts import language_name
from harness.data.raw import RawRow, is_empty
from harness.data.readers import rows_as_they_stand
from harness.data.spec import CorpusSpec
from harness.errors import ConfigError, DataError, join_faults
from harness.records import JSON
from harness.storage.reading import Reading, read_lines

_BLOCK = "metadata.harness.data"
_ERRORS = (
    *(jinja2.TemplateError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError),
    ConfigError,
)
"""What a template may raise over the fields of a record."""


def read_records(
    spec: SourceSpec, files: Mapping[str, Path], data: Path | None, reading: Reading
) -> list[RawRow]:
    """The records of a benchmark's files, as they stand.

    Args:
        spec: How the files are read.
        files: The files, by field.
        data: The data folder, in which copies of hub data sets may be.
        reading: Is told what is wrong, line by line.

    Raises:
        DataError: A file cannot be read at all.
    """
    if spec.format == HUB:
        records = enumerate(_hub_records(spec, data), start=1)
        return [RawRow(number, number, record) for number, record in records]
    if spec.format == LINES:
        return list(_aligned(files, reading, spec.where is not None))
    paths = list(files.values()) if len(files) == 1 else [files[side] for side in SIDES]
    corpus = CorpusSpec(
        path=str(paths[0]),
        target_path=str(paths[1]) if len(paths) > 1 else None,
        format=spec.format,
        source_lang=spec.source_lang,
        target_lang=spec.target_lang,
        reference=spec.reference,
    )
    return list(rows_as_they_stand(corpus, spec.columns, reading))


def _hub_records(spec: SourceSpec, data: Path | None) -> Iterator[Mapping[str, JSON]]:
    """The rows of a data set: of its copy in the data folder, else from the hub or its cache."""
    from harness.benchmarks.hub_copy import LOAD_ERRORS, load_hub  # heavy: for who wants it

    assert spec.hub is not None
    copy = None if data is None else data / HUB / spec.hub
    try:
        rows = load_hub(spec.hub, spec.hub_config, data=data, split=spec.hub_split)
    except LOAD_ERRORS as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        looked = "no data folder is named" if copy is None else f"no copy at {copy}"
        fault = f"{looked}, and the hub did not give it"
        if copy is not None and copy.is_dir():
            fault = f"its copy at {copy} cannot be read so"
        raise DataError(
            f"{spec.hub} ({spec.hub_config or 'default'}, {spec.hub_split}): not to be had: "
            f"{fault}: {reason}",
            spec.get,
        ) from None
    yield from rows


def _aligned(files: Mapping[str, Path], reading: Reading, are_chosen: bool) -> Iterator[RawRow]:
    """Lines side by side; those blank in all files, as between documents, are no records.

    Args:
        files: By field.
        reading: Is told of lines that are blank in some of the files.
        are_chosen: Whether records may yet be left out, such lines with them.

    Raises:
        DataError: The files have different numbers of lines.
    """
    columns = {field: read_lines(path, reading) for field, path in files.items()}
    counts = {field: len(lines) for field, lines in columns.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{files[field]} has {count}" for field, count in counts.items())
        raise DataError(f"files that belong together have different numbers of lines: {listed}")
    for number, cells in enumerate(zip(*columns.values(), strict=True), start=1):
        record = dict(zip(columns, cells, strict=True))
        blank = [field for field, text in record.items() if is_empty(text)]
        if len(blank) == len(record) and number not in reading.unreadable:
            continue
        for field in [] if are_chosen or number in reading.unreadable else blank:
            reading.fault(number, "empty, allowed: a text", str(files[field]))
        yield RawRow(number, number, record)


def rows_made_of(records: Sequence[RawRow], spec: SourceSpec, where: str) -> list[RawRow]:
    """The rows of a benchmark, numbered by the records they are made of, from 1.

    Args:
        records: All records of its files.
        spec: How rows are made of them.
        where: The YAML.

    Raises:
        ConfigError: A template is wrong, or names a field there is not; or no record is left.
    """
    templates = _Templates(spec, where)
    numbered = [{**record.data, "row": number} for number, record in enumerate(records, start=1)]
    indices = [index for index, record in enumerate(numbered) if templates.select(record)]
    taken = spec.taken(indices)
    if records and not taken:
        path = "take" if indices else "where"
        raise ConfigError(f"{where}: {_BLOCK}.{path}: keeps none of {len(records)} records")
    width = len(str(len(records)))
    return [
        RawRow(records[index].line, index + 1, templates.fill(f"{index + 1:0{width}}", record))
        for index, record in ((index, numbered[index]) for index in taken)
    ]


def _not_null(value: object) -> object:
    if value is None:
        raise ValueError("found null, allowed a value")  # else the text has the word None
    return value


class _Templates:
    """The templates of a benchmark's rows, compiled; a fault in them is one of the YAML."""

    def __init__(self, spec: SourceSpec, where: str) -> None:
        self._where = where
        self._keep = spec.keep
        self._faults: list[str] = []
        environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, finalize=_not_null)
        environment.filters["language_name"] = language_name
        condition = spec.where or "true"
        self._condition = self._parsed("where", environment.compile_expression, condition)
        self._fields = {
            field: [
                self._parsed(f"rows.{field}", environment.from_string, text)
                for text in ([given] if isinstance(given, str) else given)
            ]
            for field, given in spec.rows.items()
        }
        self._lists = {field for field, given in spec.rows.items() if not isinstance(given, str)}
        if self._faults:
            raise ConfigError(join_faults(where, self._faults))

    def _parsed(self, path: str, compiled: Callable[[str], Any], text: str) -> Any:
        try:
            return compiled(text)
        except jinja2.TemplateSyntaxError as error:
            self._faults.append(f"{_BLOCK}.{path}: not a template: {error}")
            return None

    def select(self, record: Mapping[str, JSON]) -> bool:
        """Whether a row is made of a record."""
        with self._blamed("where", record):
            return bool(self._condition(record))

    def fill(self, identifier: str, record: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """The row made of a record."""
        row: dict[str, JSON] = {"id": identifier}
        for name in self._keep:
            with self._blamed("keep", record):
                row[name] = record[name]
        for field, templates in self._fields.items():
            with self._blamed(f"rows.{field}", record):
                texts = [template.render({**record, **row}) for template in templates]
                row[field] = texts if field in self._lists else texts[0]
        return row

    @contextmanager
    def _blamed(self, path: str, record: Mapping[str, JSON]) -> Iterator[None]:
        try:
            yield
        except _ERRORS as error:
            names = ", ".join(name for name in record if name != "row")
            raise ConfigError(
                f"{self._where}: {_BLOCK}.{path}: record {record['row']} has no such field, or one "
                f"that does not fit: {error} (its fields: {names})"
            ) from None
