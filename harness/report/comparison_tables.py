"""Comparisons as tables: an overview to read, and every line of them."""

from collections.abc import Sequence
from dataclasses import replace

from harness.records import Split, SummaryKey
from harness.report.comparison import Compared, TrialPair
from harness.report.marks import Marks
from harness.report.names import score_names
from harness.report.table import Cell, Column, Table
from harness.statistics.comparing import Decision
from harness.statistics.estimates import Estimate
from harness.statistics.planning import MIN_SEEDS
from harness.statistics.wording import decision_text, needed_text


def difference_cell(line: Compared) -> Estimate:
    """The difference with its interval, as it is written; none where no item differs at all."""
    difference = line.difference
    bounds = (None, None) if difference.constant else (difference.low, difference.high)
    return Estimate(difference.value, *bounds, signed=True)


def said_of(line: Compared) -> str:
    """What was decided of a line, in words."""
    if line.decision is None:
        return "not tested"
    if line.difference.constant:
        return "equal on every item"
    return decision_text(line.decision, line.margin, within_margin=line.within_margin)


def overview(pairs: Sequence[TrialPair], name: str, marks: Marks) -> Table | None:
    """A line per pair of one reference, a column per suite; None without pairs."""
    if not pairs:
        return None
    suites = list(dict.fromkeys(line.key.suite for pair in pairs for line in pair.summaries))
    keys = {suite: SummaryKey(suite, Split.VALIDATION) for suite in suites}
    names = score_names(list(keys.values()))
    signs = {line.key.suite: marks.of(line.key) for pair in pairs for line in pair.summaries}
    columns = (
        Column("trial", "text", "What is compared with the reference."),
        *[
            Column(
                f"{names[keys[suite]]}{signs[suite]}",
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
            line.key.suite: replace(difference_cell(line), remark=said_of(line))
            for line in pair.summaries
        }
        on = "test" if pair.confirmed else "validation"
        rows.append((pair.first, *[cells.get(suite) for suite in suites], _runs_text(pair), on))
    summaries = [line for pair in pairs for line in pair.summaries]
    note = f"{_family(summaries, 'summaries of suites')} {_note(pairs, summaries)}"
    note = f"{note} {marks.note}".strip()
    return Table(name, f"Against {pairs[0].second}", columns, tuple(rows), note)


def _runs_text(pair: TrialPair) -> str:
    theirs = "no seeds" if pair.with_base else str(len(pair.seeds[1]))
    return f"{len(pair.seeds[0])} and {theirs}"


def _family(lines: Sequence[Compared], what: str) -> str:
    """Which lines were adjusted together, and by what margins they were judged."""
    counted = [line for line in lines if line.tested and not line.difference.constant]
    tested = sum(line.difference.p_value is not None for line in counted)
    sentence = f"One family of {tested} {what}, adjusted by Holm." if tested else ""
    margins = {
        line.key.metric if not isinstance(line.key, SummaryKey) else line.key.suite: line.margin
        for line in lines
        if line.tested and line.margin is not None
    }
    if margins:
        sentence += " Margins: " + ", ".join(f"{key} {value:g}" for key, value in margins.items())
        sentence += "."
    return sentence.strip()


def _note(pairs: Sequence[TrialPair], lines: Sequence[Compared]) -> str:
    sentences = ["Items are paired"]
    if any(line.difference.paired for line in lines):
        sentences[0] += ", seeds too where both have the same"
    sentences[0] += "."
    if any(line.difference.items_only for line in lines):
        sentences.append(
            "A side has one seed: its intervals are of items alone and decide nothing; "
            f"{MIN_SEEDS} seeds or more are needed."
        )
    elif any(_is_few(pair) for pair in pairs):
        sentences.append(f"With fewer than {MIN_SEEDS} seeds little can be shown.")
    ways = [f"{pair.first.partition(' ')[0]} {line.key.suite}: {text}" for pair in pairs
            for line in pair.summaries if line in lines and (text := would_show(line))]  # fmt: skip
    if ways:
        sentences.append(f"At 80 % power would show: {'; '.join(ways)}.")
    reasons = {f"{key}: {reason}" for pair in pairs for key, reason in pair.incomparable.items()}
    if reasons:
        sentences.append(f"Not compared: {'; '.join(sorted(reasons))}.")
    return " ".join(sentences)


def _is_few(pair: TrialPair) -> bool:
    counts = [len(pair.seeds[0])] + ([] if pair.with_base else [len(pair.seeds[1])])
    return min(counts) < MIN_SEEDS


def would_show(line: Compared) -> str:
    """What would have decided a line at 80 % power; "" where it is decided or nothing is known."""
    if line.decision is not Decision.UNDECIDED or line.difference.items_only:
        return ""
    return needed_text(line.needed, items_only=False)


def lines_table(pairs: Sequence[TrialPair], marks: Marks, *, scores: bool) -> Table:
    """Every line of the comparisons, of the suites' summaries or of the single scores."""
    columns = (
        Column("first", "text", "What is compared."),
        Column("reference", "text", "With what."),
        Column("score", "text", "A suite's summary, or a single score, and its direction."),
        Column("mean of first", "number", "Over its runs."),
        Column("mean of reference", "number", "Over its runs."),
        Column("difference", "estimate", "First minus reference, with its 95 % interval."),
        Column("p (Holm)", "number", "Two-sided, adjusted within the family below the table."),
        Column("decision", "text", "About the first, at 5%; see How to read."),
        Column("margin", "number", "Differences smaller than this do not matter."),
        Column("would show it", "text", "The difference, and what shows it at 80 % power."),
        Column("items", "number", "Items behind the line."),
        Column("runs", "text", "Of the first and of the reference."),
    )
    groups = [(pair, pair.scores if scores else pair.summaries) for pair in pairs]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            pair.first,
            pair.second,
            f"{line.key}{marks.of(line.key)} {'↑' if line.higher_is_better else '↓'}",
            line.first,
            line.second,
            difference_cell(line),
            line.p_value,
            said_of(line),
            line.margin,
            needed_text(line.needed, items_only=line.difference.items_only)
            if line.decision is Decision.UNDECIDED
            else None,
            line.difference.num_items,
            _runs_text(pair),
        )
        for pair, lines in groups
        for line in lines
    )
    what = "scores" if scores else "summaries"
    return Table(
        f"comparison_{what}", f"Compared {what}, every line", columns, rows, _families(pairs, what)
    )


def _families(pairs: Sequence[TrialPair], what: str) -> str:
    """The families of a table of all references, and what is in none."""
    sentences = []
    for second in dict.fromkeys(pair.second for pair in pairs):
        lines = [
            line
            for pair in pairs
            if pair.second == second
            for line in (pair.scores if what == "scores" else pair.summaries)
        ]
        named = "primary metrics of benchmarks" if what == "scores" else "summaries of suites"
        family = _family(lines, named)
        sentences += [f"Against {second}: {family}"] if family else []
    if what == "scores":
        sentences.append(
            "Primary is the metric that the suite's summary counts, else the benchmark's first. "
            "Other metrics of the same answers are shown and not tested."
        )
    sentences.append("Where no item differs there is no test to count.")
    return " ".join(sentences)
