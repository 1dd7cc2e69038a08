from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.storage.journal import FILE, Journal

OF = {"model": "m", "decoding": {"max_new_tokens": 3}}
LINES = [{"a": [[1, 2], "grüß\n\u2028", True, ""], "b": 1.5}, {"c": None}, {"a": "later"}]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def content(journal: Journal) -> dict[str, Any]:
    return {key: journal[key] for key in "abcdxyz" if key in journal}


def written(folder: Path, lines: list[dict[str, Any]]) -> Path:
    journal = Journal(folder, OF)
    for line in lines:
        journal.put(line)
    return folder / FILE


def test_values_come_back_and_later_ones_win(tmp_path: Path) -> None:
    written(tmp_path, LINES)
    assert content(Journal(tmp_path, OF)) == {"a": "later", "b": 1.5, "c": None}
    assert len(Journal(tmp_path, OF)) == 3


def test_nothing_is_written_before_the_first_value(tmp_path: Path) -> None:
    assert len(Journal(tmp_path / "folder", OF)) == 0
    assert not (tmp_path / "folder").exists()


def test_cut_at_every_byte_it_has_the_lines_before_and_goes_on(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole", LINES).read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    assert len(ends) == 1 + len(LINES)
    for size in range(len(whole) + 1):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / FILE).write_bytes(whole[:size])
        complete = max(sum(end <= size for end in ends) - 1, 0)
        expected: dict[str, Any] = {}
        for line in LINES[:complete]:
            expected |= line
        journal = Journal(folder, OF)
        assert content(journal) == expected
        journal.put({"x": 7})
        journal.put({"y": 8})
        assert content(journal) == content(Journal(folder, OF)) == {**expected, "x": 7, "y": 8}
        assert written(tmp_path / f"same {size}", [*LINES[:complete], {"x": 7}, {"y": 8}]) \
            .read_bytes() == (folder / FILE).read_bytes()  # fmt: skip


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.text(), JSON), max_size=4), st.data())
def test_any_values_survive_any_cut(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, Any]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    sizes = [0]
    journal = Journal(folder, OF)
    for line in lines:
        journal.put(line)
        sizes.append((folder / FILE).stat().st_size)
    size = data.draw(st.integers(0, sizes[-1]))
    if lines:
        with (folder / FILE).open("ab") as file:
            file.truncate(size)
    expected: dict[str, Any] = {}
    for line, end in zip(lines, sizes[1:], strict=True):
        expected |= line if end <= size else {}
    again = Journal(folder, OF)
    assert {key: again[key] for line in lines for key in line if key in again} == expected


@pytest.mark.parametrize("garbage", [b"\0" * 40 + b"\n", b"[1]\n", b'{"x": \n', b"\xff\n"])
def test_behind_a_line_that_cannot_be_read_nothing_is_used(tmp_path: Path, garbage: bytes) -> None:
    path = written(tmp_path, LINES[:1])
    good = path.read_bytes()
    path.write_bytes(good + garbage + b'{"x": 1}\n')
    journal = Journal(tmp_path, OF)
    assert content(journal) == LINES[0]
    journal.put({"y": 2})
    assert path.read_bytes() == good + b'{"y":2}\n'


def test_a_journal_of_something_else_is_not_used_and_overwritten(tmp_path: Path) -> None:
    written(tmp_path, LINES)
    other = Journal(tmp_path, {**OF, "model": "n"})
    assert len(other) == 0
    other.put({"z": 1})
    assert len(Journal(tmp_path, OF)) == 0
    assert content(Journal(tmp_path, {**OF, "model": "n"})) == {"z": 1}
