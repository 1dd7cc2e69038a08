"""Two plain text files, line by line the sides of a pair."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from harness.data.raw import Format, RawRow, check_languages, is_empty, trimmed
from harness.data.spec import CorpusSpec
from harness.errors import DataError
from harness.storage.reading import Reading, read_lines


class Aligned(Format):
    """Lines blank on both sides are left out."""

    two_files: ClassVar[bool] = True

    def rows(self, spec: CorpusSpec, reading: Reading) -> Iterator[RawRow]:
        """One a line.

        Raises:
            DataError: The files have different numbers of lines.
        """
        check_languages(spec, "aligned")
        assert spec.target_path is not None
        sources = read_lines(Path(spec.path), reading)
        targets = read_lines(Path(spec.target_path), reading)
        if len(sources) != len(targets):
            reading.raise_faults()
            raise DataError(
                f"{spec.path} has {len(sources)} lines and {spec.target_path} has {len(targets)}, "
                "allowed the same number: line by line they are pairs"
            )
        for number, sides in enumerate(zip(sources, targets, strict=True), start=1):
            source, target = map(trimmed, sides)
            if number not in reading.unreadable and not (is_empty(source) and is_empty(target)):
                yield RawRow(number, number, {"source": source, "target": target})


FORMAT = Aligned
