"""Metrics by a judge that gives each answer a number of its own."""

from collections.abc import Sequence
from typing import ClassVar

from harness.metrics.judging.judged import Judged
from harness.metrics.judging.spread import spread_of, sum_and_count, variance_of
from harness.protocols import Services
from harness.records import Prediction


class Rated(Judged):
    """A mean over all turns' answers; judgements without a number are left out and counted."""

    num_behind_repeats: ClassVar[int] = 8

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        """Sums that add up, [N][2 R + 8].

        Sum and number of ratings per repeat, then per turn; judgements, and those without a rating;
        variance between the repeats, and the number of turns that have one.
        """
        return [
            self._row([[verdict.value for verdict in turn] for turn in turns])
            for turns in self.verdicts_by_item(predictions, services)
        ]

    def _row(self, turns: Sequence[Sequence[float | None]]) -> tuple[float, ...]:
        """Of an item, given what each repeat gave each turn: [T][R]."""
        by_repeat = [part for repeat in zip(*turns, strict=True) for part in sum_and_count(repeat)]
        by_turn = [part for turn in (*turns, ())[:2] for part in sum_and_count(turn)]
        unrated = sum(value is None for turn in turns for value in turn)
        variances, num_variances = zip(*map(variance_of, turns), strict=True)
        asked = float(len(turns) * self.repeats)
        spread = (sum(variances), sum(num_variances))
        return (*by_repeat, *by_turn, asked, float(unrated), *spread)

    def details(self, totals: Sequence[float]) -> dict[str, float]:
        """Ratings by turn, share of judgements without a rating, spread of the repeats."""
        *pairs, first, num_first, second, num_second, asked, unrated, variances, num = totals
        turns = {"turn_1": (first, num_first), "turn_2": (second, num_second)}
        return {
            **{turn: total / count for turn, (total, count) in turns.items() if count},
            "unrated": unrated / asked,
            **spread_of(pairs, (variances, num)),
        }
