"""Corpus files as records, checked; all faults of a file at once.

A format (``harness/data/formats``, one file each) says what the rows of a file are,
``harness.data.parse`` what their fields mean, ``harness.data.checks`` what may ail a pair. An
``id`` is unique in its file; without one the line number serves.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar, cast

from harness.data import parse
from harness.data.checks import KINDS, find, unidentified
from harness.data.fields import CorpusReading, FaultyRow, Fields
from harness.data.formats._columns import TableFormat
from harness.data.raw import Format, RawRow
from harness.data.spec import CorpusSpec, takes_two
from harness.errors import DataError, existing
from harness.languages.tags import language_tag
from harness.records import Instruction, Pair, ParallelQuestion, Text
from harness.seeds import stream
from harness.settings.plugins import load, names
from harness.storage.reading import Reading, plain_name

Item = TypeVar("Item")
Row = TypeVar("Row", Pair, Instruction, Text, ParallelQuestion)
Kind: TypeAlias = Literal["parallel", "instructions", "monolingual", "questions"]
Lines: TypeAlias = dict[str, list[int]]
"""Where rows were left out: their lines by kind of fault."""
NUM_ROWS = "rows"
"""In what a reader counts: all rows of the file; the rest are rows left out, by kind of fault."""


def read_pairs(
    spec: CorpusSpec, counts: Counter[str] | None = None, lines_left_out: Lines | None = None
) -> tuple[Pair, ...]:
    """Parallel text.

    Args:
        spec: The file.
        counts: Is told how many rows there are (``rows``) and how many were left out, by kind.
        lines_left_out: Is told on which lines these were.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    reading = CorpusReading(spec.path, spec.checks)
    rows, lines, num_rows = _read(spec, reading, parse.pair)
    for kind in KINDS:
        if spec.checks.limit(kind) is None:
            continue
        if kind == "wrong_language" and (unknown := unidentified(rows)):
            reading.raise_faults()
            raise DataError(
                f"{spec.path}: checks.max_wrong_language is set, and language identification does "
                f"not know {', '.join(unknown)}",
                "leave that check out",
            )
        bad = find(kind, rows, spec.checks)
        reading.leave_out(kind, [lines[place] for place in bad])
        rows, lines = _without(rows, bad), _without(lines, bad)
    rows = _counted(spec, reading, rows, num_rows, counts, lines_left_out)
    return _chosen(spec, _in_directions(spec, rows))


def read_instructions(
    spec: CorpusSpec, counts: Counter[str] | None = None, lines_left_out: Lines | None = None
) -> tuple[Instruction, ...]:
    """Chats that wait for an answer; a last turn of the assistant is taken as the answer.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    return _read_fields(spec, counts, lines_left_out, parse.instruction)


def read_texts(
    spec: CorpusSpec, counts: Counter[str] | None = None, lines_left_out: Lines | None = None
) -> tuple[Text, ...]:
    """Text of one language.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    return _read_fields(spec, counts, lines_left_out, parse.text)


def read_questions(
    spec: CorpusSpec, counts: Counter[str] | None = None, lines_left_out: Lines | None = None
) -> tuple[ParallelQuestion, ...]:
    """Questions with answers in a language to be learnt, beside the same in a pivot language.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed.
    """
    return _read_fields(spec, counts, lines_left_out, parse.question)


def read_held_out(
    spec: CorpusSpec, counts: Counter[str] | None = None, lines_left_out: Lines | None = None
) -> tuple[Pair, ...] | tuple[Instruction, ...]:
    """Parallel text or answered chats: what the first row looks like.

    Raises:
        DataError: Every fault of the file, each with its line and what is allowed; or it holds
            chats, and none has an answer.
    """
    if spec.columns is not None or kind_of(spec) != "instructions":
        return read_pairs(spec, counts, lines_left_out)
    chats = read_instructions(spec, counts, lines_left_out)
    if all(chat.answer is None for chat in chats):
        raise DataError(
            f"{spec.path}: none of {len(chats)} chats has an answer, and the validation loss is of "
            "answers",
            "Give them answers, or leave data.validation out.",
        )
    return chats


def kind_of(spec: CorpusSpec) -> Kind:
    """By the fields of the first row; what has none is parallel text."""
    existing(Path(spec.path))
    fields = first_fields(spec) if has_fields(spec) else ()
    if "source" in fields or "translation" in fields:
        return "parallel"
    if "messages" in fields or "instruction" in fields:
        return "instructions"
    if "text" in fields:
        return "monolingual"
    return "questions" if "pivot_question" in fields else "parallel"


def format_name(spec: CorpusSpec) -> str:
    """The format of a corpus: as set, else by its folder, its target_path or its ending.

    Raises:
        DataError: Nothing tells it.
    """
    if spec.format != "auto":
        return spec.format
    if Path(spec.path).is_dir():
        return "huggingface"
    ending = plain_name(spec.path).suffix.lower()
    formats = {name: _format(name) for name in names("format")}
    by_ending = next((name for name, form in formats.items() if ending in form.endings), None)
    if spec.target_path is not None:
        return by_ending if by_ending and formats[by_ending].two_files else "aligned"
    if by_ending is None:
        existing(Path(spec.path))
        endings = sorted(ending for form in formats.values() for ending in form.endings)
        raise DataError(
            f"{spec.path}: its ending does not tell its format, allowed {', '.join(endings)} "
            "(.gz, .xz or .bz2 behind it), or a format setting, or a target_path beside it"
        )
    if formats[by_ending].two_files:
        raise DataError(f"{spec.path}: format {by_ending!r} needs target_path, the targets' file")
    return by_ending


def file_formats() -> tuple[str, ...]:
    """The formats whose files are known by their endings."""
    return tuple(name for name in names("format") if _format(name).endings)


def has_fields(spec: CorpusSpec) -> bool:
    """Whether rows of its format have named fields, so that they may be more than pairs."""
    return _format(format_name(spec)).has_fields


def first_fields(spec: CorpusSpec) -> tuple[str, ...]:
    """Names of the fields of its first row that can be read; none where there is no such row."""
    rows = _format(format_name(spec)).rows(spec, Reading(spec.path))
    return tuple(next((row.data for row in rows), ()))


_UNTOLD = "und"
"""What stands for the language of texts of which none is asked."""


def rows_with_fields(spec: CorpusSpec, reading: Reading) -> Iterator[RawRow] | None:
    """The rows of a file by its ending, unchecked; None where its ending tells no format.

    Raises:
        DataError: It cannot be read at all.
    """
    if not Path(spec.path).is_dir():
        ending = plain_name(spec.path).suffix.lower()
        by_ending = [name for name in names("format") if ending in _format(name).endings]
        if not by_ending:
            return None
        if takes_two(by_ending[0]):  # one of them tells all that is asked for
            spec = spec.replace(target_path=spec.path)
    form = _format(format_name(spec))
    if isinstance(
        form, TableFormat
    ):  # whose columns may be unnamed: their languages do not matter here
        # not validated: it is a tag of no language, which settings may not name
        spec = spec.model_copy(update={"source_lang": _UNTOLD, "target_lang": _UNTOLD})
    return form.rows(spec, reading)


def rows_as_they_stand(
    spec: CorpusSpec, columns: Sequence[str] | None, reading: Reading
) -> Iterator[RawRow]:
    """The rows of a file, unchecked; of a table with all its cells.

    Args:
        spec: The file, its format and its languages.
        columns: Of a table without a header the names of its columns.
        reading: Is told what is wrong.

    Raises:
        DataError: It cannot be read at all.
    """
    form = _format(format_name(spec))
    if isinstance(form, TableFormat):
        return form.named_rows(Path(spec.path), columns, reading)
    return form.rows(spec, reading)


def _format(name: str) -> Format:
    return cast(Format, load("format", name)())


def _read_fields(
    spec: CorpusSpec,
    counts: Counter[str] | None,
    lines_left_out: Lines | None,
    make: Callable[[Fields, CorpusSpec], Row],
) -> tuple[Row, ...]:
    if not has_fields(spec):
        raise DataError(f"{spec.path}: format {format_name(spec)!r} holds parallel text only")
    reading = CorpusReading(spec.path, spec.checks)
    rows, _, num_rows = _read(spec, reading, make)
    return _chosen(spec, _counted(spec, reading, rows, num_rows, counts, lines_left_out))


def _read(
    spec: CorpusSpec, reading: CorpusReading, make: Callable[[Fields, CorpusSpec], Row]
) -> tuple[list[Row], list[int], int]:
    """The rows with a text in every place, their lines, and how many the file has in all."""
    form = format_name(spec)
    existing(Path(spec.path))
    stem = plain_name(spec.path).stem
    called = dict(zip(("source", "target"), spec.columns or (), strict=False))
    rows: list[Row] = []
    lines: list[int] = []
    first: dict[str, int] = {}
    num_rows = 0
    for raw in _format(form).rows(spec, reading):
        num_rows += 1
        fields = Fields(raw.data, raw.line, f"{stem}-{raw.number:06d}", reading, called)
        try:
            row = make(fields, spec)
        except FaultyRow:
            continue
        if row.id in first:
            fields.fault(f"id: {row.id!r} is on line {first[row.id]} already")
        first.setdefault(row.id, raw.line)
        if not fields.is_left_out:
            rows.append(row)
            lines.append(raw.line)
    return rows, lines, num_rows + reading.not_given


def _counted(
    spec: CorpusSpec,
    reading: CorpusReading,
    rows: list[Row],
    num_rows: int,
    counts: Counter[str] | None,
    lines_left_out: Lines | None,
) -> list[Row]:
    """The rows, if there are any and no more were left out than may be."""
    reading.raise_beyond_limits(num_rows)
    if not rows:
        raise DataError(f"{spec.path}: no rows in it" + (" are left" if num_rows else ""))
    if counts is not None:
        counts.update({NUM_ROWS: num_rows} | {k: len(v) for k, v in reading.left_out.items()})
    if lines_left_out is not None:
        lines_left_out |= reading.left_out
    return rows


def _without(rows: list[Item], bad: list[int]) -> list[Item]:
    dropped = set(bad)
    return [row for place, row in enumerate(rows) if place not in dropped]


def _in_directions(spec: CorpusSpec, rows: list[Pair]) -> list[Pair]:
    if spec.directions is None:
        return rows
    wanted = {tags for direction in spec.directions for tags in _tags_of(direction)}
    kept = [row for row in rows if (row.source_lang, row.target_lang) in wanted]
    if not kept:
        there = sorted({f"{row.source_lang}-{row.target_lang}" for row in rows})
        raise DataError(
            f"{spec.path}: no rows of {', '.join(spec.directions)}, there are {', '.join(there)}"
        )
    return kept


def _tags_of(direction: str) -> Iterator[tuple[str, str]]:
    """The tags that a direction may stand for: dashes are in tags, too."""
    parts = direction.split("-")
    for place in range(1, len(parts)):
        tags = language_tag("-".join(parts[:place])), language_tag("-".join(parts[place:]))
        if tags[0] is not None and tags[1] is not None:
            yield tags[0], tags[1]


def _chosen(spec: CorpusSpec, rows: Sequence[Row]) -> tuple[Row, ...]:
    if spec.limit is None or spec.limit >= len(rows):
        return tuple(rows)
    chosen = stream(spec.seed, "corpus/limit").sample(range(len(rows)), spec.limit)
    return tuple(rows[index] for index in sorted(chosen))
