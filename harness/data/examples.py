"""Training examples on disk, and what a variant said of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from harness.records import Example, ExampleSet, Role, Segment

_EXAMPLES, _PROBES = "examples.jsonl", "probes.jsonl"
_TABLE, _FACTS = "table.jsonl", "facts.json"


def save_examples(folder: Path, made: ExampleSet) -> None:
    """Writes examples, probes, table and facts into a folder."""
    _write_lines(folder / _EXAMPLES, [_plain(example) for example in made.examples])
    _write_lines(folder / _PROBES, [_plain(example) for example in made.probes])
    _write_lines(folder / _TABLE, map(dict, made.table))
    (folder / _FACTS).write_text(json.dumps(dict(made.facts)), encoding="utf-8")


def load_examples(folder: Path) -> ExampleSet:
    """What ``save_examples`` wrote."""
    return ExampleSet(
        tuple(_example(row) for row in _read_lines(folder / _EXAMPLES)),
        json.loads((folder / _FACTS).read_text(encoding="utf-8")),
        tuple(_read_lines(folder / _TABLE)),
        tuple(_example(row) for row in _read_lines(folder / _PROBES)),
    )


class _SegmentRow(TypedDict):
    role: str
    text: str
    token_ids: Sequence[int] | None
    ends_turn: bool


class _ExampleRow(TypedDict):
    id: str
    pair_id: str | None
    segments: list[_SegmentRow]
    teacher_prompt: _SegmentRow | None


def _plain(example: Example) -> _ExampleRow:
    shown = example.teacher_prompt
    return {
        "id": example.id,
        "pair_id": example.pair_id,
        "segments": [_plain_segment(segment) for segment in example.segments],
        "teacher_prompt": None if shown is None else _plain_segment(shown),
    }


def _plain_segment(segment: Segment) -> _SegmentRow:
    return {
        "role": segment.role.value,
        "text": segment.text,
        "token_ids": segment.token_ids,
        "ends_turn": segment.ends_turn,
    }


def _example(row: _ExampleRow) -> Example:
    shown = row["teacher_prompt"]
    return Example(
        row["id"],
        tuple(map(_segment, row["segments"])),
        row["pair_id"],
        None if shown is None else _segment(shown),
    )


def _segment(part: _SegmentRow) -> Segment:
    ids = part["token_ids"]
    return Segment(
        Role(part["role"]), part["text"], None if ids is None else tuple(ids), part["ends_turn"]
    )


def _write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _read_lines(path: Path) -> list[Any]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
