"""Training examples on disk, and what a variant said of them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import TypeAdapter

from harness.records import JSON, Example, ExampleSet

_EXAMPLES, _PROBES = "examples.jsonl", "probes.jsonl"
_TABLE, _FACTS = "table.jsonl", "facts.json"
_EXAMPLE = TypeAdapter(Example)
_ROW: TypeAdapter[Mapping[str, JSON]] = TypeAdapter(Mapping[str, JSON])


def save_examples(folder: Path, examples: ExampleSet) -> None:
    """Writes examples, probes, table and facts into a folder."""
    _write_lines(folder / _EXAMPLES, map(_EXAMPLE.dump_json, examples.examples))
    _write_lines(folder / _PROBES, map(_EXAMPLE.dump_json, examples.probes))
    _write_lines(folder / _TABLE, map(_ROW.dump_json, examples.table))
    (folder / _FACTS).write_text(json.dumps(dict(examples.facts)), encoding="utf-8")


def load_examples(folder: Path) -> ExampleSet:
    """What ``save_examples`` wrote."""
    return ExampleSet(
        tuple(map(_EXAMPLE.validate_json, _lines(folder / _EXAMPLES))),
        json.loads((folder / _FACTS).read_text(encoding="utf-8")),
        tuple(map(_ROW.validate_json, _lines(folder / _TABLE))),
        tuple(map(_EXAMPLE.validate_json, _lines(folder / _PROBES))),
    )


def _write_lines(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines)


def _lines(path: Path) -> list[bytes]:
    # not splitlines(): U+2028 and its like are text
    return path.read_bytes().split(b"\n")[:-1]
