"""The corpora of a trial: read once, checked, kept as plain rows; the stage ``corpus``."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness.data.fields import WORDS, named_lines
from harness.data.readers import (
    NUM_ROWS,
    Item,
    Lines,
    Row,
    format_name,
    read_held_out,
    read_instructions,
    read_pairs,
    read_questions,
    read_texts,
)
from harness.data.spec import ChecksSpec, CorpusSpec, DataSpec
from harness.errors import DataError, existing
from harness.languages.identify import RULE_VERSION as IDENTIFICATION
from harness.records import JSON, Corpora, Instruction, Pair, ParallelQuestion, Text
from harness.settings.plugins import load
from harness.settings.spec import digest
from harness.storage.files import write_rows
from harness.storage.hashes import content_sha256
from harness.storage.reading import plain_name
from harness.storage.store import Stage, Store

STAGE_VERSION = 2
logger = logging.getLogger(__name__)
_READERS: Mapping[str, Callable[[CorpusSpec, Counter[str], Lines], tuple[Any, ...]]] = {
    "train": read_pairs,
    "validation": read_held_out,
    "instructions": read_instructions,
    "monolingual": read_texts,
    "questions": read_questions,
}
_HELD_OUT: TypeAdapter[Pair | Instruction] = TypeAdapter(Pair | Instruction)
_LATER = ("columns", "header", "split", "reference", "configuration")
"""Settings that have come since; not in the identity where they are not given."""


def read_corpora(spec: DataSpec, store: Store) -> Corpora:
    """Every corpus the specification names, from the store where it was read before.

    Raises:
        DataError: The faults of all files at once, each with its line and what is allowed.
    """
    folder = store.build(_stage(spec), lambda draft: _build(spec, draft)).path
    return Corpora(
        parallel=_rows(Pair, folder / "train.jsonl"),
        validation=_validated(_HELD_OUT, folder / "validation.jsonl"),
        instructions=_rows(Instruction, folder / "instructions.jsonl"),
        monolingual=_rows(Text, folder / "monolingual.jsonl"),
        questions=_rows(ParallelQuestion, folder / "questions.jsonl"),
    )


def train_pairs(spec: DataSpec, store: Store | None = None) -> tuple[Pair, ...]:
    """The pairs of ``train``, from the store where it has them; nothing is kept.

    Raises:
        DataError: The faults of the file.
    """
    built = None if store is None else store.find(_stage(spec))
    if built is not None:
        return _rows(Pair, built.path / "train.jsonl")
    return () if spec.train is None else read_pairs(spec.train)


def rows_left_out(spec: DataSpec, store: Store) -> dict[str, float]:
    """Of corpora that lost rows to their checks: how many they had and lost, by kind of fault.

    Keyed ``corpus/<name>/rows`` and ``corpus/<name>/left_out/<kind>``; {} where no corpus did, or
    none was read yet.
    """
    built = store.find(_stage(spec))
    facts = {} if built is None else built.facts
    return {f"corpus/{name}": float(count) for name, count in facts.items() if "/" in name}


def _stage(spec: DataSpec) -> Stage:
    return Stage("corpus", STAGE_VERSION, corpora_identity(spec))


def corpora_identity(spec: DataSpec) -> Mapping[str, Mapping[str, JSON] | None]:
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
        "format": _format_identity(spec),
        "source_lang": spec.source_lang,
        "target_lang": spec.target_lang,
        "directions": None if spec.directions is None else sorted(spec.directions),
        "limit": None if spec.limit is None else [spec.limit, spec.seed],
    }
    if spec.target_path is not None:
        identity["target_sha256"] = _sha256(spec.target_path)
    version: int = load("format", format_name(spec)).version
    new = {name: getattr(spec, name) for name in _LATER}
    # what is as it always was is left out, so that what was made then is found again
    identity |= {name: value for name, value in new.items() if value is not None}
    identity |= {"format_version": version} if version > 1 else {}
    identity |= {"checks": spec.checks.plain()} if spec.checks != ChecksSpec() else {}
    identity |= {} if spec.checks.max_garbled is None else {"garbled": 2}
    if spec.checks.max_wrong_language is not None:
        identity |= {"identification": IDENTIFICATION}
    return identity


def _format_identity(spec: CorpusSpec) -> str:
    if spec.format != "auto":
        return spec.format
    name = format_name(spec)
    ending = plain_name(spec.path).suffix
    return ending if name in ("aligned", "jsonl", "tsv") else name


def _sha256(path: str) -> str:
    source = existing(Path(path))
    if not source.is_dir():
        return content_sha256(source)
    files = sorted(file for file in source.rglob("*") if file.is_file())
    return digest([[str(one.relative_to(source)), content_sha256(one)] for one in files])


def check_corpora(spec: DataSpec, store: Store | None = None) -> None:
    """Reads every corpus and keeps nothing.

    Args:
        spec: The corpora.
        store: What it has of them was read without a fault, and is not read again.

    Raises:
        DataError: The faults of all files at once, each with its line and what is allowed.
    """
    if store is not None and store.has(_stage(spec)):
        return
    _read(spec, {name: (Counter(), {}) for name in _READERS})


def _read(spec: DataSpec, left_out: Mapping[str, tuple[Counter[str], Lines]]) -> dict[str, Any]:
    """The rows of each corpus named; ``left_out`` is told what was left out of each, and where."""
    named = {name: getattr(spec, name) for name in _READERS}
    return _for_each(
        {
            name: partial(_READERS[name], corpus, *left_out[name])
            for name, corpus in named.items()
            if corpus is not None
        }
    )


def _build(spec: DataSpec, folder: Path) -> Mapping[str, float]:
    told: dict[str, tuple[Counter[str], Lines]] = {name: (Counter(), {}) for name in _READERS}
    read = _read(spec, told)
    for name in _READERS:
        write_rows(folder / f"{name}.jsonl", map(asdict, read.get(name, ())))
    facts = {name: len(rows) for name, rows in read.items()}
    for name, (counted, lines) in told.items():
        if lines:
            facts |= {f"{name}/left_out/{kind}": len(rows) for kind, rows in lines.items()}
            facts[f"{name}/rows"] = counted[NUM_ROWS]
            listed = ", ".join(f"{len(rows)} with {WORDS[kind]}" for kind, rows in lines.items())
            where = "; ".join(map(named_lines, lines.values()))
            text = "data.%s: of %d rows left out: %s (%s)"
            logger.warning(text, name, counted[NUM_ROWS], listed, where)
    return facts


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


def _rows(kind: type[Row], path: Path) -> tuple[Row, ...]:
    return _validated(TypeAdapter(kind), path)


def _validated(adapter: TypeAdapter[Item], path: Path) -> tuple[Item, ...]:
    with path.open("rb") as file:
        return tuple(map(adapter.validate_json, file))
