"""Leaves in a world's instructions the skills that this study does not test.

python sweeps/methods/unlike.py FILES/corpus/instructions.jsonl OUT.jsonl
"""

import json
import sys
from pathlib import Path

SKILLS = ("facts", "categories", "howto", "listing", "meanings", "benign")
"""What is rehearsed and probed. Tested are comparisons, constraints, ordering, sums, system turns
and second turns; safety by harmful requests, none of which is among these either."""


def unlike(lines: list[str]) -> list[str]:
    """The lines whose chats are of these skills, in their order."""
    return [line for line in lines if json.loads(line)["skill"] in SKILLS]


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    kept = unlike(source.read_text(encoding="utf-8").splitlines())
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
