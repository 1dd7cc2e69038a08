"""What the items of a score add up to, by its own metric and settings."""

import math
from statistics import fmean

from harness.errors import ConfigError
from harness.records import Score, SummaryKey, TrialResult
from harness.settings import plugins
from harness.statistics.crossed import Aggregate


def aggregate_of(score: Score) -> Aggregate:
    """How a score's metric makes its value of summed statistics, with the score's own settings."""
    kind = plugins.load("metric", score.metric)
    aggregate: Aggregate = kind.of_score(score.settings).aggregate
    return aggregate


def total_of(score: Score) -> float | None:
    """What the items of a score add up to: its value, unless it is not as it was made.

    None where they do not add up at all: made with settings that its file does not say.
    """
    totals = [sum(column) for column in zip(*score.statistics, strict=True)]
    try:
        return aggregate_of(score)(totals)
    except (ValueError, IndexError, ArithmeticError) as error:
        if isinstance(error, ConfigError):
            raise
        return None


def adds_up(score: Score) -> bool:
    """Whether the items of a score give its value, so that its pseudo-values mean something."""
    total = total_of(score)
    return total is not None and abs(total - score.value) <= 1e-9 * max(1.0, abs(total))


def fault_of_summary(run: TrialResult, key: SummaryKey) -> str | None:
    """Why a summary is not what its parts give; None where it is, or where a part has no score."""
    value, parts = run.summaries[key], run.summary_parts.get(key, ())
    if not math.isfinite(value):
        return f"found {value}, allowed a finite number"
    if not parts or any(part.key not in run.scores for part in parts):
        return None
    mean = fmean(part.scaled(run.scores[part.key].value) for part in parts)
    if math.isclose(value, mean, rel_tol=1e-9, abs_tol=1e-9):
        return None
    return f"found {value}, but its parts give {mean}"
