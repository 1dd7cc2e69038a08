"""A benchmark's rows, checked: JSON lines with an id, a prompt and whatever its templates use."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeGuard

from harness.benchmarks.task import TaskFile
from harness.data.raw import RawRow, is_empty
from harness.errors import DataError
from harness.languages.tags import ALLOWED, language_tag
from harness.records import JSON
from harness.settings import plugins
from harness.storage.reading import Reading

_LANGUAGES = ("source_lang", "target_lang")


def check_rows(
    rows: Iterable[RawRow], task: TaskFile, reading: Reading, mapping: str | None = None
) -> tuple[Mapping[str, JSON], ...]:
    """Rows as those of a benchmark.

    Args:
        rows: With the lines they came from.
        task: Says which fields its templates use.
        reading: Of their file, with the faults found before.
        mapping: The YAML whose ``rows:`` made them, which is then to blame for their fields.

    Raises:
        DataError: All faults at once.
    """
    checked: list[Mapping[str, JSON]] = []
    first_line: dict[str, int] = {}
    needed = ("id", "prompt", *task.fields_used())
    source = task.metadata.harness.data
    needs = {need for name in task.metadata.harness.metrics for need in _needs_of(name)}
    may_be_empty = () if task.output_type == "multiple_choice" or "wanted" in needs else ("target",)
    for raw in rows:
        row = raw.data
        for field, text in _faults_of(row, needed, may_be_empty, task.output_type):
            if mapping is None or source is None:
                reading.fault(raw.line, f"{field}: {text}")
            else:
                path = f"keep: {field}" if field in source.keep else f"rows.{field}"
                record = f" (record {raw.number} of {reading.path})"
                reading.fault(None, f"metadata.harness.data.{path}: {text}", mapping, record)
        row = {**row, **_tags_of(row)}
        name = str(row.get("id"))
        if "id" in row and name in first_line:
            reading.fault(raw.line, f"id: {name!r} is also that of line {first_line[name]}")
        first_line.setdefault(name, raw.line)
        checked.append(row)
    reading.raise_faults(num_rows=len(checked))
    if not checked:
        raise DataError(f"{reading.path}: no rows, allowed: at least one")
    return tuple(checked)


def _needs_of(metric: str) -> tuple[str, ...]:
    needs: tuple[str, ...] = plugins.load("metric", metric).needs
    return needs


def _faults_of(
    row: Mapping[str, JSON],
    needed: tuple[str, ...],
    may_be_empty: tuple[str, ...],
    output_type: str,
) -> Iterator[tuple[str, str]]:
    """Each field at fault, and what is wrong with it."""
    for name in needed:
        if name not in row:
            yield name, f"missing (found: {', '.join(row)})"
    if "turns" in row and output_type == "multiple_choice":
        yield "turns", "allowed: in generate_until benchmarks alone"
    for name in ("id", "prompt", "target", "source", "source_lang", "target_lang"):
        if name not in row:
            continue
        value = row[name]
        if not isinstance(value, str):
            yield name, f"found {value!r}, allowed: text"
        elif is_empty(value) and name not in may_be_empty:
            yield name, "empty, allowed: a text"
        elif name in _LANGUAGES and language_tag(value) is None:
            yield name, f"found {value!r}, {ALLOWED}"
    references = row.get("references")
    if "references" in row and not _is_texts(references):
        yield "references", "allowed: a list of at least one text"
    elif _is_texts(references) and all(map(is_empty, references)):
        yield "references", "empty, allowed: at least one that has a text"
    if "messages" in row:
        yield from _chat_faults(row["messages"])
    if "turns" in row:
        yield from _turn_faults(row)
    if "temperature" in row and not _is_temperature(row["temperature"]):
        yield "temperature", f"found {row['temperature']!r}, allowed: a number, 0 or greater"


def _tags_of(row: Mapping[str, JSON]) -> dict[str, JSON]:
    """The languages of a row by the tags they are known by."""
    tags = {name: language_tag(str(row[name])) for name in _LANGUAGES if name in row}
    return {name: tag for name, tag in tags.items() if tag is not None}


def _is_texts(value: JSON) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)


def _is_temperature(value: JSON) -> bool:
    # of data that are not shipped a template makes it, and templates make text
    return bool(re.fullmatch(r"\d+(\.\d+)?", str(value))) and not isinstance(value, bool)


def _turn_faults(row: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    turns = row["turns"]
    if _is_texts(turns):
        if turns[-1] != row.get("prompt"):
            yield "turns", f"the last is {turns[-1]!r}, allowed: the prompt, {row.get('prompt')!r}"
    else:
        yield "turns", "allowed: a list of at least one text, the user's turns in order"
    if "messages" in row:
        yield "turns", "the row has messages too, allowed: one of them"


def _chat_faults(messages: JSON) -> Iterator[tuple[str, str]]:
    if not isinstance(messages, list) or not messages:
        yield "messages", "allowed: a list of at least one turn"
        return
    for index, turn in enumerate(messages):
        if not isinstance(turn, dict) or set(turn) != {"role", "content"}:
            yield f"messages.{index}", "allowed: an object with role and content"
        elif turn["role"] not in {"system", "user", "assistant"}:
            told = f"found {turn['role']!r}, allowed: system, user, assistant"
            yield f"messages.{index}.role", told
        elif not isinstance(turn["content"], str):
            yield f"messages.{index}.content", "allowed: text"
    last = messages[-1]
    if isinstance(last, dict) and last.get("role") != "user":
        yield "messages", f"the last turn is the {last.get('role')}'s, allowed: the user's"
