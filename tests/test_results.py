"""Pages of results: their tables are those of the archives beside them."""

import re
import tarfile
from pathlib import Path

import pytest

from sweeps import tables

ROOT = Path(__file__).parents[1]
ARCHIVES = sorted((ROOT / "sweeps/results").glob("*/*.tar.xz"))
PAGES = sorted({archive.parent.with_suffix(".md") for archive in ARCHIVES})
TYPED = {"claims.md": 1, "french.md": 1, "methods_tuned.md": 1}
"""Tables that are no results: the state of the parts, how long commands took."""

REPORT = """\
# claims_world1

## The front

| trial | general |
| --- | ---: |
| 1 | 0.9 |

Brackets.

## At matched translation

| trial |
| --- |
| #6 |
"""


def test_a_comment_in_the_results_is_followed_by_the_table_of_that_section() -> None:
    text = "So:\n\n<!-- claims_world1: At matched -->\n| old |\n| --- |\n\nAnd | so on.\n"

    def named(comment: str) -> str:
        return tables.table(REPORT, comment.removeprefix("claims_world1: "))

    filled = tables.filled(text, named)
    assert filled == (
        "So:\n\n<!-- claims_world1: At matched -->\n| trial |\n| --- |\n| #6 |\n\nAnd | so on.\n"
    )
    assert tables.filled(filled, named) == filled


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_table_of_a_page_is_made_from_its_committed_archives(path: Path, tmp_path) -> None:
    text = path.read_text(encoding="utf-8")
    places = re.findall(r"^<!-- .* -->\n\|", text, re.MULTILINE)
    typed = TYPED.get(path.name, 0)
    assert len(places) + typed == len(re.findall(r"^\| ?---", text, re.MULTILINE)) > typed
    assert tables.filled(text, tables.tables_of(path, tmp_path)) == text


@pytest.mark.slow
@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_an_archive_is_small_and_names_no_place_of_a_machine(path: Path) -> None:
    assert path.stat().st_size < 5_000_000
    with tarfile.open(path) as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            assert file is not None
            assert not re.search(rb'"/(home|root|work|tmp|Users)/', file.read()), entry.name
