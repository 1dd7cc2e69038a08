"""The corpora of a trial: read once, checked, kept as plain rows; the stage ``corpus``."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

from harness.data.readers import (
    existing_file,
    read_instructions,
    read_pairs,
    read_questions,
    read_texts,
)
from harness.data.spec import CorpusSpec, DataSpec
from harness.errors import DataError
from harness.records import JSON, Corpora, Instruction, Message, Pair, Question, Text
from harness.spec import file_sha256
from harness.store import Stage, Store

STAGE_VERSION = 2
_READERS: Mapping[str, Callable[[CorpusSpec], tuple[Any, ...]]] = {
    "train": read_pairs,
    "validation": read_pairs,
    "instructions": read_instructions,
    "monolingual": read_texts,
    "questions": read_questions,
}


def read_corpora(spec: DataSpec, store: Store) -> Corpora:
    """Every corpus the specification names, from the store where it was read before.

    Raises:
        DataError: The faults of all files at once, each with its line and what is allowed.
    """
    stage = Stage("corpus", STAGE_VERSION, corpora_identity(spec))
    folder = store.build(stage, lambda draft: _build(spec, draft)).path
    return Corpora(
        parallel=tuple(Pair(**row) for row in _rows(folder / "train.jsonl")),
        validation=tuple(Pair(**row) for row in _rows(folder / "validation.jsonl")),
        instructions=tuple(map(_instruction, _rows(folder / "instructions.jsonl"))),
        monolingual=tuple(Text(**row) for row in _rows(folder / "monolingual.jsonl")),
        questions=tuple(Question(**row) for row in _rows(folder / "questions.jsonl")),
    )


def corpora_identity(spec: DataSpec) -> dict[str, JSON]:
    """Per corpus its content and how it is read, None where the specification names none.

    Raises:
        DataError: Files that are not there, all of them at once.
    """
    return _for_each({name: partial(_identity, getattr(spec, name)) for name in _READERS})


def _identity(spec: CorpusSpec | None) -> dict[str, JSON] | None:
    if spec is None:
        return None
    identity: dict[str, JSON] = {
        "sha256": _sha256(spec.path),
        "format": spec.format if spec.format != "auto" else Path(spec.path).suffix,
        "source_lang": spec.source_lang,
        "target_lang": spec.target_lang,
        "directions": None if spec.directions is None else sorted(spec.directions),
        "limit": None if spec.limit is None else [spec.limit, spec.seed],
    }
    if spec.target_path is not None:
        identity["target_sha256"] = _sha256(spec.target_path)
    return identity


def _sha256(path: str) -> str:
    file = existing_file(Path(path))
    facts = file.stat()
    return _hash(str(file.resolve()), facts.st_size, facts.st_mtime_ns)


@cache
def _hash(path: str, size: int, modified: int) -> str:
    return file_sha256(Path(path))


def check_corpora(spec: DataSpec) -> None:
    """Reads every corpus and keeps nothing.

    Raises:
        DataError: The faults of all files at once, each with its line and what is allowed.
    """
    _read(spec)


def _read(spec: DataSpec) -> dict[str, Any]:
    named = {name: getattr(spec, name) for name in _READERS}
    return _for_each(
        {
            name: partial(_READERS[name], corpus)
            for name, corpus in named.items()
            if corpus is not None
        }
    )


def _build(spec: DataSpec, folder: Path) -> Mapping[str, JSON]:
    read = _read(spec)
    for name in _READERS:
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(
                json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in read.get(name, ())
            )
    return {name: len(rows) for name, rows in read.items()}


def _for_each(tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """The result of every task, or the faults of all that failed."""
    results, faults, hints = {}, [], []
    for name, task in tasks.items():
        try:
            results[name] = task()
        except DataError as error:
            faults += [f"data.{name}: {line}" for line in error.message.splitlines()]
            hints += [] if error.hint is None else [error.hint]
    if faults:
        raise DataError("\n".join(faults), "\n".join(hints) or None)
    return results


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _instruction(row: dict[str, Any]) -> Instruction:
    messages = tuple(Message(**turn) for turn in row["messages"])
    return Instruction(row["id"], messages, row["answer"], row["skill"])
