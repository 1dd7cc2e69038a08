"""Which scores cannot tell configurations apart: all of them sit at one end of the scale.

A model that answers nothing right cannot be seen to forget, one that answers all right cannot be
seen to gain, and where all configurations do so alike nothing at all is seen. Equal scores there
are no evidence of equal models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.records import Key, ScoreKey, SummaryPart, TrialResult


@dataclass(frozen=True, slots=True)
class Untelling:
    """A benchmark at the end of its scale in every run.

    Attributes:
        key: Of the score that counts.
        end: Which: the worst value there is, or the best.
        value: It.
        num_items: Of the benchmark; at most one of them is elsewhere, in any run.
        num_runs: That were looked at.
        unanswered: Largest share of empty answers of any run.
    """

    key: ScoreKey
    end: Literal["worst", "best"]
    value: float
    num_items: int
    num_runs: int
    unanswered: float


def untelling(key: Key, runs: Sequence[TrialResult]) -> tuple[Untelling, ...]:
    """The benchmarks of a key that tell nothing; () unless that holds for every one of them.

    Args:
        key: A summary's, or a score's that counts in one.
        runs: All there are, of the untuned model and of trials.
    """
    measured = [run for run in runs if run.value_of(key) is not None]
    by_part = [_untelling(part, measured) for part in _parts(key, measured)]
    silent = tuple(of_part for of_part in by_part if of_part is not None)
    return silent if len(silent) == len(by_part) else ()


def _parts(key: Key, runs: Sequence[TrialResult]) -> tuple[SummaryPart, ...]:
    for run in runs:
        if not isinstance(key, ScoreKey):
            return run.summary_parts.get(key, ())
        for parts in run.summary_parts.values():
            if any(part.key == key for part in parts):
                return tuple(part for part in parts if part.key == key)
    return ()


def _untelling(part: SummaryPart, runs: Sequence[TrialResult]) -> Untelling | None:
    scores = [run.scores[part.key] for run in runs if part.key in run.scores]
    if not scores:
        return None
    num_items = min(len(score.ids) for score in scores)
    scaled = [(score.value - part.worst) / (part.best - part.worst) for score in scores]
    ends: tuple[tuple[Literal["worst", "best"], float, float], ...] = (
        ("worst", 0.0, part.worst),
        ("best", 1.0, part.best),
    )
    for end, at, worth in ends:
        if all(abs(value - at) <= 1 / max(1, num_items) for value in scaled):
            unanswered = [
                score.value
                for run in runs
                for key, score in run.scores.items()
                if key.path == part.key.path and score.metric == "empty"
            ]
            return Untelling(
                part.key, end, worth, num_items, len(scores), max(unanswered, default=0.0)
            )
    return None


def untelling_text(name: str, of_key: Sequence[Untelling]) -> str:
    """In a sentence, without its full stop.

    >>> from harness.records import parse_key
    >>> key = parse_key("mine/quiz_validation/exact_match")
    >>> untelling_text("ability", [Untelling(key, "worst", 0.0, 48, 7, 1.0)])
    'ability cannot tell configurations apart: all 7 runs score 0, the worst there is, on quiz (48 items, 100% of the answers empty or without the form that is asked for)'
    """  # noqa: E501
    texts = []
    for silent in of_key:
        unanswered = (
            f", {silent.unanswered:.0%} of the answers empty or without the form that is asked for"
            if silent.unanswered >= 0.5
            else ""
        )
        texts.append(
            f"all {silent.num_runs} runs score {silent.value:g}, the {silent.end} there is, on "
            f"{silent.key.stem} ({silent.num_items} items{unanswered})"
        )
    return f"{name} cannot tell configurations apart: {'; '.join(texts)}"
