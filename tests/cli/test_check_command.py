import json
from dataclasses import replace
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
    assert "pass: 1 of 1 scores that gate pass" in shown.out
    assert "results.json (seed 1) against baseline.json (seed 1): the same run made" in shown.out


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


def test_a_baseline_that_does_not_say_how_it_was_asked_is_not_verified(harness, baseline):
    text = (baseline / "results.json").read_text()
    said = text.replace("exact_match|toy", "exact_match|toy|asked:0a1b2c3d")
    (baseline / "results.json").write_text(said)
    shown = harness("check", "baseline.json", "results.json")
    assert shown.code == 4
    told = " ".join(shown.out.split())
    assert "general/copy_test/exact_match: not verified: one is of an earlier version" in told
    assert "harness check baseline.json SCORES --update" in told
    assert harness("check", "baseline.json", "results.json", "--update").code == 0
    assert harness("check", "baseline.json", "results.json").code == 0


def test_what_cannot_be_compared_passes_not_even_where_undecided_does(harness, baseline):
    text = (baseline / "results.json").read_text()
    (baseline / "results.json").write_text(text.replace("exact_match|toy", "exact_match|other"))
    assert harness("check", "baseline.json", "results.json", "--undecided", "pass").code == 4


def test_undecided_ends_with_4_or_with_0_as_asked(harness, baseline):
    scored(baseline, 0.885)
    shown = harness("check", "baseline.json", "results.json")
    assert shown.code == 4
    assert "the drop may be larger than the tolerance; about" in shown.out.replace("\n  ", " ")
    passed = harness("check", "baseline.json", "results.json", "--undecided", "pass")
    assert passed.code == 0
    assert (
        "undecided: 1 undecided, 0 of 1 scores that gate pass (undecided passes, as" in passed.out
    )


def test_a_new_run_needs_a_baseline_of_three_seeds_and_is_told_how_to_get_one(harness, baseline):
    new = replace(toy.result(0.9, num_items=400), seed=2)
    write_results(baseline / "results.json", [new])
    shown = harness("check", "baseline.json", "results.json")
    assert shown.code == 4
    assert "Cannot be judged: the baseline has 1 seed" in shown.out.replace("\n", " ")
    assert "harness check baseline.json sweep:NAME:NUMBER --update" in shown.out.replace("\n", " ")


def test_a_baseline_of_three_seeds_judges_one_new_run(harness, tmp_path):
    runs = [toy.run_of(seed) for seed in range(1, 5)]
    write_results(tmp_path / "three.json", runs[:3])
    write_results(tmp_path / "new.json", runs[3:])
    made = harness("check", "baseline.json", "three.json", "--update", "--json")
    assert made.document["judges_new_runs"] is True
    shown = harness("check", "baseline.json", "new.json", "--tolerance", "general=0.2", "--json",
                    "--tolerance", "exact_match=0.2")  # fmt: skip
    assert (shown.code, shown.document["case"]) == (0, "retrained")
    (verdict,) = shown.document["verdicts"]
    assert verdict["worst"] < verdict["change"]
    write_results(tmp_path / "new.json", [toy.run_of(4, share=0.3)])
    assert harness("check", "baseline.json", "new.json").code == 1


def test_settings_that_the_baseline_does_not_say_count_as_their_defaults(harness, baseline):
    config = {"train": {"learning_rate": 0.0002}, "lora": {"rank": 16}}
    write_results(baseline / "results.json", [toy.result(0.9, num_items=400, **config)])
    shown = harness("check", "baseline.json", "results.json", "--json")
    assert (shown.code, shown.document["case"]) == (0, "replay")
    other = toy.result(0.9, num_items=400, lora={"rank": 17})
    write_results(baseline / "results.json", [other])
    shown = harness("check", "baseline.json", "results.json", "--json")
    assert (shown.code, shown.document["case"]) == (4, "retrained")
    assert shown.document["settings"] == ["lora.rank 16 / 17"]


def test_tolerances_and_gates_on_the_command_line_come_first(harness, baseline):
    scored(baseline, 0.5)
    for wide in ("exact_match=0.9", "general/*=0.9", "*=0.9", "0.9"):
        assert harness("check", "baseline.json", "results.json", "--tolerance", wide).code == 0
    narrow = ("--tolerance", "0.9", "--tolerance", "exact_match=0.1")
    assert harness("check", "baseline.json", "results.json", *narrow).code == 1
    assert harness("check", "baseline.json", "results.json", "--gate", "exact_match").code == 1


def test_an_update_keeps_tolerances_and_gates_given_with_it(harness, baseline):
    given = ("--tolerance", "exact_match=0.25", "--gate", "general/*")
    assert harness("check", "baseline.json", "results.json", "--update", *given).code == 0
    tolerance = json.loads((baseline / "baseline.json").read_text())["tolerance"]
    assert tolerance["keys"]["exact_match"] == 0.25
    assert next(iter(tolerance["keys"])) == "exact_match"
    assert tolerance["gates"] == ["general/*"]


def test_on_github_the_summary_is_appended_and_what_fails_is_annotated(
    harness, baseline, monkeypatch
):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(baseline / "summary.md"))
    (baseline / "summary.md").write_text("# Before\n")
    scored(baseline, 0.5)
    shown = harness("check", "baseline.json", "results.json", "--github", "--json")
    assert shown.code == shown.document["exit_code"] == 1
    assert shown.err.startswith("::error title=general/copy_test/exact_match::0.9000 -> 0.5000")
    summary = (baseline / "summary.md").read_text()
    assert summary.startswith("# Before\n### harness check: regression")


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
