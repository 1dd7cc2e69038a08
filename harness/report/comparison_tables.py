"""Comparisons as tables: an overview to read, and every line of them."""

from collections.abc import Sequence
from dataclasses import replace

from harness.records import Split, SummaryKey
from harness.report.comparison import Compared, TrialPair
from harness.report.names import score_names
from harness.report.table import Cell, Column, Table
from harness.statistics.estimates import Estimate


def difference_cell(line: Compared) -> Estimate:
    """The difference with its interval, as it is written."""
    low, high = line.difference.interval or (None, None)
    return Estimate(line.difference.value, low, high, signed=True)


def overview(pairs: Sequence[TrialPair], name: str) -> Table | None:
    """A line per pair of one reference, a column per suite; None without pairs."""
    if not pairs:
        return None
    suites = list(dict.fromkeys(line.key.suite for pair in pairs for line in pair.summaries))
    keys = {suite: SummaryKey(suite, Split.VALIDATION) for suite in suites}
    names = score_names(list(keys.values()))
    columns = (
        Column("trial", "text", "What is compared with the reference."),
        *[
            Column(
                names[keys[suite]],
                "estimate",
                f"Summary of {suite}: trial minus reference, with its interval and the decision.",
            )
            for suite in suites
        ],
        Column("runs", "text", "Of the trial and of the reference, one per seed."),
        Column("on", "text", "Test benchmarks with fresh seeds, or validation and the sweep's."),
    )
    rows: list[tuple[Cell, ...]] = []
    for pair in pairs:
        cells = {
            line.key.suite: replace(difference_cell(line), remark=line.decision)
            for line in pair.summaries
        }
        runs = f"{len(pair.seeds[0])} and {len(pair.seeds[1])}"
        on = "test" if pair.confirmed else "validation"
        rows.append((pair.first, *[cells.get(suite) for suite in suites], runs, on))
    return Table(name, f"Against {pairs[0].second}", columns, tuple(rows), _note(pairs))


def _note(pairs: Sequence[TrialPair]) -> str:
    sentences = ["Items are paired"]
    if any(line.difference.seeds_paired for pair in pairs for line in pair.summaries):
        sentences[0] += ", seeds too where both have the same"
    sentences[0] += "."
    if any(min(map(len, pair.seeds)) == 1 < max(map(len, pair.seeds)) for pair in pairs):
        sentences.append("A side with one run adds no spread between seeds.")
    reasons = {f"{key}: {reason}" for pair in pairs for key, reason in pair.incomparable.items()}
    if reasons:
        sentences.append(f"Not compared: {'; '.join(sorted(reasons))}.")
    return " ".join(sentences)


def lines_table(pairs: Sequence[TrialPair], *, scores: bool) -> Table:
    """Every line of the comparisons, of the suites' summaries or of the single scores."""
    columns = (
        Column("first", "text", "What is compared."),
        Column("reference", "text", "With what."),
        Column("score", "text", "A suite's summary, or a single score, and its direction."),
        Column("mean of first", "number", "Over its runs."),
        Column("mean of reference", "number", "Over its runs."),
        Column("difference", "estimate", "First minus reference, with its interval."),
        Column("p (Holm)", "number", "Two-sided bootstrap p-value, adjusted within the pair."),
        Column("decision", "text", "About the first, at 5% over all lines of its pair."),
        Column("items", "number", "Items behind the line."),
        Column("runs", "text", "Of the first and of the reference."),
    )
    rows = tuple(
        (
            pair.first,
            pair.second,
            f"{line.key} {'↑' if line.higher_is_better else '↓'}",
            line.first,
            line.second,
            difference_cell(line),
            line.p_value,
            line.decision,
            line.difference.num_items,
            f"{len(pair.seeds[0])} and {len(pair.seeds[1])}",
        )
        for pair in pairs
        for line in (pair.scores if scores else pair.summaries)
    )
    what = "scores" if scores else "summaries"
    return Table(f"comparison_{what}", f"Compared {what}, every line", columns, rows, _note(pairs))
