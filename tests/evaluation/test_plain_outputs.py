import gzip

import pytest

from harness.errors import DataError
from harness.evaluation.plain_outputs import read_outputs


@pytest.fixture
def write(tmp_path):
    def written(name, text):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return written


def test_lines_belong_together_and_an_empty_one_is_an_empty_answer(write):
    outputs = write("out.de", "Der Hund.\n\nDie Katze\u2028schläft.\n")
    references = [write("a.de", "Ein Hund.\nJa.\nDie Katze.\n"), write("b.de.gz", "x\ny\nz\n")]
    found = read_outputs(outputs, references, write("src.en", "A dog.\nYes.\nThe cat."))
    assert [one.answer for one in found] == ["Der Hund.", "", "Die Katze\u2028schläft."]
    assert [one.references for one in found] == [
        ("Ein Hund.", "x"),
        ("Ja.", "y"),
        ("Die Katze.", "z"),
    ]
    assert [(one.id, one.source) for one in found] == [
        ("1", "A dog."),
        ("2", "Yes."),
        ("3", "The cat."),
    ]
    assert read_outputs(outputs)[0].references == ()


def test_files_out_of_step_are_all_named(write):
    outputs, short, long = write("out", "a\nb\n"), write("ref", "a\n"), write("src", "a\nb\nc\n")
    with pytest.raises(DataError) as caught:
        read_outputs(outputs, [short], long)
    first, second = caught.value.message.splitlines()
    assert first.startswith(f"{outputs} has 2 lines and {short} has 1, allowed the same number")
    assert f"{long} has 3" in second


def test_a_file_that_is_missing_empty_or_not_text_is_named(write, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_outputs(write("out", "a\n"), [tmp_path / "ref"])
    with pytest.raises(DataError, match="no outputs, allowed: at least one line"):
        read_outputs(write("none", ""), [write("no.ref", "")])
    (tmp_path / "latin").write_bytes(b"Gr\xfc\xdfe\n")
    with pytest.raises(DataError, match=r"latin:1: not UTF-8"):
        read_outputs(tmp_path / "latin")
