import json

import pytest

from harness.errors import DataError
from harness.records import Prediction
from harness.storage.predictions import read_predictions, require, write_predictions

FULL = Prediction(
    id="1",
    prompt="Translate: dog",
    output="Hund\n\nand more \u2028 here",
    answer="Hund",
    source="dog",
    references=("Hund", "Köter"),
    target="Hund",
    language="de",
    source_lang="en",
    target_lang="de",
    choices=(-1.5, -2.0),
    num_tokens=3,
    finished=True,
    extra={"constraints": [{"kind": "capitals"}]},
)
BARE = Prediction(id="2", prompt="", output="", answer="")


def test_predictions_survive_the_round_trip(tmp_path):
    write_predictions(tmp_path / "p.jsonl", [FULL, BARE])
    assert read_predictions(tmp_path / "p.jsonl") == [FULL, BARE]


def test_only_id_and_output_are_needed_and_the_answer_is_the_output(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('\ufeff{"id": 7, "output": "yes"}\n\n', encoding="utf-8")
    (found,) = read_predictions(path)
    assert (found.id, found.answer, found.prompt) == ("7", "yes", "")


def test_lines_that_are_not_utf_8_are_not_taken_for_plain_text(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"id": 1, "output": "caf\xe9"}\n')
    with pytest.raises(DataError, match=r"p\.jsonl:1: not UTF-8") as caught:
        read_predictions(path)
    assert caught.value.hint == "convert it, for example with: iconv -f LATIN1 -t UTF-8"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": 1}', ":1: output: missing (found: id)"),
        ('{"id": 1, "output": 3}', ":1: output: found 3, allowed: text"),
        ('{"id": 1, "output": null}', ":1: output: found None, allowed: text"),
        (
            '{"id": 1, "output": "a"}\n{"id": 1, "output": "b"}',
            ":2: id: '1' is also that of line 1",
        ),
        ('{"id": 1, "output": "a", "references": "b"}', "references: found 'b', allowed: a list"),
        ('{"id": 1, "output": "a", "choices": ["b"]}', "allowed: a list of numbers"),
        ('{"id": 1, "output": "a", "finished": "no"}', "finished: found 'no'"),
        ('{"id": 1, "output": "a", "num_tokens": "4"}', "num_tokens: found '4'"),
        ("{", ":1: not valid JSON (Expecting"),
        ('"text"', ":1: found str, allowed one JSON object a line"),
        ("", "no predictions"),
    ],
)
def test_a_malformed_file_is_named_by_its_lines(tmp_path, text, message):
    path = tmp_path / "p.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_all_faults_come_at_once_up_to_twenty(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text("".join(f'{{"x{n}": 1}}\n' for n in range(30)), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1].endswith("and 40 more faults")


def test_files_that_are_not_there_or_not_text_are_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_predictions(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="is a folder"):
        read_predictions(tmp_path)
    (tmp_path / "p.jsonl").write_bytes(b"\xfc\n")
    with pytest.raises(DataError, match="not UTF-8"):
        read_predictions(tmp_path / "p.jsonl")


def test_a_field_that_is_needed_and_missing_is_named_with_the_first_item_without():
    require("bleu", [FULL], ("wanted", "constraints", "choices"))
    with pytest.raises(
        DataError, match=r"bleu needs references or target: missing in 1 of 2 .*'2'"
    ):
        require("bleu", [FULL, BARE], ("wanted",))
    with pytest.raises(DataError, match="needs constraints"):
        require("constraints", [BARE], ("constraints",))


def test_languages_are_read_in_any_scheme_and_refused_where_they_are_none(tmp_path):
    row = {"id": "1", "output": "a", "target_lang": "zho_Hans", "source_lang": "EN_us"}
    (tmp_path / "p.jsonl").write_text(json.dumps(row))
    (read,) = read_predictions(tmp_path / "p.jsonl")
    assert (read.source_lang, read.target_lang, read.language) == ("en-US", "zh", None)
    (tmp_path / "p.jsonl").write_text(json.dumps(row | {"language": "Chinese"}))
    with pytest.raises(DataError, match=r"p\.jsonl:1: language: found 'Chinese', allowed a langu"):
        read_predictions(tmp_path / "p.jsonl")


def test_half_a_character_is_refused_where_it_is_read_and_written_as_json_escapes_it(tmp_path):
    path = tmp_path / "p.jsonl"
    write_predictions(path, [Prediction("1", "", "a\ud83d", "a")])
    assert "\\ud83d" in path.read_text(encoding="utf-8")
    with pytest.raises(DataError, match=r"p\.jsonl:1: found half a character \(.ud83d\)"):
        read_predictions(path)


def test_a_fault_of_all_rows_is_told_once(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text("".join(f'{{"id": {n}}}\n' for n in range(30)), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    assert str(caught.value) == f"{path}: all 30 rows: output: missing (found: id)"
