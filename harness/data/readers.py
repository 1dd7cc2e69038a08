"""Corpus files as records: JSONL, TSV, aligned plain text; all faults of a file at once.

One JSON object a line. Parallel text has ``source`` and ``target`` (and ``source_lang``,
``target_lang`` unless the specification gives them), chats have ``messages``, monolingual text has
``text`` (and ``language``), questions have ``question``, ``answer``, ``language`` and the first and
last of these with ``pivot_`` before. An ``id`` is unique in its file; without one the line number
serves.
"""

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar, cast

from harness.data.fields import Faults, Fields
from harness.data.spec import CorpusSpec
from harness.errors import DataError
from harness.records import JSON, Instruction, Message, Pair, Question, Text
from harness.streams import stream

Row = TypeVar("Row", Pair, Instruction, Text, Question)
_ROLES = ("system", "user", "assistant")


def read_pairs(spec: CorpusSpec) -> tuple[Pair, ...]:
    """Parallel text.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    form = _format(spec)
    if form == "jsonl":
        rows = _read_jsonl(spec, lambda fields: _pair(fields, spec))
    else:
        _languages_given(spec, form)
        rows = _from_columns(spec, form)
    return _chosen(spec, _in_directions(spec, rows))


def read_instructions(spec: CorpusSpec) -> tuple[Instruction, ...]:
    """Chats that wait for an answer; a last turn of the assistant is taken as the answer.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    return _chosen(spec, _read_jsonl(spec, _instruction))


def read_texts(spec: CorpusSpec) -> tuple[Text, ...]:
    """Text of one language.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    return _chosen(
        spec,
        _read_jsonl(
            spec,
            lambda fields: Text(
                fields.id(),
                fields.text("text"),
                fields.language("language", spec.source_lang, "source_lang"),
            ),
        ),
    )


def read_questions(spec: CorpusSpec) -> tuple[Question, ...]:
    """Questions with answers in a language to be learnt, beside the same in a pivot language.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    return _chosen(spec, _read_jsonl(spec, lambda fields: _question(fields, spec)))


def existing_file(path: Path) -> Path:
    """The path, if a file is there.

    Raises:
        DataError: There is none; the message names the nearest beside it.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder, allowed a file")
    if not path.is_file():
        siblings = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f"did you mean {path.with_name(near[0])}?" if near else None
        raise DataError(f"{path}: no such file", hint)
    return path


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file, a byte order mark left out.

    Raises:
        DataError: No such file, or not UTF-8 (with the line).
    """
    data = existing_file(path).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}:{line}: not UTF-8 (byte {data[error.start]:#04x}), allowed UTF-8",
            "convert it, for example with: iconv -f LATIN1 -t UTF-8",
        ) from None
    # Not splitlines(): U+2028 and its like are text, not ends of lines.
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _format(spec: CorpusSpec) -> str:
    if spec.format != "auto":
        return spec.format
    if spec.target_path is not None:
        return "aligned"
    suffix = Path(spec.path).suffix.lower()
    if suffix not in (".jsonl", ".tsv"):
        raise DataError(
            f"{spec.path}: its ending does not tell its format, allowed .jsonl or .tsv, or a "
            "format setting, or a target_path beside it"
        )
    return suffix[1:]


def _read_jsonl(spec: CorpusSpec, parse: Callable[[Fields], Row]) -> list[Row]:
    path = Path(spec.path)
    faults = Faults(spec.path)
    rows: list[Row] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        fields = _object(line, number, path, faults)
        if fields is None:
            continue
        row = parse(fields)
        if row.id in lines:
            faults.add(number, f"id: {row.id!r} is on line {lines[row.id]} already")
        lines.setdefault(row.id, number)
        rows.append(row)
    faults.raise_any()
    if not rows:
        raise DataError(f"{path}: no rows in it")
    return rows


def _object(line: str, number: int, path: Path, faults: Faults) -> Fields | None:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        faults.add(number, f"not valid JSON ({error.msg}), allowed one JSON object a line")
        return None
    if not isinstance(value, dict):
        faults.add(number, f"found {type(value).__name__}, allowed one JSON object a line")
        return None
    return Fields(value, number, f"{path.stem}-{number:06d}", faults)


def _pair(fields: Fields, spec: CorpusSpec) -> Pair:
    pair = Pair(
        fields.id(),
        fields.text("source"),
        fields.text("target"),
        fields.language("source_lang", spec.source_lang),
        fields.language("target_lang", spec.target_lang),
    )
    if pair.source_lang and pair.source_lang == pair.target_lang:
        fields.fault(f"source_lang and target_lang are both {pair.source_lang!r}")
    return pair


def _instruction(fields: Fields) -> Instruction:
    turns = _turns(fields)
    answer = fields.optional_text("answer")
    if turns and turns[-1].role == "assistant":
        answer, turns = turns[-1].content, turns[:-1]
    if turns and turns[-1].role != "user":
        fields.fault(f"messages: the last turn is of {turns[-1].role!r}, allowed 'user'")
    return Instruction(fields.id(), tuple(turns), answer, fields.optional_text("skill"))


def _question(fields: Fields, spec: CorpusSpec) -> Question:
    question = Question(
        fields.id(),
        fields.text("question"),
        fields.text("answer"),
        fields.language("language", spec.target_lang, "target_lang"),
        fields.text("pivot_question"),
        fields.language("pivot_language", spec.source_lang, "source_lang"),
        fields.optional_text("pivot_answer"),
    )
    if question.language and question.language == question.pivot_language:
        fields.fault(f"language and pivot_language are both {question.language!r}")
    return question


def _turns(fields: Fields) -> list[Message]:
    found = fields.data.get("messages")
    allowed = 'allowed a list of {"role": ..., "content": ...}'
    if not isinstance(found, list) or not found:
        fields.fault(f"messages: found {found!r}, {allowed}")
        return []
    turns = []
    for index, turn in enumerate(found):
        if not _is_turn(turn):
            fields.fault(f"messages.{index}: {allowed} with a role of {', '.join(_ROLES)}")
            return []
        turns.append(Message(turn["role"], turn["content"]))
    return turns


def _is_turn(turn: JSON) -> bool:
    return (
        isinstance(turn, dict)
        and turn.get("role") in _ROLES
        and isinstance(turn.get("content"), str)
        and bool(turn["content"].strip())
    )


def _languages_given(spec: CorpusSpec, form: str) -> None:
    missing = [name for name in ("source_lang", "target_lang") if getattr(spec, name) is None]
    if missing:
        raise DataError(
            f"{spec.path}: {' and '.join(missing)} missing in its settings; a file of format "
            f"{form} does not say its languages"
        )


def _from_columns(spec: CorpusSpec, form: str) -> list[Pair]:
    """Pairs of a TSV file or of two aligned files, blank lines on both sides left out."""
    faults = Faults(spec.path)
    rows = []
    for number, cells in enumerate(_cells(spec, form), start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != 2:
            faults.add(number, f"found {len(cells)} columns, allowed source, tab, target")
        elif not all(cell.strip() for cell in cells):
            side = "source" if not cells[0].strip() else "target"
            faults.add(number, f"{side}: empty, allowed a text")
        else:
            source, target = (cell.strip() for cell in cells)
            name = f"{Path(spec.path).stem}-{number:06d}"
            languages = cast(str, spec.source_lang), cast(str, spec.target_lang)
            rows.append(Pair(name, source, target, *languages))
    faults.raise_any()
    if not rows:
        raise DataError(f"{spec.path}: no rows in it")
    return rows


def _cells(spec: CorpusSpec, form: str) -> Iterator[Sequence[str]]:
    lines = read_lines(Path(spec.path))
    if form == "tsv":
        return (line.split("\t") for line in lines)
    assert spec.target_path is not None
    targets = read_lines(Path(spec.target_path))
    if len(lines) != len(targets):
        raise DataError(
            f"{spec.path} has {len(lines)} lines and {spec.target_path} has {len(targets)}, "
            "allowed the same number: line by line they are pairs"
        )
    return zip(lines, targets, strict=True)


def _in_directions(spec: CorpusSpec, rows: list[Pair]) -> list[Pair]:
    if spec.directions is None:
        return rows
    kept = [row for row in rows if f"{row.source_lang}-{row.target_lang}" in spec.directions]
    if not kept:
        there = sorted({f"{row.source_lang}-{row.target_lang}" for row in rows})
        raise DataError(
            f"{spec.path}: no rows of {', '.join(spec.directions)}, there are {', '.join(there)}"
        )
    return kept


def _chosen(spec: CorpusSpec, rows: Sequence[Row]) -> tuple[Row, ...]:
    if spec.limit is None or spec.limit >= len(rows):
        return tuple(rows)
    chosen = stream(spec.seed, "corpus/limit").sample(range(len(rows)), spec.limit)
    return tuple(rows[index] for index in sorted(chosen))
