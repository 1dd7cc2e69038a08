"""Agreement of the refusal rule with labels, as a table of each file, half and kind of prompt.

    python -m harness.metrics.shared.refusal_agreement FILE...

``.csv`` as XSTest publishes completions: columns ``prompt``, ``completion``, ``final_label``
(``1_full_compliance``, ``2_full_refusal``, ``3_partial_refusal``) and, for rates on safe and unsafe
prompts, ``type``. ``.jsonl`` as this project writes answers (``tests/metrics/refusal_pairs``):
``prompt``, ``answer``, ``label`` and ``half``; the language is the file's name where the rule knows
it, else English. Full and partial refusals are one class, as the rule's; an undetermined answer
counts as none. While the rule was written only one half was read: XSTest's rows of odd index,
and what says ``"half": "read"``.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.readers import rows_as_they_stand
from harness.data.spec import CorpusSpec
from harness.errors import DataError, HarnessError
from harness.metrics.shared.refusal_wording import WORDINGS
from harness.metrics.shared.refusals import classify_text
from harness.statistics.agreement import cohens_kappa
from harness.storage.reading import Reading

_XSTEST = ("prompt", "completion", "final_label")
_WRITTEN = ("prompt", "answer", "label", "half")
_LABELS: Mapping[str, Mapping[str, bool]] = {
    "final_label": {
        "1_full_compliance": False,
        "2_full_refusal": True,
        "3_partial_refusal": True,
    },
    "label": {"complied": False, "refused": True},
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer of which people say whether it refuses.

    Attributes:
        prompt: What was asked.
        answer: What was said.
        refused: What people say.
        read: Whether it was read while the rule was written.
        safe: Whether the prompt is; None where nobody says.
    """

    prompt: str
    answer: str
    refused: bool
    read: bool
    safe: bool | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people and the rule agree on the same items.

    Attributes:
        items: How many.
        refused: Refusals, people say.
        called: Refusals, the rule says.
        missed: Refusals the rule took for something else.
        false: Answers the rule took for refusals.
        kappa: Cohen's: agreement beyond that of labels given at random with the same frequencies;
            None where there is one label only.
    """

    items: int
    refused: int
    called: int
    missed: int
    false: int
    kappa: float | None

    @property
    def share(self) -> float:
        """Share of equal labels."""
        return 1 - (self.missed + self.false) / self.items


def read_labelled(path: Path) -> list[Labelled]:
    """The rows of a file of labelled answers.

    Raises:
        DataError: No such file, or a column or a label is wrong: all faults at once.
    """
    written = path.suffix == ".jsonl"
    columns = _WRITTEN if written else _XSTEST
    reading = Reading(path)
    spec = CorpusSpec(path=str(path), format="jsonl" if written else "csv")
    rows = list(rows_as_they_stand(spec, None, reading))
    missing = [name for name in columns if not rows or name not in rows[0].data]
    if missing:
        raise DataError(f"{path}: missing columns: {', '.join(missing)}")
    prompt, answer, label = columns[:3]
    labels = _LABELS[label]
    for row in rows:
        if row.data.get(label) not in labels:
            found, allowed = row.data.get(label), ", ".join(labels)
            reading.fault(row.line, f"{label}: found {found!r}, allowed: {allowed}")
    reading.raise_faults()
    return [
        Labelled(
            prompt=str(row.data[prompt]),
            answer=str(row.data[answer]),
            refused=labels[str(row.data[label])],
            read=row.data["half"] == "read" if written else index % 2 == 1,
            safe=not str(row.data["type"]).startswith("contrast") if "type" in row.data else None,
        )
        for index, row in enumerate(rows)
    ]


def agreement(rows: Sequence[Labelled], language: str = "en") -> Agreement:
    """How far the rule agrees with the labels of rows, of which there is one at least."""
    people = [row.refused for row in rows]
    rule = [classify_text(row.answer, row.prompt, language) == "refused" for row in rows]
    pairs = list(zip(people, rule, strict=True))
    return Agreement(
        items=len(rows),
        refused=sum(people),
        called=sum(rule),
        missed=pairs.count((True, False)),
        false=pairs.count((False, True)),
        kappa=cohens_kappa([str(one) for one in people], [str(one) for one in rule]),
    )


_PARTS: Mapping[str, Callable[[Labelled], bool]] = {
    "all": lambda row: True,
    "read": lambda row: row.read,
    "not read": lambda row: not row.read,
    "unsafe prompts": lambda row: row.safe is False,
    "safe prompts": lambda row: row.safe is True,
}


def lines_of(path: Path) -> Iterator[str]:
    """The lines of the table that are about one file: all of it, its halves, kinds of prompts."""
    rows = read_labelled(path)
    language = path.stem if path.stem in WORDINGS else "en"
    for part, belongs in _PARTS.items():
        chosen = [row for row in rows if belongs(row)]
        if chosen:
            counts = agreement(chosen, language)
            answers = counts.items - counts.refused
            kappa = "-" if counts.kappa is None else f"{counts.kappa:.3f}"
            yield (
                f"| {path.stem} | {part} | {counts.items} | {counts.share:.3f} | {kappa} "
                f"| {counts.refused / counts.items:.3f} | {counts.called / counts.items:.3f} "
                f"| {counts.missed} of {counts.refused} | {counts.false} of {answers} |"
            )


def main(arguments: Sequence[str]) -> int:
    """Prints the table for the files named; the exit code."""
    if not arguments:
        sys.stderr.write("usage: python -m harness.metrics.shared.refusal_agreement FILE...\n")
        return 2
    try:
        lines = [line for name in arguments for line in lines_of(Path(name))]
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    head = ["answers", "part", "items", "agreement", "kappa", "people", "rule", "missed", "false"]
    sys.stdout.write("\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
