"""A benchmark's rows made from files that are not shipped; all faults of a file at once."""

import csv
import gzip
import importlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from harness.benchmarks.source import SourceSpec, Template
from harness.data.prompts import language_name
from harness.errors import ConfigError, DataError
from harness.records import JSON
from harness.storage.predictions import raise_faults

Numbered = list[tuple[int, Mapping[str, JSON]]]


def read_source(
    where: str, spec: SourceSpec, files: Mapping[str, Path], data: Path | None
) -> Numbered:
    """The rows with the numbers of the records they are made of, from 1.

    Args:
        where: The YAML, for messages about its templates.
        spec: How files are read and rows made.
        files: The files, by field.
        data: The data folder, in which copies of hub data sets may be.

    Raises:
        ConfigError: A template is wrong, or names a field there is not.
        DataError: A file is wrong: all its faults at once, each with its line.
    """
    records = list(_records(spec, files, data))
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined)
    environment.filters["language_name"] = language_name
    try:
        wanted = None if spec.where is None else environment.compile_expression(spec.where)
        templates = {
            field: _compiled(environment, template) for field, template in spec.rows.items()
        }
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"{where}: metadata.harness.data: not a template: {error}") from None
    numbers = [
        number
        for number, record in enumerate(records)
        if wanted is None or wanted(**record, row=number + 1)
    ]
    width = len(str(len(records)))
    rows: Numbered = []
    for number in spec.taken(numbers):
        record = {**records[number], "row": number + 1}
        row: dict[str, JSON] = {"id": f"{number + 1:0{width}}"}
        try:
            row |= {name: record[name] for name in spec.keep}
            for field, template in templates.items():
                row[field] = _rendered(template, {**record, **row})
        except (jinja2.TemplateError, KeyError, TypeError, AttributeError, ConfigError) as error:
            found = ", ".join(name for name in record if name != "row")
            raise ConfigError(
                f"{where}: metadata.harness.data.rows: record {number + 1} has no place in them: "
                f"{error} (its fields: {found})"
            ) from None
        rows.append((number + 1, row))
    return rows


def _compiled(
    environment: jinja2.Environment, template: Template
) -> jinja2.Template | list[jinja2.Template]:
    if isinstance(template, str):
        return environment.from_string(template)
    return [environment.from_string(one) for one in template]


def _rendered(
    template: jinja2.Template | list[jinja2.Template], fields: Mapping[str, JSON]
) -> str | list[str]:
    if isinstance(template, list):
        return [one.render(fields) for one in template]
    return template.render(fields)


def _records(
    spec: SourceSpec, files: Mapping[str, Path], data: Path | None
) -> Iterator[Mapping[str, JSON]]:
    if spec.format == "hub":
        hub = importlib.import_module("harness.benchmarks.hub")  # heavy: only for who wants it
        yield from hub.records(spec, data)
        return
    if spec.format == "lines":
        yield from _aligned(files)
        return
    (path,) = files.values()
    text = _text(path)
    if spec.format in ("csv", "tsv"):
        yield from _table(path, text, "," if spec.format == "csv" else "\t", spec.columns)
        return
    faults: list[str] = []
    if spec.format == "json":
        yield from _objects(path, _loaded(str(path), text, faults), faults)
        return
    # not splitlines(): U+2028 and the like may stand inside a JSON string
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    found = [_loaded(f"{path}:{number}", line, faults) for number, line in numbered]
    yield from _objects(path, found, faults)


def _text(path: Path) -> str:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}:{line}: not UTF-8 (byte {raw[error.start]:#04x}), allowed UTF-8",
            "convert it, for example with: iconv -f LATIN1 -t UTF-8",
        ) from None


def _aligned(files: Mapping[str, Path]) -> Iterator[Mapping[str, JSON]]:
    columns = {field: _text(path).removesuffix("\n").split("\n") for field, path in files.items()}
    counts = {field: len(lines) for field, lines in columns.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{files[field]} has {count}" for field, count in counts.items())
        raise DataError(f"files that belong together have different numbers of lines: {listed}")
    raise_faults(
        "empty lines",
        [
            f"{files[field]}:{number}: empty, allowed: a text"
            for field, lines in columns.items()
            for number, line in enumerate(lines, 1)
            if not line.strip()
        ],
    )
    for lines in zip(*columns.values(), strict=True):
        yield dict(zip(columns, lines, strict=True))


def _table(
    path: Path, text: str, delimiter: str, columns: tuple[str, ...] | None
) -> Iterator[Mapping[str, JSON]]:
    file = io.StringIO(text, newline="")
    if delimiter == ",":
        reader = csv.reader(file)
    else:  # tab-separated text has quotation marks that are only that
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    names: list[str] | None = None if columns is None else list(columns)
    faults: list[str] = []
    found: list[Mapping[str, JSON]] = []
    for fields in reader:
        if not fields:
            continue
        if names is None:
            names = fields
        elif len(fields) != len(names):
            faults.append(
                f"{path}:{reader.line_num}: found {len(fields)} fields, allowed: {len(names)} "
                f"({', '.join(names)})"
            )
        else:
            found.append(dict(zip(names, fields, strict=True)))
    raise_faults(str(path), faults)
    yield from found


def _loaded(where: str, text: str, faults: list[str]) -> JSON:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}" if "\n" in text else where
        faults.append(f"{place}: not JSON: {error.msg} at column {error.colno}")
        return {}


def _objects(path: Path, found: JSON, faults: list[str]) -> Iterator[Mapping[str, JSON]]:
    records = found if isinstance(found, list) else [found]
    faults += [
        f"{path}: record {number}: found {type(record).__name__}, allowed: a JSON object"
        for number, record in enumerate(records, 1)
        if not isinstance(record, dict)
    ]
    raise_faults(str(path), faults)
    yield from records
