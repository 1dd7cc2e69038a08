"""From predictions to scores, and from scores to a suite's summary.

A score that cannot be had is ``Unmeasured`` with the reason: never 0, never NaN.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from harness.benchmarks.read import Benchmark
from harness.errors import ConfigError, EvaluationError, MissingExtra, join_faults
from harness.metrics.judging.asked import JUDGEMENTS
from harness.metrics.judging.judged import Judged
from harness.protocols import Metric, Remarking, Services
from harness.records import JSON, Prediction, Score, ScoreKey
from harness.settings import plugins
from harness.settings.spec import digest, explain
from harness.storage.files import write_rows
from harness.storage.predictions import clusters_of, read_predictions, require
from harness.storage.results import score_from_plain, score_to_plain
from harness.storage.store import Built, Stage, Store

STAGE = "scores"
VERSION = 1
SCORE = "score.json"


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A score that could not be had."""

    reason: str


def metric_named(name: str, settings: Mapping[str, JSON] | None = None) -> Metric:
    """A metric with its settings.

    Raises:
        ConfigError: No such metric, or it has no such setting.
    """
    kind = plugins.load("metric", name)
    try:
        metric: Metric = kind.model_validate(dict(settings or {}))
    except ValidationError as error:
        faults = (f"{path}: {text}" for path, text in explain(error, kind))
        raise ConfigError(join_faults(f"metric {name}", faults)) from None
    return metric


def score_predictions(
    predictions: Sequence[Prediction],
    metric_name: str,
    settings: Mapping[str, JSON],
    services: Services,
    benchmark: Benchmark | None = None,
) -> Score | Unmeasured:
    """What a metric says of predictions.

    Args:
        predictions: In any order; the score keeps it.
        metric_name: File name of a metric.
        settings: Of the metric.
        services: Outside help it may need.
        benchmark: What the predictions are of; its data and its extraction rule go into the
            signature.

    Raises:
        ConfigError: No such metric, or it has no such setting.
        DataError: The predictions lack a field the metric needs.
    """
    if benchmark is not None:
        settings = benchmark.settings_of(metric_name, settings)
    try:
        _check_required(benchmark, metric_name, settings)
        metric = metric_named(metric_name, settings)
        require(metric_name, predictions, getattr(metric, "needs", ()))
        signature = metric.signature(predictions, services) + _suffix(benchmark)
        return _score(metric, settings, signature, predictions, services)
    except (MissingExtra, EvaluationError) as error:
        return Unmeasured(str(error))


def _score(
    metric: Metric,
    settings: Mapping[str, JSON],
    signature: str,
    predictions: Sequence[Prediction],
    services: Services,
) -> Score:
    """The score; an EvaluationError where there is nothing to measure, or no finite number."""
    unknown = [row.id for row in predictions if row.choices and not _are_known(row.choices)]
    if unknown:
        raise EvaluationError(f"choices without a finite likelihood: {named_items(unknown)}")
    rows = metric.statistics(predictions, services)
    try:
        value = metric.aggregate([sum(col) for col in zip(*rows, strict=True)]) if rows else None
    except ArithmeticError as error:
        raise EvaluationError(f"{metric.name} has no finite value: {error}") from None
    if value is None:
        raise EvaluationError(f"{metric.name} has nothing to measure in these {len(rows)} items")
    ids = tuple(prediction.id for prediction in predictions)
    _check_finite(metric.name, ids, rows, value)
    facts = metric.facts(predictions, rows, services) if isinstance(metric, Remarking) else {}
    return Score(
        metric=metric.name,
        value=value,
        higher_is_better=metric.higher_is_better,
        signature=signature,
        ids=ids,
        statistics=tuple(tuple(map(float, row)) for row in rows),
        classes=tuple(metric.classes(predictions)),
        facts={name: number for name, number in facts.items() if math.isfinite(number)},
        settings=settings,
    )


def _check_finite(
    metric: str, ids: Sequence[str], rows: Sequence[Sequence[float]], value: float
) -> None:
    """An EvaluationError where a score, or what an item adds to it, is no finite number."""
    items = zip(ids, rows, strict=True)
    unknown = [name for name, row in items if not all(map(math.isfinite, row))]
    if unknown:
        raise EvaluationError(f"{metric} gives no finite number: {named_items(unknown)}")
    if not math.isfinite(value):
        raise EvaluationError(f"{metric} gives no finite number over all items: {value}")


def _are_known(choices: Sequence[float]) -> bool:
    """Whether log-likelihoods tell choices apart; -inf is one, where another is finite."""
    finite = [choice for choice in choices if math.isfinite(choice)]
    return bool(finite) and all(choice == -math.inf or choice in finite for choice in choices)


def named_items(items: Sequence[str]) -> str:
    return f"item {items[0]!r}" + (f" and {len(items) - 1} more" if len(items) > 1 else "")


def _check_required(
    benchmark: Benchmark | None, metric_name: str, settings: Mapping[str, JSON]
) -> None:
    """An EvaluationError where the benchmark requires a setting that the metric was not given."""
    for path in () if benchmark is None else benchmark.requires:
        name, _, setting = path.partition(".")
        if name == metric_name and setting not in settings:
            raise EvaluationError(
                f"{path} is not set (eval.metrics.{path}), and has no default here"
            )


def _suffix(benchmark: Benchmark | None) -> str:
    if benchmark is None:
        return ""
    parts = [f"benchmark:{benchmark.version}", f"data:{benchmark.data_sha256[:8]}"]
    parts += benchmark.task.signature(benchmark.split)
    if benchmark.limit is not None:
        parts.append(f"limit:{benchmark.limit}")
    return "|" + "|".join(parts)


def score_stored(
    predictions: Built,
    benchmark: Benchmark,
    metric_name: str,
    settings: Mapping[str, JSON],
    services: Services,
    store: Store,
) -> Score | Unmeasured:
    """The ``scores`` stage: as ``score_predictions``, made once; not kept when unmeasured.

    Args:
        predictions: The ``predictions`` stage of the benchmark.
        benchmark: The benchmark.
        metric_name: File name of a metric.
        settings: Of the metric.
        services: Outside help it may need.
        store: Where scores are kept.
    """
    settings = benchmark.settings_of(metric_name, settings)
    try:
        _check_required(benchmark, metric_name, settings)
        metric = metric_named(metric_name, settings)
        rows = _rows(predictions.path / "predictions.jsonl")
        require(f"{benchmark.key}: {metric_name}", rows, getattr(metric, "needs", ()))
        signature = metric.signature(rows, services) + _suffix(benchmark)
        said = metric.judgements(rows, services) if isinstance(metric, Judged) else None
        judgements = None if said is None else digest(said)

        def make(folder: Path) -> Mapping[str, float]:
            score = _score(metric, settings, signature, rows, services)
            plain = score_to_plain(replace(score, judgements=judgements))
            (folder / SCORE).write_text(json.dumps(plain), encoding="utf-8")
            if said is not None:
                write_rows(folder / JUDGEMENTS, said)
            return {"value": score.value, "items": len(score.ids)}

        built = store.build(_stage(predictions.key, metric_name, signature, judgements), make)
        plain = json.loads((built.path / SCORE).read_text(encoding="utf-8"))
        score = score_from_plain(plain, settings)
        # one that an earlier version made may be none
        _check_finite(score.metric, score.ids, score.statistics, score.value)
        return replace(score, clusters=_clusters(benchmark, rows))
    except (MissingExtra, EvaluationError) as error:
        return Unmeasured(str(error))


def _clusters(benchmark: Benchmark, rows: Sequence[Prediction]) -> tuple[str, ...]:
    """Of each item, where the benchmark names the field; no part of what is stored."""
    if benchmark.cluster is None:
        return ()
    clusters = clusters_of(rows, benchmark.cluster)
    return tuple(clusters[row.id] for row in rows)


def _stage(predictions: str, metric: str, signature: str, judgements: str | None) -> Stage:
    identity = {"predictions": predictions, "metric": metric, "signature": signature}
    # another server by the same name may say otherwise, and so may the same one asked again
    judged = {} if judgements is None else {"judgements": judgements}
    return Stage(STAGE, VERSION, identity | judged)


def judgements_file(store: Store, predictions: str, score: Score) -> Path | None:
    """Where all that a judge said for a score is to be read; None where no judge was asked.

    Args:
        store: Where scores are kept.
        predictions: Key of the ``predictions`` stage.
        score: Of these predictions.
    """
    stage = _stage(predictions, score.metric, score.signature, score.judgements)
    path = store.path(stage) / JUDGEMENTS
    return path if path.is_file() else None


@lru_cache(maxsize=1)
def _rows(path: Path) -> list[Prediction]:
    """The predictions of a stage, whose files never change; its metrics ask one after the other."""
    return read_predictions(path)


def facts_of_scores(scores: Mapping[ScoreKey, Score]) -> dict[str, float]:
    """What the metrics say of how they measured, keyed ``<metric>/<fact>/<suite>/<benchmark>``."""
    return {
        f"{score.metric}/{fact}/{key.path}": value
        for key, score in scores.items()
        for fact, value in score.facts.items()
    }


def item_values(metric: Metric, score: Score) -> list[float | None]:
    """What each item scores alone: the metric of its own statistics, None where not defined."""
    return [metric.aggregate(row) for row in score.statistics]
