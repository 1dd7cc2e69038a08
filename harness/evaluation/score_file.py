"""A predictions file scored: several metrics, and what each item scored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import ConfigError, EvaluationError
from harness.evaluation.plain_outputs import read_outputs
from harness.evaluation.score import Unmeasured, item_values, metric_named, score_predictions
from harness.metrics.judging.judged import Judged
from harness.models.thoughts import Thoughts, split_thoughts
from harness.protocols import Metric, Services
from harness.records import JSON, Prediction, Score
from harness.settings.yaml import set_path
from harness.statistics.comparing import interval
from harness.statistics.samples import Samples
from harness.storage.predictions import read_predictions, require


@dataclass(frozen=True)
class FileScores:
    """Scores by metric, in the order asked for."""

    by_metric: Mapping[str, Score]
    metrics: Mapping[str, Metric]
    judgements: Sequence[Mapping[str, JSON]] = ()
    """All that judges said, where metrics asked any."""

    @property
    def intervals(self) -> dict[str, tuple[float, float] | None]:
        """By metric the 95 % interval over items, the outputs being as they are."""
        samples = Samples()
        of_metric = {name: samples.of_scores([score]) for name, score in self.by_metric.items()}
        return {
            name: None if sample is None else interval(sample) for name, sample in of_metric.items()
        }

    def items(self) -> Iterator[dict[str, JSON]]:
        """Per item its ``id`` and, per metric, its class or value.

        The class where the metric has classes; None where an item alone has no value.
        """
        columns: dict[str, Sequence[JSON]] = {
            name: score.classes or item_values(self.metrics[name], score)
            for name, score in self.by_metric.items()
        }
        ids = next(iter(self.by_metric.values())).ids
        for index, name in enumerate(ids):
            yield {"id": name, **{metric: values[index] for metric, values in columns.items()}}


@dataclass(frozen=True, slots=True)
class OutputReading:
    """How files of outputs are read.

    Attributes:
        source_lang: BCP-47 tag, of rows that do not say theirs.
        target_lang: Likewise.
        references: Plain text files beside plain text outputs, each with a reference a line.
        source: Such a file with the sources.
        thoughts: What marks thoughts, which are cut off outputs that come without an answer.
    """

    source_lang: str | None = None
    target_lang: str | None = None
    references: tuple[Path, ...] = ()
    source: Path | None = None
    thoughts: Thoughts = None

    @property
    def is_plain_text(self) -> bool:
        """Whether the outputs are plain text, one a line."""
        return bool(self.references) or self.source is not None

    def rows(self, path: Path) -> list[Prediction]:
        """The predictions of a file.

        Raises:
            DataError: The file is wrong.
        """
        read = (
            read_outputs(path, self.references, self.source)
            if self.is_plain_text
            else read_predictions(path, self._answer)
        )
        if self.is_plain_text:
            read = [replace(row, answer=self._answer(row.output)) for row in read]
        return [_with_languages(row, self.source_lang, self.target_lang) for row in read]

    def _answer(self, output: str) -> str:
        return split_thoughts(output, self.thoughts)[1]


class Scoring:
    """Metrics with their settings, made before anything is read.

    Args:
        names: Of the metrics; a name given twice counts once.
        settings: ``metric.option`` and its value, one after another.
        services: Outside help metrics may need.

    Raises:
        ConfigError: An unknown metric or setting: all of them at once.
    """

    def __init__(
        self, names: Sequence[str], settings: Sequence[tuple[str, JSON]], services: Services
    ) -> None:
        self._settings = _by_metric(settings)
        self._services = services
        self.metrics: Mapping[str, Metric] = _metrics(names, self._settings)

    def check(self, predictions: Sequence[Prediction]) -> None:
        """Sees to it that they have what the metrics need.

        Raises:
            DataError: They lack it.
        """
        for name, metric in self.metrics.items():
            require(name, predictions, getattr(metric, "needs", ()))

    def score(self, path: Path, predictions: Sequence[Prediction]) -> FileScores:
        """All metrics of a file's predictions.

        Raises:
            DataError: They lack what a metric needs.
            MissingExtra: A metric needs something this machine has not.
            EvaluationError: A metric could not be computed.
        """
        self.check(predictions)
        services = self._services
        scores: dict[str, Score] = {}
        judgements: list[Mapping[str, JSON]] = []
        for name, metric in self.metrics.items():
            metric.signature(predictions, services)  # raises what is missing, in its own words
            score = score_predictions(predictions, name, self._settings.get(name, {}), services)
            if isinstance(score, Unmeasured):
                raise EvaluationError(f"{path}: {name}: {score.reason}")
            scores[name] = score
            if isinstance(metric, Judged):
                said = metric.judgements(predictions, services)
                judgements += [{"metric": name, **row} for row in said]
        return FileScores(scores, self.metrics, judgements)


def _metrics(
    names: Sequence[str], by_metric: Mapping[str, Mapping[str, JSON]]
) -> dict[str, Metric]:
    faults = [
        f"--set {name}: a setting of no metric asked for ({', '.join(names)})"
        for name in by_metric
        if name not in names
    ]
    metrics: dict[str, Metric] = {}
    for name in names:
        try:
            metrics[name] = metric_named(name, by_metric.get(name))
        except ConfigError as error:
            faults.append(error.message)
    if faults:
        raise ConfigError("\n".join(faults))
    return metrics


def _by_metric(settings: Sequence[tuple[str, JSON]]) -> dict[str, dict[str, JSON]]:
    by_metric: dict[str, dict[str, JSON]] = {}
    for path, value in settings:
        name, _, option = path.partition(".")
        if not option:
            raise ConfigError(f"--set {path}: allowed METRIC.OPTION=VALUE")
        set_path(by_metric.setdefault(name, {}), option, value)
    return by_metric


def _with_languages(
    prediction: Prediction, source_lang: str | None, target_lang: str | None
) -> Prediction:
    return replace(
        prediction,
        source_lang=prediction.source_lang or source_lang,
        target_lang=prediction.target_lang or target_lang,
        language=prediction.language or prediction.target_lang or target_lang,
    )
