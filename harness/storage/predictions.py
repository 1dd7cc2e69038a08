"""Predictions files: one JSON object a line, ours or any other system's."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from harness.errors import DataError
from harness.records import JSON, Prediction

_TEXTS = ("source", "target", "language", "source_lang", "target_lang")
_FIELDS = {field.name for field in fields(Prediction)} - {"extra"}
_MAX_FAULTS = 20

Row = TypeVar("Row")


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Writes a predictions file; fields a prediction does not have are left out."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for prediction in predictions:
            file.write(json.dumps(_plain(prediction), ensure_ascii=False) + "\n")


def _plain(prediction: Prediction) -> dict[str, JSON]:
    record: dict[str, JSON] = {}
    for name in ("id", "prompt", "output", "answer", *_TEXTS, "num_tokens", "finished"):
        value = getattr(prediction, name)
        if value is not None:
            record[name] = value
    if prediction.references:
        record["references"] = list(prediction.references)
    if prediction.choices is not None:
        record["choices"] = list(prediction.choices)
    return {**record, **prediction.extra}


def read_predictions(path: Path) -> list[Prediction]:
    """The predictions in a file.

    Only ``id`` and ``output`` must be there; ``answer`` is the output where it is missing. Fields
    beyond those of ``Prediction`` are kept in its ``extra``.

    Raises:
        DataError: No such file, or all its faults at once, each with its line.
    """
    found: list[Prediction] = []
    faults: list[str] = []
    first_line: dict[str, int] = {}
    for line, row in read_lines(path, faults):
        wrong = list(_faults_of(row))
        faults += [f"{path}:{line}: {fault}" for fault in wrong]
        if wrong:
            continue
        name = str(row["id"])
        if name in first_line:
            faults.append(f"{path}:{line}: id: {name!r} is also that of line {first_line[name]}")
        first_line.setdefault(name, line)
        found.append(_prediction(row))
    if not found and not faults:
        faults.append(f"{path}: no predictions, allowed: at least one")
    is_text = not found and all(": not JSON: " in fault for fault in faults)
    hint = "plain text, an output a line, is read with --reference TEXT or --source TEXT"
    raise_faults(str(path), faults, hint if is_text else None)
    return found


def read_lines(path: Path, faults: list[str]) -> Iterator[tuple[int, dict[str, JSON]]]:
    """Line number and object of each line of a JSON-lines file; what is no object is a fault.

    Raises:
        DataError: No such file, or it is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder, a file of JSON lines is wanted") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}") from None
    # not splitlines(): U+2028 and the like may stand inside a JSON string
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            faults.append(f"{path}:{number}: not JSON: {error.msg} at column {error.colno}")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            faults.append(f"{path}:{number}: found {type(row).__name__}, allowed: a JSON object")


def raise_faults(where: str, faults: Sequence[str], hint: str | None = None) -> None:
    """Raises the faults of a file, if there are any, as one DataError."""
    if faults:
        more = len(faults) - _MAX_FAULTS
        shown = [*faults[:_MAX_FAULTS], *([f"{where}: and {more} more faults"] if more > 0 else [])]
        raise DataError("\n".join(shown), hint)


def _faults_of(row: Mapping[str, JSON]) -> Iterator[str]:
    for name in ("id", "output"):
        if name not in row:
            yield f"{name}: missing (found: {', '.join(row)})"
    if not isinstance(row.get("id", ""), str | int):
        yield f"id: found {row['id']!r}, allowed: text"
    for name in ("output", "answer", "prompt", *_TEXTS):
        value = row.get(name)
        if value is not None and not isinstance(value, str):
            yield f"{name}: found {value!r}, allowed: text"
    for name, kind, allowed in (
        ("references", str, "a list of texts"),
        ("choices", int | float, "a list of numbers"),
    ):
        value = row.get(name)
        if value is not None and not (
            isinstance(value, list) and all(isinstance(part, kind) for part in value)
        ):
            yield f"{name}: found {value!r}, allowed: {allowed}"
    if not isinstance(row.get("num_tokens"), int | None):
        yield f"num_tokens: found {row['num_tokens']!r}, allowed: a count"
    if not isinstance(row.get("finished"), bool | None):
        yield f"finished: found {row['finished']!r}, allowed: true, false"


def _prediction(row: Mapping[str, JSON]) -> Prediction:
    answer = row.get("answer")
    choices = row.get("choices")
    return Prediction(
        id=str(row["id"]),
        prompt=row.get("prompt") or "",
        output=row["output"],
        answer=row["output"] if answer is None else answer,
        references=tuple(row.get("references") or ()),
        choices=None if choices is None else tuple(map(float, choices)),
        num_tokens=row.get("num_tokens"),
        finished=row.get("finished"),
        extra={name: value for name, value in row.items() if name not in _FIELDS},
        **{name: row.get(name) for name in _TEXTS},
    )


def wanted(prediction: Prediction) -> tuple[str, ...]:
    """The right answers of an item: its references, else its target; () when it has neither."""
    if prediction.references:
        return prediction.references
    return () if prediction.target is None else (prediction.target,)


_MENDS = {
    "language": "harness score --target-lang TAG says it of all items",
    "source": "a translation's source is its field `source`",
    "wanted": "a list `references`, or one `target`",
}


def require(what: str, predictions: Iterable[Prediction], needed: Sequence[str]) -> None:
    """Checks that every prediction has the fields something needs.

    Args:
        what: Who needs them, for the message.
        predictions: The predictions.
        needed: Names of fields; ``wanted`` stands for references or target.

    Raises:
        DataError: Names the first item without, and how many there are.
    """
    rows = list(predictions)
    for name in needed:
        without = [row.id for row in rows if not _has(row, name)]
        if without:
            title = "references or target" if name == "wanted" else name
            raise DataError(
                f"{what} needs {title}: missing in {len(without)} of {len(rows)} items "
                f"(first: {without[0]!r})",
                _MENDS.get(name),
            )


def _has(prediction: Prediction, name: str) -> bool:
    if name == "wanted":
        return bool(wanted(prediction))
    value = prediction.extra.get(name) if name not in _FIELDS else getattr(prediction, name)
    return value is not None and value != ()
