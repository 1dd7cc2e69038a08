"""Baselines: the committed scores that ``harness check`` compares with, one JSON file each.

The file holds one configuration's runs, one per seed, with their settings as values, what each item
scored, and how much of a drop is tolerated. A person edits the tolerances; ``harness check
--update`` rewrites the rest::

    {"format": "harness-baseline-2",
     "tolerance": {"level": 0.95, "default": 0.02, "keys": {"*/bleu": 1.0}, "gates": []},
     "items": {"suite/benchmark": ["id", ...]},
     "runs": [{"seed": 1, "config": {...}, "tags": {...}, "summaries": {...}, ...,
               "scores": {"suite/benchmark/bleu": {..., "statistics": [...]}}}]}

``statistics`` are columns, one number standing for a column of equal numbers; items are listed
once per benchmark, by score where a run has others.

Form 1 is read too: it has no summaries, and which metrics are primary the judged run tells.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field, FiniteFloat

from harness.errors import ConfigError, DataError, join_faults
from harness.records import JSON, Axis, Score, Split, TrialResult, parse_score_key
from harness.settings.spec import Spec, validate
from harness.settings.yaml import read_text
from harness.statistics.totals import adds_up, fault_of_summary, total_of
from harness.storage.files import write_whole
from harness.storage.reading import parse_form
from harness.storage.results import from_plain, score_to_plain, to_plain, users_settings

FORMAT = "harness-baseline-2"
OLD_FORMAT = "harness-baseline-1"
DEFAULT_KEYS = {"*/bleu": 1.0, "*/chrf": 1.0, "*/chrf_pp": 1.0, "*/comet": 0.01}
"""Tolerances a new baseline begins with, beside the default: in the units of the metric."""

_KEPT = {"value", "higher_is_better", "signature", "settings", "clusters"}
"""What a baseline says of a score as a results file does."""

_SCORE_KEY = r"^[^/]+/[^/]+/[^/]+$"

Column: TypeAlias = FiniteFloat | tuple[FiniteFloat, ...]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Tolerance(Spec):
    """How much worse a score may be, in the units of its metric."""

    level: float = Field(0.95, ge=0.5, lt=1)
    """Of the one-sided bounds, and 1 minus it the risk of calling chance a regression, over all
    keys that gate."""

    default: Amount = 0.02
    """For keys that no pattern matches; for rates and accuracies .02 is two points in a hundred."""

    keys: Mapping[str, Amount] = Field(default_factory=dict)
    """By pattern: of `suite/benchmark/metric` or `suite/summary_test` (`*` any characters, `?`
    one), the name of a metric, or an axis (`translation`, `general`, `safety`) for its summaries;
    the first that matches counts."""

    gates: tuple[str, ...] = ()
    """Patterns, as of `keys`, of what a run has to pass; the rest informs. () is every summary and
    the primary metric of every benchmark."""

    def of(self, key: str, yardstick: str | None = None) -> float:
        """That of a key; its metric or axis is the yardstick."""
        amounts = (
            amount for pattern, amount in self.keys.items() if matches(pattern, key, yardstick)
        )
        return next(amounts, self.default)

    def with_first(self, keys: Mapping[str, float], gates: Sequence[str]) -> "Tolerance":
        """With some that come before the others, and with other gates where any are given."""
        kept = {pattern: amount for pattern, amount in self.keys.items() if pattern not in keys}
        return Tolerance(
            level=self.level,
            default=self.default,
            keys={**keys, **kept},
            gates=tuple(gates) or self.gates,
        )


def matches(pattern: str, key: str, yardstick: str | None) -> bool:
    """Whether a pattern is of a key, or names its metric or its axis."""
    return pattern == yardstick or fnmatchcase(key, pattern)


class _StoredScore(Spec):
    value: FiniteFloat
    higher_is_better: bool
    signature: str
    settings: Mapping[str, JSON] | None = None
    statistics: tuple[Column, ...] = Field(min_length=1)
    ids: tuple[str, ...] | None = None
    clusters: tuple[str, ...] | None = None


class _StoredPart(Spec):
    key: Annotated[str, Field(pattern=_SCORE_KEY)]
    worst: FiniteFloat
    best: FiniteFloat
    chance: FiniteFloat | None = None


class _StoredPurpose(Spec):
    split: Split
    axis: Axis | None
    primary: str | None = None


_SummaryText = Annotated[str, Field(pattern=r"^[^/]+/summary(_test)?$")]


class _StoredRun(Spec):
    name: str
    variant: str
    seed: int
    run_fingerprint: str = Field(alias="fingerprint")
    config: Mapping[str, JSON]
    tags: Mapping[str, str]
    purposes: Mapping[str, _StoredPurpose] = Field(default_factory=dict)
    summaries: Mapping[_SummaryText, FiniteFloat] = Field(default_factory=dict)
    summary_parts: Mapping[_SummaryText, tuple[_StoredPart, ...]] = Field(default_factory=dict)
    scores: Mapping[Annotated[str, Field(pattern=_SCORE_KEY)], _StoredScore] = Field(min_length=1)


class _File(Spec):
    format: str
    about: str = ""
    tolerance: Tolerance
    items: Mapping[str, tuple[str, ...]]
    runs: tuple[_StoredRun, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Baseline:
    """A baseline as the gate uses it.

    Attributes:
        tolerance: How much worse the scores may be.
        results: One a seed, of one configuration.
        where: Names the file in errors.
        is_complete: Whether it has summaries, and says which metrics are primary; a file of form 1
            does not.
    """

    tolerance: Tolerance
    results: tuple[TrialResult, ...]
    where: str = "baseline"
    is_complete: bool = True


def read_baseline(path: Path) -> Baseline:
    """The baseline in a file.

    Raises:
        DataError: No such file, not JSON, or not a baseline: all its faults at once.
    """
    text = read_text(path, DataError, "`harness check FILE SCORES --update` writes a baseline.")
    kind = "a baseline, as written by `harness check FILE SCORES --update`"
    data = parse_form(text, str(path), FORMAT, kind, OLD_FORMAT, parse_constant=_refuse_constant)
    try:
        stored = validate(_File, data, str(path))
    except ConfigError as error:
        raise DataError(error.message, error.hint) from None
    faults: list[str] = []
    results = tuple(
        _result(run, stored.items, f"runs.{index}", faults) for index, run in enumerate(stored.runs)
    )
    faults += configuration_faults(results, "runs")
    if faults:
        raise DataError(join_faults(str(path), faults))
    return Baseline(stored.tolerance, results, str(path), data["format"] == FORMAT)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"found {name}, allowed finite numbers")


def _result(
    run: _StoredRun, items: Mapping[str, tuple[str, ...]], where: str, faults: list[str]
) -> TrialResult:
    faults += _part_faults(run, where)
    scores = {}
    for key, stored in run.scores.items():
        score_key = parse_score_key(key)
        benchmark = score_key.path
        ids = items.get(benchmark, ()) if stored.ids is None else stored.ids
        if not ids:
            faults.append(f"{where}.scores.{key}: no ids in it, and items.{benchmark} has none")
        elif len(set(ids)) < len(ids):
            faults.append(f"{where}.scores.{key}: ids: an id is there twice")
        columns = []
        for number, column in enumerate(stored.statistics):
            if isinstance(column, tuple) and len(column) != len(ids):
                faults.append(
                    f"{where}.scores.{key}.statistics.{number}: found {len(column)} numbers, "
                    f"allowed {len(ids)} (one per item) or a single number"
                )
            columns.append(column if isinstance(column, tuple) else (column,) * len(ids))
        rows = tuple(zip(*columns, strict=False))
        scores[key] = stored.model_dump(include=_KEPT, exclude_none=True) | {
            "metric": score_key.metric, "ids": ids, "statistics": rows, "classes": ()
        }  # fmt: skip
    empty: dict[str, JSON] = {name: {} for name in ("unmeasured", "facts", "stages", "seconds")}
    return from_plain({**run.model_dump(by_alias=True), **empty, "scores": scores})


def _part_faults(run: _StoredRun, where: str) -> list[str]:
    return [
        f"{where}.summary_parts.{key}.{index}: found worst and best {part.worst:g}, allowed two "
        "different numbers"
        for key, parts in run.summary_parts.items()
        for index, part in enumerate(parts)
        if part.worst == part.best
    ]


def configuration_faults(results: Sequence[TrialResult], where: str) -> list[str]:
    """What keeps results from being the runs of one configuration, one per seed."""
    faults = []
    without_seed = {
        json.dumps({**result.config, "seed": None, "name": None}, sort_keys=True)
        for result in results
    }
    if len(without_seed) > 1:
        names = ", ".join(sorted({result.name for result in results}))
        faults.append(
            f"{where}: found {len(without_seed)} configurations ({names}), allowed one (its runs "
            "may differ in their seeds)"
        )
    seeds = [result.seed for result in results]
    repeated = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if repeated and not faults:
        faults.append(f"{where}: seed {repeated[0]} is there twice, allowed once")
    return faults


def check_values(results: Sequence[TrialResult], where: str) -> None:
    """Sees to it that every value is a number that its items, or its parts, add up to.

    Raises:
        DataError: Values that are not finite, or were edited; all of them.
    """
    faults = [
        f"{index}.{fault}" for index, result in enumerate(results) for fault in _faults_of(result)
    ]
    if faults:
        raise DataError(
            join_faults(where, faults),
            "Score again: values and items are not to be edited, a score that is not finite says "
            "nothing, and a file of an earlier version does not say the settings that benchmarks "
            "brought along for their metrics.",
        )


def _faults_of(result: TrialResult) -> Iterator[str]:
    broken = set()
    for key, score in result.scores.items():
        if fault := _fault_of(score):
            broken.add(key)
            yield f"scores.{key}.{fault}"
    for summary, value in result.summaries.items():
        parts = result.summary_parts.get(summary, ())
        is_told = any(part.key in broken for part in parts) and math.isfinite(value)
        if not is_told and (fault := fault_of_summary(result, summary)):
            yield f"summaries.{summary}: {fault}"


def _fault_of(score: Score) -> str | None:
    if not math.isfinite(score.value):
        return f"value: found {score.value}, allowed a finite number"
    if not all(math.isfinite(number) for row in score.statistics for number in row):
        return "statistics: found a number that is not finite"
    if adds_up(score):
        return None
    total = total_of(score)
    told = (
        "cannot be added up with the settings its file says"
        if total is None
        else f"add up to {total}"
    )
    return f"value: found {score.value}, but its items {told}"


def update_baseline(
    path: Path,
    results: Sequence[TrialResult],
    changed: Callable[[Tolerance], Tolerance] = lambda kept: kept,
) -> Baseline:
    """Writes a baseline with new scores, keeping the tolerances of the one that is there.

    Args:
        path: Of the file.
        results: One a seed, of one configuration.
        changed: What becomes of its tolerances.

    Raises:
        DataError: The file there is no baseline, or the results are not one configuration's.
    """
    faults = configuration_faults(results, "scores")
    if not results or faults:
        raise DataError(join_faults("scores", faults or ["no results, allowed one or more"]))
    check_values(results, "scores")
    kept = read_baseline(path).tolerance if path.exists() else Tolerance(keys=DEFAULT_KEYS)
    baseline = Baseline(changed(kept), tuple(results), str(path))
    write_baseline(path, baseline)
    return baseline


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Writes a baseline file, whole or not at all, a line per score so that diffs can be read."""
    items: dict[str, list[str]] = {}
    for result in baseline.results:
        for key, score in result.scores.items():
            items.setdefault(key.path, list(score.ids))
    head = {
        "format": FORMAT,
        "about": "Scores that `harness check` compares with; `--update` rewrites all of it but "
        "the tolerance, which is in the units of each metric.",
        "tolerance": baseline.tolerance.plain(),
    }
    lines = [json.dumps(head, indent=1, ensure_ascii=False)[:-2] + ",", ' "items": {']
    lines.append(_members(items))
    lines.append(' },\n "runs": [')
    lines.append(",\n".join(_run_text(result, items) for result in baseline.results))
    lines.append(" ]\n}\n")
    write_whole(path, "\n".join(lines))


def _run_text(result: TrialResult, items: Mapping[str, list[str]]) -> str:
    plain = to_plain(result)
    head: dict[str, JSON] = {
        "name": result.name,
        "variant": result.variant,
        "seed": result.seed,
        "fingerprint": result.fingerprint,
        "config": result.config,
        "tags": result.tags,
        **{name: plain[name] for name in ("purposes", "summaries", "summary_parts")},
    }
    scores = {
        str(key): _stored(score, items[key.path], result.config)
        for key, score in result.scores.items()
    }
    return "  {\n" + _members(head) + ',\n  "scores": {\n' + _members(scores) + "\n  }}"


def _stored(score: Score, ids: Sequence[str], config: Mapping[str, JSON]) -> dict[str, JSON]:
    """A score as a baseline has it; its settings only where the configuration does not say them."""
    stored = {name: value for name, value in score_to_plain(score).items() if name in _KEPT}
    if score.settings == users_settings(config, score.metric):
        stored.pop("settings", None)
    stored["statistics"] = [_column(column) for column in zip(*score.statistics, strict=True)]
    if list(score.ids) != list(ids):
        stored["ids"] = list(score.ids)
    return stored


def _column(column: Sequence[float]) -> JSON:
    numbers = [int(value) if value == int(value) else value for value in column]
    return numbers[0] if len(set(numbers)) == 1 else numbers


def _members(values: Mapping[str, JSON]) -> str:
    return ",\n".join(
        f"  {json.dumps(key, ensure_ascii=False)}: "
        + json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for key, value in values.items()
    )
