import json
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from harness.gate import render
from harness.gate.baseline import Baseline, Tolerance
from harness.gate.decide import compare
from harness.records import parse_key
from tests.synthetic import make_result

FACTS = "pocket_general/facts_test/exact_match"
HEAVY = ("torch", "mlflow", "optuna", "lm_eval", "sacrebleu", "transformers")
BLEU = parse_key("pocket_translation/en_de_test/bleu")


@pytest.fixture(scope="module")
def report():
    old = make_result(splits=("test",), safety=1.0)
    new = make_result(splits=("test",), general=0.1, safety=1.0)
    changed = replace(new.scores[BLEU], signature="BLEU|<other>")
    new = replace(new, scores={**new.scores, BLEU: changed})
    return compare(Baseline(Tolerance(default=0.05), (old,), "b.json"), [new], judged="run:7")


@pytest.fixture(scope="module")
def new_runs():
    old = [make_result(seed=seed, splits=("test",)) for seed in (1, 2, 3)]
    return compare(Baseline(Tolerance(), tuple(old), "b.json"), [make_result(seed=7)])


def test_the_headline_is_the_answer(report):
    assert render.headline(report) == (
        "regression: 3 worse, 2 undecided, 2 of 7 scores that gate pass"
    )


def test_a_headline_says_where_the_undecided_passes_as_asked(new_runs):
    assert render.headline(new_runs).startswith("undecided: ")
    assert new_runs.exit_code == 4
    passed = replace(new_runs, undecided_passes=True)
    assert passed.exit_code == 0
    assert render.headline(passed).endswith(" (undecided passes, as asked)")


def test_what_was_judged_by_what_is_said(report, new_runs):
    assert render.judged(report) == (
        "run:7 (seed 1) against b.json (seed 1): the same run made again, so the items decide "
        "(60 to 120 items)."
    )
    assert render.judged(new_runs) == (
        "scores (seed 7) against b.json (seeds 1, 2, 3): a new run, so items and seeds decide "
        "(60 to 120 items)."
    )


def test_notes_say_what_is_assumed_of_one_new_run(report, new_runs):
    assumed = "Assumed: new runs differ by their seeds as those of the baseline do."
    assert assumed in render.notes(new_runs)
    planned = "harness plan b.json says how many seeds and items let a run pass."
    assert planned in render.notes(new_runs)
    assert assumed not in render.notes(report)


def test_a_baseline_that_cannot_judge_says_why_and_what_makes_one_that_can():
    old = make_result(seed=1, splits=("test",))
    new = replace(make_result(seed=7, splits=("test",)), config={"variant": "sft", "train": 1})
    told = compare(Baseline(Tolerance(), (old,), "b.json"), [new])
    assert "Cannot be judged: the baseline has 1 seed, and this is none of its runs made again" in (
        render.judged(told)
    )
    notes = "\n".join(render.notes(told))
    assert "harness check b.json sweep:NAME:NUMBER --update" in notes
    assert "Settings, baseline / now: train not set / 1" in notes


def test_rows_have_the_worst_first_and_what_informs_last(report):
    rows = render.rows(report)
    assert [row[0] for row in rows] == ["WORSE"] * 3 + ["?"] * 2 + ["ok"] * 2 + [""] * 2
    assert all(len(row) == len(render.COLUMNS) for row in rows)


def test_rows_name_the_items_that_changed_of_a_run_made_again(report):
    facts = next(row for row in render.rows(report) if row[1] == FACTS)
    assert " items changed: facts-tes-" in facts[-1]
    assert facts[-1].endswith(" more")


def test_the_plain_report_is_json_with_every_verdict(report):
    data = json.loads(json.dumps(render.to_plain(report)))
    assert (data["outcome"], data["exit_code"], data["case"]) == ("regression", 1, "replay")
    assert (data["judged"], data["seeds"], data["baseline_seeds"]) == ("run:7", [1], [1])
    verdicts = {entry["key"]: entry for entry in data["verdicts"]}
    assert verdicts[FACTS]["worst"] < verdicts[FACTS]["change"] < 0
    assert verdicts[FACTS]["num_items"] == 60
    assert verdicts[str(BLEU)]["change"] is None
    assert [key for key, entry in verdicts.items() if not entry["gates"]] == [
        "pocket_translation/en_de_test/chrf",
        "pocket_translation/en_de_test/output_length",
    ]


def test_markdown_shows_what_fails_and_folds_what_passes_and_what_informs(report):
    text = render.to_markdown(report)
    assert text.startswith("### harness check: regression")
    before, passing, informing = text.split("<details>")
    assert FACTS in before
    assert "run:7 (seed 1) against b.json" in before
    assert "2 pass" in passing
    assert "2 inform" in informing
    assert "one-sided 95% bound" in informing


def test_junit_has_failures_and_errors_and_no_test_of_what_informs(report):
    suite = ElementTree.fromstring(render.to_junit(report)).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("7", "3", "2")
    cases = {f"{case.get('classname')}.{case.get('name')}": case for case in suite}
    failed = cases["pocket_general.facts_test.exact_match"].find("failure")
    assert failed.get("message") == "worse by more than the tolerance"
    assert "tolerance: 0.05" in failed.text
    assert "<other>" in cases["pocket_translation.en_de_test.bleu"].find("error").get("message")
    assert "pocket_general.summary_test" in cases
    assert "pocket_translation.en_de_test.chrf" not in cases
    assert suite.find("system-out").text.startswith("run:7 (seed 1) against b.json")


def test_junit_skips_what_is_undecided_and_passes(new_runs):
    passed = replace(new_runs, undecided_passes=True)
    suite = ElementTree.fromstring(render.to_junit(passed)).find("testsuite")
    assert suite.get("errors") == "0"
    assert int(suite.get("skipped")) == len(suite.findall("testcase/skipped")) > 0


def test_annotations_are_commands_of_github(report):
    lines = list(render.to_annotations(report))
    assert [line.partition(" ")[0] for line in lines] == ["::error"] * 3 + ["::warning"] * 2
    assert lines[0].startswith("::error title=pocket_general/arithmetic_test/exact_match::0.")
    assert "tolerance 0.05%3A" not in lines[0]
    assert "tolerance 0.05: worse by more than the tolerance" in lines[0]


def test_the_gate_is_light_to_import():
    code = "import sys, harness.gate.decide, harness.gate.render; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint(HEAVY)
