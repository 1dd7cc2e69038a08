import json
from xml.etree import ElementTree

import pytest

from harness.storage.results import write_results
from tests.cli import toy


@pytest.fixture
def baseline(tmp_path):
    toy.make_baseline(tmp_path, value=0.9, num_items=400)
    return tmp_path


def scored(folder, value):
    write_results(folder / "results.json", [toy.result(value, num_items=400)])


def test_equal_scores_pass(harness, baseline):
    shown = harness("check", "baseline.json", "results.json")
    assert shown.code == 0
    assert "pass: 1 of 1 scores pass" in shown.out


def test_a_clear_drop_is_a_regression_and_exits_with_1(harness, baseline):
    scored(baseline, 0.5)
    shown = harness("check", "baseline.json", "results.json", "--json")
    assert shown.code == 1
    verdict = shown.document["verdicts"][0]
    assert (verdict["key"], verdict["outcome"]) == ("general/copy_test/exact_match", "regression")


def test_other_signatures_cannot_be_decided_and_exit_with_4(harness, baseline):
    text = (baseline / "results.json").read_text()
    (baseline / "results.json").write_text(text.replace("exact_match|toy", "exact_match|other"))
    shown = harness("check", "baseline.json", "results.json")
    assert shown.code == 4
    assert "- general/copy_test/exact_match: " in shown.out


def test_reports_for_ci_are_written(harness, baseline):
    scored(baseline, 0.5)
    harness("check", "baseline.json", "results.json", "--junit", "a/b.xml", "--markdown", "a/c.md")
    suite = ElementTree.parse(baseline / "a/b.xml").getroot()[0]
    assert suite.attrib["failures"] == "1"
    assert "### harness check: regression" in (baseline / "a/c.md").read_text()


def test_update_makes_these_scores_the_baseline_and_keeps_the_tolerance(harness, baseline):
    written = json.loads((baseline / "baseline.json").read_text())
    written["tolerance"]["default"] = 0.125
    (baseline / "baseline.json").write_text(json.dumps(written))
    scored(baseline, 0.5)
    assert harness("check", "baseline.json", "results.json", "--update").code == 0
    assert harness("check", "baseline.json", "results.json").code == 0
    assert json.loads((baseline / "baseline.json").read_text())["tolerance"]["default"] == 0.125


def test_two_configurations_in_one_file_exit_with_2(harness, baseline):
    other = toy.result(0.9, num_items=400, lora={"rank": 64})
    write_results(baseline / "results.json", [toy.result(0.9, num_items=400), other])
    shown = harness("check", "baseline.json", "results.json")
    assert shown.code == 2
    assert "found 2 configurations" in shown.err
