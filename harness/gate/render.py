"""A gate report for people and machines: rows, JSON, Markdown and JUnit XML."""

from dataclasses import asdict
from xml.etree import ElementTree

from harness.gate.verdict import WORST_FIRST, GateReport, Outcome, Verdict
from harness.records import JSON

COLUMNS = ("", "key", "baseline", "now", "change", "interval", "tolerance", "items", "why")

_MARKS = {Outcome.PASS: "ok", Outcome.REGRESSION: "WORSE", Outcome.UNDECIDED: "?"}


def headline(report: GateReport) -> str:
    """The answer in one line.

    >>> headline(GateReport((), (), level=0.95, num_resamples=2000))
    'pass: 0 of 0 scores pass'
    """
    names = {Outcome.REGRESSION: "worse", Outcome.UNDECIDED: "cannot be decided"}
    counts = [
        f"{report.count(outcome)} {name}"
        for outcome, name in names.items()
        if report.count(outcome)
    ]
    passed = f"{report.count(Outcome.PASS)} of {len(report.verdicts)} scores pass"
    return f"{report.outcome.value}: {', '.join([*counts, passed])}"


def rows(report: GateReport) -> list[tuple[str, ...]]:
    """A row of text per key, the worst first; the columns are ``COLUMNS``."""
    return [
        (
            _MARKS[verdict.outcome],
            str(verdict.key),
            _number(verdict.baseline),
            _number(verdict.candidate),
            _number(verdict.change, signed=True),
            _interval(verdict),
            f"{verdict.tolerance:g}",
            "" if verdict.num_items is None else str(verdict.num_items),
            verdict.reason,
        )
        for verdict in _worst_first(report)
    ]


def _worst_first(report: GateReport) -> list[Verdict]:
    return sorted(report.verdicts, key=lambda verdict: WORST_FIRST.index(verdict.outcome))


def notes(report: GateReport) -> list[str]:
    """What a reader has to know beside the rows."""
    sentences = [
        f"Change: now minus baseline, with its {report.level:.0%} percentile bootstrap interval "
        f"({report.num_resamples} resamples of items, and of seeds where there are several; "
        "paired). A regression needs a drop beyond the tolerance whose interval lies below zero "
        "after Holm's correction over all scores; a pass an interval above minus the tolerance."
    ]
    if any(min(verdict.num_seeds) < 2 for verdict in report.verdicts):
        sentences.append(
            "One seed on a side: how much scores vary between its seeds is not in the intervals."
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
        "num_resamples": report.num_resamples,
        "uncompared": list(map(str, report.uncompared)),
        "verdicts": [asdict(verdict) | {"key": str(verdict.key)} for verdict in report.verdicts],
    }


def to_markdown(report: GateReport) -> str:
    """A summary for a CI page: the answer, what does not pass, the rest folded away."""
    failing = [row for row in rows(report) if row[0] != _MARKS[Outcome.PASS]]
    passing = [row for row in rows(report) if row[0] == _MARKS[Outcome.PASS]]
    parts = [f"### harness check: {headline(report)}"]
    if failing:
        parts.append(_markdown_table(failing))
    if passing:
        parts.append(
            f"<details><summary>{len(passing)} pass</summary>\n\n{_markdown_table(passing)}\n\n"
            "</details>"
        )
    return "\n\n".join([*parts, *notes(report)]) + "\n"


def to_junit(report: GateReport) -> str:
    """JUnit XML: a regression is a failure, what cannot be decided an error."""
    suite = ElementTree.Element(
        "testsuite",
        name="harness check",
        tests=str(len(report.verdicts)),
        failures=str(report.count(Outcome.REGRESSION)),
        errors=str(report.count(Outcome.UNDECIDED)),
    )
    elements = {Outcome.REGRESSION: "failure", Outcome.UNDECIDED: "error"}
    for verdict, row in zip(_worst_first(report), rows(report), strict=True):
        key = verdict.key
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{key.suite}.{key.benchmark}", name=key.metric
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
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(
        root, encoding="unicode"
    )


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "missing" if not signed else ""
    digits = 2 if abs(value) >= 10 else 4
    return f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"


def _interval(verdict: Verdict) -> str:
    return " to ".join(_number(bound, signed=True) for bound in verdict.interval or ())


def _markdown_table(table: list[tuple[str, ...]]) -> str:
    lines = [COLUMNS, ("---",) * len(COLUMNS), *table]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )
