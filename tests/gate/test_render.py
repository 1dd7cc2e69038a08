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
CHRF = parse_key("pocket_translation/en_de_test/chrf")


@pytest.fixture(scope="module")
def report():
    old = make_result(splits=("test",), safety=1.0)
    new = make_result(splits=("test",), general=0.1, safety=1.0)
    changed = replace(new.scores[CHRF], signature="chrF3|<other>")
    new = replace(new, scores={**new.scores, CHRF: changed})
    return compare(Baseline(Tolerance(default=0.05), (old,)), [new])


def test_the_headline_is_the_answer(report):
    assert render.headline(report) == (
        "regression: 2 worse, 1 cannot be decided, 3 of 6 scores pass"
    )


def test_rows_have_the_worst_first(report):
    rows = render.rows(report)
    assert [row[0] for row in rows] == ["WORSE", "WORSE", "?", "ok", "ok", "ok"]
    assert all(len(row) == len(render.COLUMNS) for row in rows)


def test_the_plain_report_is_json_with_every_verdict(report):
    data = json.loads(json.dumps(render.to_plain(report)))
    assert (data["outcome"], data["exit_code"]) == ("regression", 1)
    verdicts = {entry["key"]: entry for entry in data["verdicts"]}
    assert verdicts[FACTS]["change"] < 0
    assert verdicts[FACTS]["interval"][1] < 0
    assert verdicts[str(CHRF)]["change"] is None


def test_markdown_shows_what_fails_and_folds_what_passes(report):
    text = render.to_markdown(report)
    assert text.startswith("### harness check: regression")
    before, folded = text.split("<details>")
    assert FACTS in before
    assert "3 pass" in folded
    assert "One seed on a side" in text


def test_junit_has_failures_and_errors(report):
    suite = ElementTree.fromstring(render.to_junit(report)).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "2", "1")
    cases = {f"{case.get('classname')}.{case.get('name')}": case for case in suite}
    failed = cases["pocket_general.facts_test.exact_match"].find("failure")
    assert failed.get("message") == "worse by more than the tolerance"
    assert "tolerance: 0.05" in failed.text
    assert "<other>" in cases["pocket_translation.en_de_test.chrf"].find("error").get("message")


def test_the_gate_is_light_to_import():
    code = "import sys, harness.gate.decide, harness.gate.render; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint(HEAVY)
