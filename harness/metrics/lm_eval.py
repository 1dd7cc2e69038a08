"""A task's own metric, as lm-eval works it out for each item."""

from collections.abc import Sequence
from typing import Any, ClassVar

from harness.errors import EvaluationError
from harness.metrics.shared.rates import Rate
from harness.protocols import Services
from harness.records import Prediction


class LmEval(Rate):
    """Mean of what lm-eval gives each item, for most tasks 0..1, higher is better.

    For benchmarks that are tasks of lm-eval's. An empty answer scores what the task gives it, for
    most 0. Metrics that are no means (F1 over a corpus, perplexity) are not measured. Reference
    implementation: lm-eval, whose code does the work.
    """

    needs: ClassVar[tuple[str, ...]] = ("lm_eval",)
    libraries: ClassVar[tuple[str, ...]] = ("lm_eval",)

    metric: str = ""
    """Which of the task's metrics ("acc_norm"); the first by default."""

    filter: str = ""
    """Which of the task's filters ("flexible-extract"); the first by default."""

    def item(self, prediction: Prediction) -> float:
        """The mean of the item's own values, one for most metrics."""
        values = self._values(prediction)
        return sum(values) / len(values)

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        """Sum and number of the item's values."""
        items = map(self._values, predictions)
        return [(sum(values), float(len(values))) for values in items]

    def _values(self, prediction: Prediction) -> Sequence[float]:
        given: Any = prediction.extra["lm_eval"]  # what lm-eval gave the item, by metric
        for key, value in given.items():
            metric, _, used = key.partition(",")
            if self.metric in ("", metric) and self.filter in ("", used):
                return [float(one) for one in (value if isinstance(value, list) else [value])]
        raise EvaluationError(
            f"lm_eval: no mean {self.metric or 'metric'} with filter {self.filter or 'any'} "
            f"(there are: {', '.join(given) or 'none'})"
        )


METRIC = LmEval
