"""Metrics that are a mean over items: what most metrics share, so that each file says only its own.

Statistics of an item: what it scores and 1, or 0 and 0 where it does not count. [N][2]
"""

from abc import abstractmethod
from collections.abc import Sequence
from importlib import metadata
from typing import ClassVar

from harness.metrics.shared.metric import MetricSpec
from harness.protocols import Services
from harness.records import JSON, Prediction


class Rate(MetricSpec):
    """A metric whose value is the mean over items of what each scores alone."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """Packages whose version may change the value."""

    labels: ClassVar[tuple[str, ...]] = ()
    """The class of an item that scores and that of one that does not; () for no classes."""

    @abstractmethod
    def item(self, prediction: Prediction) -> float | None:
        """What an item scores; None when it does not count."""

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        parts = [self.name, *(f"{key}:{_short(value)}" for key, value in self.plain().items())]
        parts += [f"{name}:{metadata.version(name)}" for name in self.libraries]
        return "|".join([*parts, f"version:{self.version}"])

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        items = map(self.item, predictions)
        return [(0.0, 0.0) if value is None else (value, 1.0) for value in items]

    def classes(self, predictions: Sequence[Prediction]) -> list[str]:
        if not self.labels:
            return []
        scoring, other = self.labels
        return [scoring if self.item(prediction) else other for prediction in predictions]


def _short(value: JSON) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    return str(value)
