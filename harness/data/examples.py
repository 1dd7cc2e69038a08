"""Training examples on disk, and what a variant said of them."""

import json
from collections.abc import Mapping
from pathlib import Path

from harness.records import JSON, Example, ExampleSet, Role, Segment

_EXAMPLES, _TABLE, _FACTS = "examples.jsonl", "table.jsonl", "facts.json"


def save_examples(folder: Path, made: ExampleSet) -> None:
    """Writes examples, table and facts into a folder."""
    _write_lines(folder / _EXAMPLES, [_plain(example) for example in made.examples])
    _write_lines(folder / _TABLE, [dict(row) for row in made.table])
    (folder / _FACTS).write_text(json.dumps(dict(made.facts)), encoding="utf-8")


def load_examples(folder: Path) -> ExampleSet:
    """What ``save_examples`` wrote."""
    return ExampleSet(
        tuple(_example(row) for row in _read_lines(folder / _EXAMPLES)),
        json.loads((folder / _FACTS).read_text(encoding="utf-8")),
        tuple(_read_lines(folder / _TABLE)),
    )


def _plain(example: Example) -> dict[str, JSON]:
    segments = [
        {"role": s.role.value, "text": s.text, "token_ids": s.token_ids, "ends_turn": s.ends_turn}
        for s in example.segments
    ]
    return {"id": example.id, "pair_id": example.pair_id, "segments": segments}


def _example(row: Mapping[str, JSON]) -> Example:
    segments = tuple(
        Segment(
            Role(part["role"]),
            part["text"],
            None if part["token_ids"] is None else tuple(part["token_ids"]),
            part["ends_turn"],
        )
        for part in row["segments"]
    )
    return Example(row["id"], segments, row["pair_id"])


def _write_lines(path: Path, rows: list[dict[str, JSON]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _read_lines(path: Path) -> list[dict[str, JSON]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
