"""Outputs of any system as they are published: plain text, a segment a line, beside references."""

from collections.abc import Sequence
from pathlib import Path

from harness.errors import DataError
from harness.records import Prediction
from harness.storage.reading import read_lines


def read_outputs(
    path: Path, references: Sequence[Path] = (), source: Path | None = None
) -> list[Prediction]:
    """The predictions of a plain text file; an empty line is an empty answer.

    Args:
        path: One output a line; compressed too.
        references: Files with a right answer to each, line by line.
        source: File with what was to be translated.

    Raises:
        DataError: A file is missing or not UTF-8, or their numbers of lines differ.
    """
    outputs = read_lines(path)
    beside = {file: read_lines(file) for file in (*references, *([source] if source else []))}
    faults = [
        f"{path} has {len(outputs)} lines and {file} has {len(lines)}, allowed the same number: "
        "line by line they belong together"
        for file, lines in beside.items()
        if len(lines) != len(outputs)
    ]
    if not outputs:
        faults.append(f"{path}: no outputs, allowed: at least one line")
    if faults:
        raise DataError("\n".join(faults))
    return [
        Prediction(
            id=str(number + 1),
            prompt="",
            output=output,
            answer=output,
            references=tuple(beside[file][number] for file in references),
            source=None if source is None else beside[source][number],
        )
        for number, output in enumerate(outputs)
    ]
