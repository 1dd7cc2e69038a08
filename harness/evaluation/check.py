"""What is wrong with metrics on benchmarks, told before anything is trained or generated."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.benchmarks.lm_file import LmTask
from harness.benchmarks.read import Benchmark
from harness.benchmarks.spec import EvalSpec
from harness.benchmarks.task import OwnTask
from harness.errors import DataError, EvaluationError, MissingExtra
from harness.evaluation.score import metric_named, named_items
from harness.metrics.shared.metric import MetricSpec
from harness.protocols import Metric, Services
from harness.records import JSON, Prediction
from harness.storage.predictions import clusters_of, require

logger = logging.getLogger(__name__)


def check_metrics(benchmarks: Sequence[Benchmark], spec: EvalSpec) -> None:
    """Checks that the items have all that their metrics need, and the machine.

    What the machine lacks is a fault of a benchmark that is named in full; of others it is told.

    Raises:
        ConfigError: A metric has no such setting.
        DataError: All faults of all benchmarks at once.
    """
    faults: list[str] = []
    for benchmark in benchmarks:
        if isinstance(benchmark.task, LmTask):
            continue  # its metric is the task's own
        rows = list(_unanswered(benchmark, benchmark.task))
        faults += _cluster_faults(benchmark, rows)
        missing: dict[str, str | None] = {}
        for name in benchmark.metrics:
            metric = metric_named(name, benchmark.settings_of(name, spec.metrics.get(name, {})))
            try:
                require(name, rows, getattr(metric, "needs", ()))
                missing |= _missing(metric, rows)
                metric.statistics(rows, Services())
            except DataError as error:
                faults.append(f"{benchmark.path}: {error.message}")
            except (MissingExtra, EvaluationError):
                continue  # known when it is scored: what is missing here may be there then
        for message, hint in missing.items():
            if benchmark.key in spec.suites:
                faults.append(f"{benchmark.key}: {message} ({hint})")
            else:
                logger.warning(
                    "%s will not be measured whole: %s (%s)", benchmark.key, message, hint
                )
    if faults:
        raise DataError("\n".join(faults))


def _cluster_faults(benchmark: Benchmark, rows: Sequence[Prediction]) -> list[str]:
    if benchmark.cluster is None:
        return []
    clusters = clusters_of(rows, benchmark.cluster)
    lacking = [row.id for row in rows if row.id not in clusters]
    if not lacking:
        return []
    return [
        f"{benchmark.path}: metadata.harness.cluster: {benchmark.cluster!r} is no field of "
        f"{named_items(lacking)}"
    ]


def _missing(metric: Metric, rows: Sequence[Prediction]) -> dict[str, str | None]:
    """What a metric needs and this machine has not, and what to do about it."""
    if isinstance(metric, MetricSpec):
        try:
            metric.check_here(rows)
        except MissingExtra as error:
            return {error.message: error.hint}
    return {}


def _unanswered(benchmark: Benchmark, task: OwnTask) -> Iterator[Prediction]:
    # a template's text is not known before lm-eval renders it, but there will be one
    templated = None if task.file.doc_to_target in {None, ""} else "?"
    chooses = task.output_type == "multiple_choice"
    chosen: dict[str, JSON] = {"choice_texts": ["a", "b"], "target_index": 0} if chooses else {}
    for row in benchmark.items:
        asked = benchmark.unanswered(row)
        yield replace(
            asked,
            target=asked.target if "target" in row else templated,
            choices=(0.0, 0.0) if chooses else None,
            num_tokens=0,
            finished=True,
            extra={**asked.extra, **chosen},
        )
