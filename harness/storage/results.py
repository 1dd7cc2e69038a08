"""Trial results as JSON files: what ``check`` compares and a home folder keeps."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any

from harness.errors import DataError, join_faults
from harness.records import (
    JSON,
    Axis,
    Key,
    Purpose,
    Score,
    Split,
    SummaryKey,
    SummaryPart,
    TrialResult,
    parse_key,
    parse_score_key,
)
from harness.settings.yaml import read_text
from harness.storage.files import write_whole
from harness.storage.reading import parse_form

FORMAT = 1


def to_plain(result: TrialResult) -> dict[str, JSON]:
    """A result as plain data, fit for JSON."""
    # Not asdict, which copies every item's statistics one by one: a tenth of a short trial's time.
    parts = {
        key: [_fields(part) | {"key": str(part.key)} for part in parts]
        for key, parts in result.summary_parts.items()
    }
    return {
        **_fields(result),
        "scores": {str(key): score_to_plain(score) for key, score in result.scores.items()},
        "unmeasured": _by_text(result.unmeasured),
        "summaries": _by_text(result.summaries),
        "summary_parts": _by_text(parts),
        "purposes": {name: _fields(purpose) for name, purpose in result.purposes.items()},
    }


def _by_text(values: Mapping[Key, JSON] | Mapping[SummaryKey, JSON]) -> dict[str, JSON]:
    return {str(key): value for key, value in values.items()}


def score_to_plain(score: Score) -> dict[str, JSON]:
    """A score as plain data, without what it may have and has not."""
    optional = ("facts", "judgements", "settings", "clusters")
    return {key: value for key, value in _fields(score).items() if value or key not in optional}


def score_from_plain(data: Mapping[str, Any], settings: Mapping[str, JSON]) -> Score:
    """The score ``score_to_plain`` wrote.

    Args:
        data: Its fields.
        settings: Of its metric, where the data name none: then there were none, or the file is of
            a version that did not keep them.
    """
    statistics = tuple(map(tuple, data["statistics"]))
    texts = {name: tuple(data.get(name, ())) for name in ("ids", "classes", "clusters")}
    return Score(**{"settings": settings, **data, **texts, "statistics": statistics})


def users_settings(config: Mapping[str, Any], metric: str) -> Mapping[str, JSON]:
    """A metric's settings in a configuration: those of a score that names none."""
    settings: Mapping[str, JSON] = ((config.get("eval") or {}).get("metrics") or {}).get(metric, {})
    return settings


def _fields(record: TrialResult | Score | SummaryPart | Purpose) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def from_plain(data: Mapping[str, Any]) -> TrialResult:
    """The result ``to_plain`` wrote.

    Raises:
        KeyError, TypeError, ValueError: The data are not a result.
    """
    purposes = {
        name: Purpose(
            Split(purpose["split"]),
            purpose["axis"] and Axis(purpose["axis"]),
            purpose.get("primary"),
        )
        for name, purpose in data.get("purposes", {}).items()
    }

    def by_key(field: str) -> dict[Key, Any]:
        return {parse_key(text, purposes): value for text, value in data.get(field, {}).items()}

    scores = {
        parse_score_key(text, purposes): score_from_plain(
            score, users_settings(data["config"], score["metric"])
        )
        for text, score in data["scores"].items()
    }
    parts = {
        key: tuple(
            SummaryPart(**part | {"key": parse_score_key(part["key"], purposes)}) for part in parts
        )
        for key, parts in by_key("summary_parts").items()
    }
    read = {"scores": scores, "summary_parts": parts, "purposes": purposes}
    read |= {field: by_key(field) for field in ("unmeasured", "summaries")}
    return TrialResult(**{**data, **read})


def results_text(results: Sequence[TrialResult]) -> str:
    """The content of a results file."""
    return json.dumps({"format": FORMAT, "results": [to_plain(result) for result in results]})


def write_results(path: Path, results: Sequence[TrialResult]) -> None:
    """Writes a results file, whole or not at all."""
    write_whole(path, results_text(results))


def read_results(path: Path) -> tuple[TrialResult, ...]:
    """The results in a file.

    Raises:
        DataError: No such file, or not a results file.
    """
    return parse_results(read_text(path, DataError), str(path))


def parse_results(text: str, where: str) -> tuple[TrialResult, ...]:
    """The results in a text; ``where`` names it in errors.

    Raises:
        DataError: Not the content of a results file.
    """
    kind = "a results file, as written by `harness run --output`"
    data = parse_form(text, where, FORMAT, kind, parse_int=_whole)
    try:
        faults = [
            f"results.{index}.{fault}"
            for index, entry in enumerate(data["results"])
            for fault in _type_faults(entry)
        ]
        if faults:
            raise DataError(join_faults(where, faults))
        return tuple(from_plain(entry) for entry in data["results"])
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{where}: results: not a trial result: {error}") from None


def _whole(text: str) -> int | float:
    """A whole number; one that no float can hold is infinite, to be judged as values are."""
    return int(text) if len(text) <= _MOST_DIGITS else float(text)


_MOST_DIGITS = 300
_NUMBERS = {int, float}
_TYPES: Mapping[str, tuple[type, str]] = {
    "seed": (int, "a whole number"),
    "variant": (str, "a text"),
    "config": (dict, "a mapping"),
    "tags": (dict, "a mapping"),
    "metric": (str, "a text"),
    "signature": (str, "a text"),
    "higher_is_better": (bool, "true or false"),
}
"""Of fields of results and scores, and what they are called."""


def _type_faults(entry: Mapping[str, Any]) -> Iterator[str]:
    """What of a result is of another type than it must be; NaN is a number, to be judged later."""
    yield from _fields_of_type(entry, ("seed", "variant", "config", "tags"))
    for key, score in entry["scores"].items():
        where = f"scores.{key}."
        yield from _fields_of_type(score, ("metric", "signature", "higher_is_better"), where)
        if type(score["value"]) not in _NUMBERS:
            yield f"{where}value: found {json.dumps(score['value'])}, allowed a number"
        if type(score.get("settings", {})) is not dict:
            yield f"{where}settings: found {json.dumps(score['settings'])}, allowed a mapping"
        yield from (where + fault for fault in _item_faults(score))
    for key, value in entry.get("summaries", {}).items():
        if type(value) not in _NUMBERS:
            yield f"summaries.{key}: found {json.dumps(value)}, allowed a number"
    for key, parts in entry.get("summary_parts", {}).items():
        for index, part in enumerate(parts):
            ends = part["worst"], part["best"]
            if not set(map(type, ends)) <= _NUMBERS or ends[0] == ends[1]:
                text = "worst {} and best {}".format(*map(json.dumps, ends))
                yield f"summary_parts.{key}.{index}: found {text}, allowed two different numbers"


def _item_faults(score: Mapping[str, Any]) -> Iterator[str]:
    """What of a score's items is wrong: their names, or that not all of them have the same."""
    ids, rows = score["ids"], score["statistics"]
    if not set(map(type, ids)) <= {str}:
        yield f"ids: found {next(json.dumps(x) for x in ids if type(x) is not str)}, allowed texts"
    elif len(set(ids)) < len(ids):
        yield f"ids: {next(name for name, n in Counter(ids).items() if n > 1)!r} is there twice"
    if not set(map(type, rows)) <= {list}:
        yield "statistics: found what is no list of numbers, one list per item"
    elif not set(map(type, chain.from_iterable(rows))) <= _NUMBERS:
        yield "statistics: found what is no number"
    elif len(lengths := set(map(len, rows))) > 1:
        found = f"{min(lengths)} and {max(lengths)}"
        yield f"statistics: found items of {found} numbers, allowed as many for each"
    if len(ids) != len(rows):
        yield f"statistics: found {len(rows)}, allowed {len(ids)}, one per item"
    if score.get("clusters") and len(score["clusters"]) != len(ids):
        yield f"clusters: found {len(score['clusters'])}, allowed {len(ids)}, one per item"


def _fields_of_type(
    data: Mapping[str, Any], names: Sequence[str], where: str = ""
) -> Iterator[str]:
    for name in names:
        kind, allowed = _TYPES[name]
        value = data[name]
        if type(value) is not kind:
            yield f"{where}{name}: found {json.dumps(value)}, allowed {allowed}"
