"""A benchmark's rows, checked: JSON lines with an id, a prompt and whatever its templates use."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeGuard

from harness.benchmarks.task import TaskFile
from harness.records import JSON
from harness.storage.predictions import raise_faults, read_lines

_FIELD = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)")


def read_items(path: Path, task: TaskFile) -> tuple[Mapping[str, JSON], ...]:
    """The rows of a benchmark's data file.

    Raises:
        DataError: All faults of the file at once, each with its line.
    """
    faults: list[str] = []
    return check_rows(path, read_lines(path, faults), task, faults)


def check_rows(
    path: Path,
    numbered: Iterable[tuple[int, Mapping[str, JSON]]],
    task: TaskFile,
    faults: list[str] | None = None,
) -> tuple[Mapping[str, JSON], ...]:
    """Rows with the lines they came from, as rows of a benchmark.

    Raises:
        DataError: All faults of the file at once, those found before among them.
    """
    rows: list[Mapping[str, JSON]] = []
    faults = [] if faults is None else faults
    first_line: dict[str, int] = {}
    needed = ("id", "prompt", *(_fields_of(task)))
    for line, row in numbered:
        faults += [f"{path}:{line}: {fault}" for fault in _faults_of(row, needed)]
        if "turns" in row and task.output_type == "multiple_choice":
            faults.append(f"{path}:{line}: turns: allowed: in generate_until benchmarks alone")
        name = str(row.get("id"))
        if "id" in row and name in first_line:
            faults.append(f"{path}:{line}: id: {name!r} is also that of line {first_line[name]}")
        first_line.setdefault(name, line)
        rows.append(row)
    if not rows and not faults:
        faults.append(f"{path}: no rows, allowed: at least one")
    raise_faults(str(path), faults)
    return tuple(rows)


def _fields_of(task: TaskFile) -> tuple[str, ...]:
    templates = [task.doc_to_text, task.doc_to_target, task.doc_to_choice]
    found: dict[str, None] = {}
    for template in templates:
        if isinstance(template, str):
            bare = re.fullmatch(r"[A-Za-z_]\w*", template)
            found |= dict.fromkeys([template] if bare else _FIELD.findall(template))
    return tuple(name for name in found if name not in {"id", "prompt"})


def _faults_of(row: Mapping[str, JSON], needed: tuple[str, ...]) -> Iterator[str]:
    for name in needed:
        if name not in row:
            yield f"{name}: missing (found: {', '.join(row)})"
    for name in ("id", "prompt", "target", "source", "source_lang", "target_lang"):
        if name in row and not isinstance(row[name], str):
            yield f"{name}: found {row[name]!r}, allowed: text"
    if "references" in row and not _is_texts(row["references"]):
        yield "references: allowed: a list of at least one text"
    if "messages" in row:
        yield from _chat_faults(row["messages"])
    if "turns" in row:
        yield from _turn_faults(row)
    if "temperature" in row and not _is_temperature(row["temperature"]):
        yield f"temperature: found {row['temperature']!r}, allowed: a number, 0 or greater"


def _is_texts(value: JSON) -> TypeGuard[list[str]]:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)


def _is_temperature(value: JSON) -> bool:
    # of data that are not shipped a template makes it, and templates make text
    return bool(re.fullmatch(r"\d+(\.\d+)?", str(value))) and not isinstance(value, bool)


def _turn_faults(row: Mapping[str, JSON]) -> Iterator[str]:
    turns = row["turns"]
    if _is_texts(turns):
        if turns[-1] != row.get("prompt"):
            yield f"turns: the last is {turns[-1]!r}, allowed: the prompt, {row.get('prompt')!r}"
    else:
        yield "turns: allowed: a list of at least one text, the user's turns in order"
    if "messages" in row:
        yield "turns: the row has messages too, allowed: one of them"


def _chat_faults(messages: JSON) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield "messages: allowed: a list of at least one turn"
        return
    for index, turn in enumerate(messages):
        if not isinstance(turn, dict) or set(turn) != {"role", "content"}:
            yield f"messages.{index}: allowed: an object with role and content"
        elif turn["role"] not in {"system", "user", "assistant"}:
            yield (
                f"messages.{index}.role: found {turn['role']!r}, allowed: system, user, assistant"
            )
        elif not isinstance(turn["content"], str):
            yield f"messages.{index}.content: allowed: text"
    last = messages[-1]
    if isinstance(last, dict) and last.get("role") != "user":
        yield f"messages: the last turn is the {last.get('role')}'s, allowed: the user's"
