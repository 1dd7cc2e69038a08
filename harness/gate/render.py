"""A gate report for people and machines: rows, JSON, Markdown, JUnit XML, GitHub's annotations."""

from collections.abc import Iterator
from dataclasses import asdict
from xml.etree import ElementTree

from harness.gate.verdict import WORST_FIRST, Case, GateReport, Verdict
from harness.records import JSON, ScoreKey
from harness.statistics.gating import GateDecision

COLUMNS = ("", "key", "baseline", "now", "change", "at worst", "tolerance", "items", "why")

_MARKS = {
    GateDecision.PASS: "ok",
    GateDecision.REGRESSION: "WORSE",
    GateDecision.UNDECIDED: "?",
    None: "",
}
_MOST_ITEMS = 10


def headline(report: GateReport) -> str:
    """The answer in one line."""
    counts = [
        f"{report.count(outcome)} {name}"
        for outcome, name in (
            (GateDecision.REGRESSION, "worse"),
            (GateDecision.UNDECIDED, "undecided"),
        )
        if report.count(outcome)
    ]
    passed = f"{report.count(GateDecision.PASS)} of {len(report.gating)} scores that gate pass"
    line = f"{report.outcome.value}: {', '.join([*counts, passed])}"
    allowed = report.outcome is GateDecision.UNDECIDED and report.exit_code == 0
    return line + (" (undecided passes, as asked)" if allowed else "")


def judged(report: GateReport) -> str:
    """What was judged by what, in a sentence or two."""
    run = report.judged + _seeds(report.seeds)
    baseline = report.baseline + _seeds(report.baseline_seeds)
    if report.case is Case.REPLAY:
        what = "the same run made again" if report.seeds else "an untrained model"
        said = f"{run} against {baseline}: {what}, so the items decide ({_items(report)})."
    else:
        said = f"{run} against {baseline}: a new run, so items and seeds decide ({_items(report)})."
    return said + (f" Cannot be judged: {report.cannot}." if report.cannot else "")


def _items(report: GateReport) -> str:
    """How many items a score has, from the fewest to the most."""
    counts = {verdict.num_items for verdict in report.gating if verdict.num_items is not None}
    ends = sorted({min(counts, default=0), max(counts, default=0)})
    return f"{' to '.join(map(str, ends))} items"


def _seeds(seeds: tuple[int, ...]) -> str:
    word = "seed" if len(seeds) == 1 else "seeds"
    return f" ({word} {', '.join(map(str, seeds))})" if seeds else " (no seeds)"


def rows(report: GateReport) -> list[tuple[str, ...]]:
    """A row of text per key, the worst first and what informs last; columns are ``COLUMNS``."""
    return [
        (
            _MARKS[verdict.outcome],
            str(verdict.key),
            _number(verdict.baseline),
            "missing" if verdict.candidate is None else _number(verdict.candidate),
            _number(verdict.change, signed=True),
            _number(verdict.worst, signed=True),
            f"{verdict.tolerance:g}" if verdict.gates else "",
            "" if verdict.num_items is None else str(verdict.num_items),
            verdict.reason + _changed(verdict),
        )
        for verdict in _worst_first(report)
    ]


def _changed(verdict: Verdict) -> str:
    """Which items score otherwise, of a run made again."""
    if not verdict.changed or not isinstance(verdict.key, ScoreKey):
        return ""
    more = len(verdict.changed) - _MOST_ITEMS
    named = ", ".join(verdict.changed[:_MOST_ITEMS]) + (f" and {more} more" if more > 0 else "")
    start = "; " if verdict.reason else ""
    return f"{start}{len(verdict.changed)} items changed: {named}"


def _worst_first(report: GateReport) -> list[Verdict]:
    order = [*WORST_FIRST, None]
    return sorted(report.verdicts, key=lambda verdict: order.index(verdict.outcome))


def notes(report: GateReport) -> list[str]:
    """What a reader has to know beside the rows."""
    sentences = [
        f"Change: now minus baseline; at worst: its one-sided {report.level:.0%} bound. A score "
        "passes when the drop is shown to be below the tolerance, and is worse when a drop is "
        f"shown (one-sided p at most {1 - report.level:.2g}, Holm over all that gate) and "
        "estimated beyond it. Scores without a mark inform."
    ]
    if report.case is Case.RETRAINED and report.cannot is None and len(report.seeds) < 3:
        sentences.append("Assumed: new runs differ by their seeds as those of the baseline do.")
    if report.settings:
        sentences.append("Settings, baseline / now: " + "; ".join(report.settings))
    if report.cannot:
        sentences.append(
            "A baseline that can judge new runs has three seeds or more, better five: harness "
            f"check {report.baseline} sweep:NAME:NUMBER --update, of a sweep whose confirm.seeds "
            "are as many (or a results file with as many runs of one configuration)."
        )
    elif any(not verdict.compared for verdict in report.gating):
        sentences.append(
            "What cannot be compared never passes; this makes a baseline of the scores as they are "
            f"now: harness check {report.baseline} SCORES --update"
        )
    elif report.case is Case.RETRAINED and report.count(GateDecision.UNDECIDED):
        sentences.append(
            f"harness plan {report.baseline} says how many seeds and items let a run pass."
        )
    if report.uncompared:
        sentences.append(
            "Not in the baseline, so not compared (--update adds them): "
            + ", ".join(map(str, report.uncompared))
        )
    return sentences


def to_plain(report: GateReport) -> dict[str, JSON]:
    """The report as plain data, fit for JSON."""
    return {
        "outcome": report.outcome.value,
        "exit_code": report.exit_code,
        "level": report.level,
        "case": report.case.value,
        "judged": report.judged,
        "seeds": report.seeds,
        "baseline": report.baseline,
        "baseline_seeds": report.baseline_seeds,
        "cannot": report.cannot,
        "settings": report.settings,
        "uncompared": list(map(str, report.uncompared)),
        "undecided_passes": report.undecided_passes,
        "verdicts": [
            asdict(verdict) | {"key": str(verdict.key), "gates": verdict.gates}
            for verdict in report.verdicts
        ],
    }


def to_markdown(report: GateReport) -> str:
    """A summary for a CI page: the answer, what does not pass, the rest folded away."""
    failing = [row for row in rows(report) if row[0] in ("WORSE", "?")]
    folded = [
        (name, [row for row in rows(report) if row[0] == mark])
        for name, mark in (("pass", "ok"), ("inform", ""))
    ]
    parts = [f"### harness check: {headline(report)}", judged(report)]
    if failing:
        parts.append(_markdown_table(failing))
    parts += [
        f"<details><summary>{len(table)} {name}</summary>\n\n{_markdown_table(table)}\n\n</details>"
        for name, table in folded
        if table
    ]
    return "\n\n".join([*parts, *notes(report)]) + "\n"


def to_annotations(report: GateReport) -> Iterator[str]:
    """GitHub's workflow commands: an error a regression, a warning for what is undecided."""
    kinds = {GateDecision.REGRESSION: "error", GateDecision.UNDECIDED: "warning"}
    for verdict, row in zip(_worst_first(report), rows(report), strict=True):
        if verdict.outcome in kinds:
            cells = dict(zip(COLUMNS, row, strict=True))
            text = (
                f"{cells['baseline']} -> {cells['now']}, tolerance {cells['tolerance']}: "
                f"{cells['why']}"
            )
            yield f"::{kinds[verdict.outcome]} title={_property(cells['key'])}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def to_junit(report: GateReport) -> str:
    """JUnit XML: a regression is a failure, what is undecided an error, what informs no test."""
    undecided = 0 if report.exit_code == 0 else report.count(GateDecision.UNDECIDED)
    suite = ElementTree.Element(
        "testsuite",
        name="harness check",
        tests=str(len(report.gating)),
        failures=str(report.count(GateDecision.REGRESSION)),
        errors=str(undecided),
        skipped=str(report.count(GateDecision.UNDECIDED) - undecided),
    )
    elements = {
        GateDecision.REGRESSION: "failure",
        GateDecision.UNDECIDED: "error" if undecided else "skipped",
    }
    for verdict, row in zip(_worst_first(report), rows(report), strict=True):
        if verdict.outcome is None:
            continue
        classname, _, name = str(verdict.key).rpartition("/")
        case = ElementTree.SubElement(
            suite, "testcase", classname=classname.replace("/", "."), name=name
        )
        if verdict.outcome in elements:
            element = ElementTree.SubElement(
                case,
                elements[verdict.outcome],
                type=verdict.outcome.value,
                message=verdict.reason,
            )
            element.text = "\n".join(
                f"{name}: {cell}" for name, cell in zip(COLUMNS[1:], row[1:], strict=True)
            )
    ElementTree.SubElement(suite, "system-out").text = "\n".join([judged(report), *notes(report)])
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(
        root, encoding="unicode"
    )


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return ""
    digits = 2 if abs(value) >= 10 else 4
    return f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"


def _markdown_table(table: list[tuple[str, ...]]) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS), *table]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
