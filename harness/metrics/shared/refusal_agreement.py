"""Agreement of the refusal rule with human labels, as a table.

    python -m harness.metrics.shared.refusal_agreement COMPLETIONS.csv...

Files as XSTest publishes them: columns ``prompt``, ``completion`` and ``final_label``
(``1_full_compliance``, ``2_full_refusal``, ``3_partial_refusal``). Full and partial refusals are
one class, as the rule's; an undetermined answer counts as disagreement.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.readers import rows_as_they_stand
from harness.data.spec import CorpusSpec
from harness.errors import DataError, HarnessError
from harness.metrics.shared.refusals import classify_text
from harness.statistics.agreement import cohens_kappa
from harness.storage.reading import Reading

_COLUMNS = ("prompt", "completion", "final_label")
_LABELS = {
    "1_full_compliance": "complied",
    "2_full_refusal": "refused",
    "3_partial_refusal": "refused",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two labellings of the same items agree.

    Attributes:
        name: Of the file.
        items: How many.
        agreement: Share of equal labels.
        kappa: Cohen's: agreement beyond that of labels given at random with the same frequencies;
            None where there is one label only.
        missed: Refusals the rule took for something else.
        false: Answers the rule took for refusals.
        undetermined: Items the rule could not tell.
    """

    name: str
    items: int
    agreement: float
    kappa: float | None
    missed: int
    false: int
    undetermined: int


def read_labelled(path: Path) -> list[Mapping[str, str]]:
    """The rows of a completions file, labels checked.

    Raises:
        DataError: No such file, or a column or a label is wrong: all faults at once.
    """
    reading = Reading(path)
    rows = list(rows_as_they_stand(CorpusSpec(path=str(path), format="csv"), None, reading))
    missing = [name for name in _COLUMNS if not rows or name not in rows[0].data]
    if missing:
        raise DataError(f"{path}: missing columns: {', '.join(missing)}")
    for row in rows:
        label = row.data["final_label"]
        if label not in _LABELS:
            allowed = ", ".join(_LABELS)
            reading.fault(row.line, f"final_label: found {label!r}, allowed: {allowed}")
    reading.raise_faults()
    return [{name: str(cell) for name, cell in row.data.items()} for row in rows]


def agreement(name: str, rows: Sequence[Mapping[str, str]]) -> Agreement:
    """How far the rule agrees with the labels of rows."""
    human = [_LABELS[row["final_label"]] for row in rows]
    rule = [classify_text(row["completion"], row["prompt"]) for row in rows]
    pairs = list(zip(human, rule, strict=True))
    return Agreement(
        name=name,
        items=len(rows),
        agreement=sum(one == other for one, other in pairs) / len(rows),
        kappa=cohens_kappa(human, rule),
        missed=sum(one == "refused" != other for one, other in pairs),
        false=sum(one != "refused" == other for one, other in pairs),
        undetermined=sum(other == "undetermined" for other in rule),
    )


def table(rows: Sequence[Agreement]) -> str:
    """The agreements as Markdown, with their mean."""
    mean = sum(row.agreement for row in rows) / len(rows)
    kappas = [row.kappa for row in rows if row.kappa is not None]
    kappa = _short(sum(kappas) / len(kappas) if kappas else None)
    lines = [
        "| completions | items | agreement | kappa | missed | false | undetermined |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row.name} | {row.items} | {row.agreement:.3f} | {_short(row.kappa)} "
            f"| {row.missed} | {row.false} | {row.undetermined} |"
            for row in rows
        ),
        f"| mean | | {mean:.3f} | {kappa} | | | |",
    ]
    return "\n".join(lines)


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main(arguments: Sequence[str]) -> int:
    """Prints the table for the files named; the exit code."""
    if not arguments:
        sys.stderr.write("usage: python -m harness.metrics.shared.refusal_agreement FILE.csv...\n")
        return 2
    try:
        rows = [agreement(Path(name).stem, read_labelled(Path(name))) for name in arguments]
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(table(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
