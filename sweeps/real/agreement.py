"""How far a metric's verdicts agree with the labels of a predictions file.

    harness score FILE.jsonl --metric refusal --items ITEMS.jsonl
    python sweeps/real/agreement.py FILE.jsonl ITEMS.jsonl refusal

Prints items, the share that labels call refused (right) and the share that the metric does, their
agreement, Cohen's kappa (- where there is one label and verdict only), and how often each label met
another verdict. An undetermined answer, and one without a number, counts as disagreement.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from harness.statistics.agreement import cohens_kappa

_COUNTED = ("refused", "right")


def agreement(predictions: Path, items: Path, metric: str) -> str:
    """A line of Markdown."""
    labels, verdicts = (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (predictions, items)
    )
    pairs = [
        (one["label"], other[metric]) for one, other in zip(labels, verdicts, strict=True)
        if one["id"] == other["id"]
    ]  # fmt: skip
    if len(pairs) != len(labels):
        sys.exit(f"{items}: other items than those of {predictions}")
    same = sum(label == verdict for label, verdict in pairs)
    kappa = cohens_kappa(*zip(*pairs, strict=True))
    other = Counter(f"{label} taken for {verdict}" for label, verdict in pairs if label != verdict)
    kinds = ", ".join(f"{count} {what}" for what, count in sorted(other.items()))
    shown = "-" if kappa is None else f"{kappa:.3f}"
    labelled, judged = (
        sum(one in _COUNTED for one in side) / len(pairs) for side in zip(*pairs, strict=True)
    )
    return (
        f"| {predictions.stem} | {metric} | {len(pairs)} | {labelled:.3f} | {judged:.3f} "
        f"| {same / len(pairs):.3f} | {shown} | {kinds or '-'} |"
    )


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(agreement(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
