"""Predictions files: one JSON object a line, ours or any other system's."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.languages.tags import ALLOWED, language_tag
from harness.records import JSON, Prediction
from harness.storage.files import write_rows
from harness.storage.reading import Reading, read_objects

_LANGUAGES = ("language", "source_lang", "target_lang")
_TEXTS = ("answer", "prompt", "source", "target", *_LANGUAGES)
_KINDS: Mapping[str, tuple[Any, str]] = {
    "id": (str | int, "text"),
    "output": (str, "text"),
    **dict.fromkeys(_TEXTS, (str | None, "text")),
    "num_tokens": (int | None, "a count"),
    "finished": (bool | None, "true, false"),
}
_FIELDS = tuple(field.name for field in fields(Prediction) if field.name != "extra")


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Writes a predictions file; fields a prediction does not have are left out."""
    write_rows(path, map(_plain, predictions))


def _plain(prediction: Prediction) -> dict[str, JSON]:
    values = {name: getattr(prediction, name) for name in _FIELDS}
    record = {name: value for name, value in values.items() if value not in (None, ())}
    return {**record, **prediction.extra}


def read_predictions(path: Path, answer_of: Callable[[str], str] = str) -> list[Prediction]:
    """The predictions in a file.

    Only ``id`` and ``output`` must be there. Fields beyond those of ``Prediction`` are kept in its
    ``extra``.

    Args:
        path: The file.
        answer_of: What is taken for the ``answer`` where it is missing, of the output.

    Raises:
        DataError: No such file, or all its faults at once, each with its line.
    """
    predictions: list[Prediction] = []
    reading = Reading(path)
    first_line: dict[str, int] = {}
    is_text = True
    num_rows = 0
    for line, row in read_objects(path, reading):
        is_text = False
        num_rows += 1
        faults = list(_faults_of(row))
        for fault in faults:
            reading.fault(line, fault)
        if faults:
            continue
        name = str(row["id"])
        if name in first_line:
            reading.fault(line, f"id: {name!r} is also that of line {first_line[name]}")
        first_line.setdefault(name, line)
        predictions.append(_prediction(row, answer_of))
    hint = "plain text, an output a line, is read with --reference TEXT or --source TEXT"
    reading.raise_faults(hint if is_text and not reading.unreadable else None, num_rows)
    if not predictions:
        raise DataError(f"{path}: no predictions, allowed: at least one")
    return predictions


def _faults_of(row: Mapping[str, JSON]) -> Iterator[str]:
    for name in ("id", "output"):
        if name not in row:
            yield f"{name}: missing (found: {', '.join(row)})"
    for name, (kind, allowed) in _KINDS.items():
        if name in row and not isinstance(row[name], kind):
            yield f"{name}: found {row[name]!r}, allowed: {allowed}"
    for name in _LANGUAGES:
        value = row.get(name)
        if isinstance(value, str) and language_tag(value) is None:
            yield f"{name}: found {value!r}, {ALLOWED}"
    for name, kind, allowed in (
        ("references", str, "a list of texts"),
        ("choices", int | float, "a list of numbers"),
    ):
        value = row.get(name)
        if value is not None and not (
            isinstance(value, list) and all(isinstance(part, kind) for part in value)
        ):
            yield f"{name}: found {value!r}, allowed: {allowed}"


def _prediction(row: Mapping[str, Any], answer_of: Callable[[str], str]) -> Prediction:
    values: dict[str, Any] = {"prompt": "", "answer": answer_of(row["output"])}
    values |= {name: row[name] for name in _FIELDS if row.get(name) is not None}
    values |= {name: language_tag(values[name]) for name in _LANGUAGES if name in values}
    values |= {"id": str(row["id"]), "references": tuple(values.get("references", ()))}
    if "choices" in values:
        values["choices"] = tuple(map(float, values["choices"]))
    extra = {name: value for name, value in row.items() if name not in _FIELDS}
    return Prediction(**values, extra=extra)


def wanted(prediction: Prediction) -> tuple[str, ...]:
    """The right answers of an item: its references, else its target; () when it has neither."""
    if prediction.references:
        return prediction.references
    return () if prediction.target is None else (prediction.target,)


def clusters_of(predictions: Sequence[Prediction], field: str) -> dict[str, str]:
    """By item what a field of its row says, as far as rows have it."""
    values = {prediction.id: _plain(prediction).get(field) for prediction in predictions}
    return {name: str(value) for name, value in values.items() if value is not None}


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
