"""What to ship: the first sentence of a report, made from decisions on test data.

Each confirmed trial is held against the untuned model on every suite's test summary and on the test
scores of the objectives. It is to be shipped where something is shown better and nothing may be
lost beyond its margin; where several are, the one that the sweep's rule picks on validation scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.records import Key, SummaryKey, SweepRecord
from harness.report.comparison import Compared, TrialPair
from harness.report.comparison_tables import difference_cell, said_of
from harness.report.marks import Marks
from harness.report.reference import key_for_test
from harness.report.table import Column, cell_text
from harness.statistics.comparing import Decision
from harness.statistics.planning import MIN_SEEDS
from harness.statistics.representative import representative

Kind: TypeAlias = Literal["ship", "open", "trade", "nothing", "unconfirmed"]


@dataclass(frozen=True, slots=True)
class SweepAnswer:
    """The answer of a sweep.

    Attributes:
        kind: ``ship``; ``open`` where something is better and a loss is not ruled out; ``trade``
            where something is better and something worse; ``nothing`` where nothing is shown
            better; ``unconfirmed`` where there are no test data to say it by.
        number: Of the trial it speaks of, None without one.
        sentence: To be read first.
    """

    kind: Kind
    number: int | None
    sentence: str


def answer_of(record: SweepRecord, pairs: Sequence[TrialPair], marks: Marks) -> SweepAnswer:
    """What a sweep's comparisons with the untuned model say.

    Args:
        record: The sweep.
        pairs: All of its comparisons.
        marks: What stands behind the names of scores.
    """
    confirmed = {trial.number for trial in record.trials if trial.confirmed}
    against_base = [
        pair for pair in pairs if pair.with_base and pair.confirmed and pair.numbers[0] in confirmed
    ]
    if not against_base:
        lacks = (
            "the untuned model was not scored"
            if confirmed and record.base is None
            else "no trial is confirmed on test data"
        )
        return SweepAnswer(
            "unconfirmed", None, f"Nothing can be shipped on these figures: {lacks}."
        )
    kinds = {pair.numbers[0]: _kind(_judged(record, pair)) for pair in against_base}
    order: tuple[Kind, ...] = ("ship", "open", "trade", "nothing")
    best = min(kinds.values(), key=order.index)
    rivals = [trial for trial in record.trials if kinds.get(trial.number) == best]
    chosen = representative(rivals, record.objectives)
    number = rivals[0].number if chosen is None else chosen.number
    pair = next(pair for pair in against_base if pair.numbers[0] == number)
    return SweepAnswer(best, number, _sentence(best, record, pair, marks))


def _judged(record: SweepRecord, pair: TrialPair) -> list[Compared]:
    """Its summaries and objectives, these first."""
    goals = [key_for_test(record, objective.key) for objective in record.objectives]
    lines = [line for line in pair.lines if isinstance(line.key, SummaryKey) or line.key in goals]
    return sorted(
        lines, key=lambda line: goals.index(line.key) if line.key in goals else len(goals)
    )


def _kind(lines: Sequence[Compared]) -> Kind:
    gains = [line for line in lines if line.decision is Decision.BETTER]
    if not gains:
        return "nothing"
    if any(_is_loss(line) for line in lines):
        return "trade"
    return "open" if any(line.decision is Decision.UNDECIDED for line in lines) else "ship"


def _is_loss(line: Compared) -> bool:
    return line.decision is Decision.WORSE and not line.within_margin


def _sentence(kind: Kind, record: SweepRecord, pair: TrialPair, marks: Marks) -> str:
    lines = _judged(record, pair)
    names = marks.named([line.key for line in lines])
    first = pair.first
    gains = _texts([line for line in lines if line.decision is Decision.BETTER], names)
    others = [line for line in lines if line.decision is not Decision.BETTER]
    on = _on_what(lines, pair)
    if kind == "ship":
        kept = f"; elsewhere {_texts(others, names)}" if others else ""
        return f"Ship {first}: better than the untuned model in {gains}{kept} ({on})."
    if kind == "open":
        unknown = [line for line in others if line.decision is Decision.UNDECIDED]
        return (
            f"Nothing to ship without a doubt: {first} is better than the untuned model in "
            f"{gains}; whether it loses elsewhere is undecided: {_texts(unknown, names)} ({on})."
        )
    if kind == "trade":
        losses = _texts([line for line in others if _is_loss(line)], names)
        return (
            "No trial is shown better than the untuned model without a loss: "
            f"{first} gains {gains} and loses {losses} ({on})."
        )
    few = min(len(pair.seeds[0]), MIN_SEEDS) == 1
    why = ": one confirming seed can show nothing" if few else ""
    return (
        f"Nothing is shown better than the untuned model ({on}){why}. Best guess: {first}, "
        f"{_texts(lines, names)}."
    )


def _texts(lines: Sequence[Compared], names: dict[Key, str]) -> str:
    return ", ".join(
        f"{names[line.key]} {cell_text(difference_cell(line), Column(''))}"
        + ("" if _is_plain(line) else f" ({said_of(line)})")
        for line in lines
    )


def _is_plain(line: Compared) -> bool:
    """Whether the sentence around it says what was decided."""
    return line.decision in (Decision.BETTER, Decision.WORSE) and not line.within_margin


def _on_what(lines: Sequence[Compared], pair: TrialPair) -> str:
    items = sum(line.difference.num_items for line in lines if isinstance(line.key, SummaryKey))
    items = items or sum(line.difference.num_items for line in lines)
    seeds = len(pair.seeds[0])
    return f"test, {items:,} items, {seeds} {'seed' if seeds == 1 else 'seeds'}"
