"""Accuracy of multiple choice: the most likely choice is the right one."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from harness.errors import DataError
from harness.metrics.shared.rates import Rate
from harness.records import Prediction


class ChoiceAccuracy(Rate):
    """Share of items whose most likely choice is right, 0..1, higher is better; ties: the first.

    There is no empty prediction: every item has a most likely choice. Reference implementation:
    lm-eval's ``acc`` (`normalise: none`) and ``acc_norm`` (`normalise: characters`).
    """

    needs: ClassVar[tuple[str, ...]] = ("choices", "target_index")
    labels: ClassVar[tuple[str, ...]] = ("right", "wrong")

    normalise: Literal["none", "characters", "bytes"] = "none"
    """What the log-likelihood of a choice is divided by; long choices are less likely as such."""

    def item(self, prediction: Prediction) -> float:
        """1 when the right choice is the most likely."""
        choices = prediction.choices or ()
        index = prediction.extra["target_index"]
        if not isinstance(index, int) or not 0 <= index < len(choices):
            raise DataError(
                f"choice_accuracy: item {prediction.id!r}: target_index: found {index!r}, allowed: "
                f"0 to {len(choices) - 1}"
            )
        values = self._normalised(prediction, choices)
        return float(max(range(len(values)), key=values.__getitem__) == index)

    def _normalised(self, prediction: Prediction, choices: Sequence[float]) -> Sequence[float]:
        if self.normalise == "none":
            return choices
        given = prediction.extra.get("choice_texts")
        listed = given if isinstance(given, Sequence) else ()
        texts = [text for text in listed if text and isinstance(text, str)]
        if len(texts) != len(choices):
            raise DataError(
                f"choice_accuracy: item {prediction.id!r}: choice_texts: allowed: the text of each "
                f"of the {len(choices)} choices (needed by `normalise: {self.normalise}`)"
            )
        size = len if self.normalise == "characters" else lambda text: len(text.encode())
        return [value / size(text) for value, text in zip(choices, texts, strict=True)]


METRIC = ChoiceAccuracy
