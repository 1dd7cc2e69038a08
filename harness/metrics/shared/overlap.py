"""What the metrics of sacreBLEU share: statistics, values and signatures are sacreBLEU's own.

The per-segment statistics come from the method sacreBLEU's own corpus score and significance tests
use; it is not public, but public functions give them for BLEU only and by one call a segment.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

from harness.errors import DataError
from harness.languages.identify import has_no_blanks
from harness.metrics.shared.metric import MetricSpec
from harness.protocols import Services
from harness.records import Prediction
from harness.storage.predictions import wanted

_LOOKED_AT = 200
"""Items whose references are looked at for blanks."""


def check_blanks(
    predictions: Sequence[Prediction],
    tokenizer: str,
    mend: str,
    split: Callable[[str], str] = str,
) -> None:
    """Refuses references without blanks between words for what splits there.

    Args:
        predictions: With references.
        tokenizer: What splits, for the error.
        mend: What would split otherwise, for the error.
        split: What is done to a text before it is split at blanks.

    Raises:
        DataError: They have none.
    """
    step = max(1, len(predictions) // _LOOKED_AT)
    if not has_no_blanks(split(text) for row in predictions[::step] for text in wanted(row)):
        return
    tags = {row.target_lang or row.language for row in predictions} - {None, ""}
    said = f"in {', '.join(sorted(map(str, tags)))}" if tags else "of items that say no language"
    raise DataError(
        f"{tokenizer} splits at blanks, and the references {said} have none between words: as one "
        "word each they would be right or wrong as a whole",
        mend,
    )


class OverlapMetric(MetricSpec):
    """A metric of the overlap of answers with references, by sacreBLEU."""

    needs: ClassVar[tuple[str, ...]] = ("wanted",)

    @property
    @abstractmethod
    def title(self) -> str:
        """What its signature begins with."""

    @abstractmethod
    def scorer(self, predictions: Sequence[Prediction]) -> Any:
        """A new metric object of sacreBLEU, right for these predictions."""

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        scorer = self.scorer(predictions)
        # sacreBLEU learns the number of references while it reads them
        counts = {len(wanted(prediction)) for prediction in predictions}
        scorer.num_refs = counts.pop() if len(counts) == 1 else -1
        return f"{self.title}|{scorer.get_signature().format()}"

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        if not predictions:
            return []
        # [R][N], None where an item has fewer references than others
        references = list(zip_longest(*map(wanted, predictions)))
        answers = [prediction.answer for prediction in predictions]
        rows = self.scorer(predictions)._extract_corpus_statistics(answers, references)
        return [tuple(row) for row in rows]
