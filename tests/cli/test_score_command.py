import json

import pytest

from tests.cli import toy


@pytest.fixture(autouse=True)
def predictions(tmp_path):
    toy.make_predictions(tmp_path)


def test_each_score_has_its_items_and_its_signature(harness):
    shown = harness("score", "predictions.jsonl", "--metric", "exact_match", "chrf", "--json")
    assert shown.code == 0, shown.err
    scores = {score["metric"]: score for score in shown.document["scores"]}
    assert list(scores) == ["exact_match", "chrf"]
    assert scores["exact_match"] == {
        "metric": "exact_match",
        "value": 0.8,
        "items": 5,
        "signature": scores["exact_match"]["signature"],
    }
    assert "version:2." in scores["chrf"]["signature"]


def test_the_table_shows_the_same(harness):
    shown = harness("score", "predictions.jsonl", "--metric", "exact_match", "--metric", "bleu")
    assert shown.code == 0
    assert "0.800" in shown.out
    assert "tok:13a" in shown.out.replace("\n", "").replace(" ", "")


def test_metrics_may_stand_before_the_file(harness):
    shown = harness("score", "--metric", "empty", "exact_match", "predictions.jsonl", "--json")
    assert [score["metric"] for score in shown.document["scores"]] == ["empty", "exact_match"]


def test_items_get_their_value_or_their_class(harness, tmp_path):
    harness(
        "score", "predictions.jsonl", "--metric", "refusal", "chrf", "--items", "new/items.jsonl"
    )
    rows = [json.loads(line) for line in (tmp_path / "new/items.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == list(toy.WORDS)
    assert rows[0]["chrf"] == pytest.approx(100)
    assert rows[-1]["chrf"] < 50
    assert {row["refusal"] for row in rows} <= {"refused", "complied", "undetermined"}


def test_a_setting_of_a_metric_is_in_its_signature(harness):
    with_case, without = (
        harness("score", "predictions.jsonl", "--metric", "bleu", "--json", *more).document
        for more in ((), ("--set", "bleu.lowercase=true"))
    )
    assert with_case["scores"][0]["signature"] != without["scores"][0]["signature"]


def test_a_row_is_in_the_language_given_when_it_does_not_say_it(harness, tmp_path):
    row = {"id": "1", "output": "我喜欢猫", "references": ["我喜欢猫"]}
    (tmp_path / "zh.jsonl").write_text(json.dumps(row))
    shown = harness("score", "zh.jsonl", "--metric", "bleu", "--target-lang", "zh", "--json")
    assert "tok:zh" in shown.document["scores"][0]["signature"]


def test_without_an_interpreter_for_comet_it_exits_with_2(harness):
    shown = harness(
        "score", "predictions.jsonl", "--metric", "comet", "--comet-python", "no-such-python"
    )
    assert shown.code == 2
    assert "no-such-python: no such program" in shown.err
    assert "make setup" in shown.err
