"""Metrics that are a mean over items: what most metrics share, so that each file says only its own.

Statistics of an item: what it scores and 1, or 0 and 0 where it does not count. [N][2]
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import ClassVar

from harness.protocols import Services
from harness.records import JSON, Prediction
from harness.settings.spec import Spec


class Rate(Spec):
    """A metric whose value is the mean over items of what each scores alone."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Fields of a prediction it cannot do without; `wanted` stands for references or target."""

    higher_is_better: ClassVar[bool]

    version: ClassVar[int] = 1
    """Raised when its rule changes, so that old scores are not compared with new ones."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """Packages whose version may change the value."""

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    @abstractmethod
    def item(self, prediction: Prediction) -> float | None:
        """What an item scores; None when it does not count."""

    def settings(self) -> Mapping[str, JSON]:
        return self.plain()

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        parts = [self.name, *(f"{key}:{_short(value)}" for key, value in self.settings().items())]
        parts += [f"{name}:{metadata.version(name)}" for name in self.libraries]
        return "|".join([*parts, f"version:{self.version}"])

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        items = map(self.item, predictions)
        return [(0.0, 0.0) if value is None else (value, 1.0) for value in items]

    def aggregate(self, totals: Sequence[float]) -> float | None:
        """The mean; None when no item counts."""
        total, count = totals
        return total / count if count else None

    def classes(self, predictions: Sequence[Prediction]) -> list[str]:
        return []


def _short(value: JSON) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    return str(value)
