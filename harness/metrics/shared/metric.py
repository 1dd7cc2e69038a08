"""What every metric is: settings, a name that is its file's, and a mean unless it says else."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from harness.records import JSON, Prediction
from harness.settings.spec import Spec


class MetricSpec(Spec):
    """A metric, as far as all of them are the same; the rest is each one's own."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Fields of a prediction it cannot do without; `wanted` stands for references or target."""

    higher_is_better: ClassVar[bool] = True

    version: ClassVar[int] = 1
    """Raised when its rule changes, so that old scores are not compared with new ones."""

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    @classmethod
    def of_score(cls, settings: Mapping[str, JSON]) -> "MetricSpec":
        """The metric that adds up what a score's items have, as the score was made.

        Nothing is checked: files they name (COMET's checkpoint) may be elsewhere by now.
        """
        return cls.model_construct(**settings)  # type: ignore[arg-type]

    def check_here(self, predictions: Sequence[Prediction]) -> None:
        """Looks for what it needs of this machine, before anything is generated.

        Raises:
            MissingExtra: It is not here.
        """

    def aggregate(self, totals: Sequence[float]) -> float | None:
        """The mean, from a sum and a count; None when no item counts.

        >>> MetricSpec().aggregate((1.5, 2.0))
        0.75
        """
        total, count = totals
        return total / count if count else None

    def classes(self, predictions: Sequence[Prediction]) -> list[str]:
        return []
