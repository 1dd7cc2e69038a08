import json

import pytest

from harness.tracking.tracker import MlflowTracker
from tests.cli import toy

pytestmark = pytest.mark.slow


@pytest.fixture
def tracking(tmp_path, tiny_model_dir):
    toy.make(tmp_path, tiny_model_dir)
    return f"sqlite:///{tmp_path}/tracking.db"


def test_a_trial_is_scored_recorded_written_and_found_again(harness, tmp_path, tracking):
    command = ("run", "trial.yaml", "--tracking-uri", tracking, "--output", "out/results.json")
    first = harness(*command, "--json")
    assert first.code == 0, first.err
    document = first.document
    assert {"translation/words_test/chrf", "general/copy_validation/exact_match"} <= set(
        document["scores"]
    )
    assert document["scores"]["general/copy_test/exact_match"]["items"] == 4
    runs = MlflowTracker(tracking).find_runs("toy")
    assert [(run.run_id, run.status) for run in runs] == [(document["run_id"], "FINISHED")]
    written = json.loads((tmp_path / "out/results.json").read_text())["results"][0]
    assert written["fingerprint"] == document["fingerprint"]

    again = harness(*command)
    assert again.code == 0
    assert "copy" in again.out
    assert "adapter" not in again.err  # nothing was trained
    # the toy's tests are what it trains on, and it says so beside the scores
    assert "- translation/words_test: 100.0% of its items are in the training text" in again.out
    assert "general/copy_test: " not in again.out

    harness("check", "baseline.json", "out/results.json", "--update")
    run = f"run:{document['run_id']}"
    # four items are too few for a verdict unless all of them are equal
    assert harness("check", "baseline.json", run, "--tracking-uri", tracking).code == 0
    with_itself = harness("compare", run, "out/results.json", "--tracking-uri", tracking, "--json")
    (line, *_) = with_itself.document["comparisons"]
    assert (line["first"], line["second"], line["value"]) == (run, "out/results.json", 0.0)
    assert (line["seeds"], line["p_value"], line["decision"]) == ([1, 1], None, "undecided")


def test_overrides_apply_and_no_tracking_makes_no_store(harness, tmp_path, tracking):
    shown = harness("run", "trial.yaml", "--no-tracking", "--set", "seed=7", "--json")
    assert shown.document["seed"] == 7
    assert shown.document["run_id"] is None
    assert not list(tmp_path.glob("*.db"))


def test_a_loss_that_is_not_finite_exits_with_3_and_ends_the_run(harness, tracking):
    shown = harness(
        "run", "trial.yaml", "--tracking-uri", tracking, "--set", "train.learning_rate=1e30",
        "--set", "train.steps=40", "--set", "train.max_grad_norm=1e30",
    )  # fmt: skip
    assert shown.code == 3, shown.err
    assert "error: " in shown.err
    assert "Traceback" not in shown.err
    assert MlflowTracker(tracking).find_runs("toy")[0].status == "FAILED"


def test_any_model_folder_is_evaluated_with_and_without_an_adapter(harness, tmp_path, tracking):
    harness("run", "trial.yaml", "--no-tracking")
    adapter = next((tmp_path / ".harness/store/adapter").glob("*/adapter"))
    command = ("evaluate", "model", "--no-tracking", "--split", "test", "--json")
    plain = harness(*command)
    assert plain.code == 0, plain.err
    assert set(plain.document["scores"]) == {
        "general/copy_test/exact_match",
        "translation/words_test/chrf",
    }
    assert {"items", "low", "high"} <= set(
        plain.document["scores"]["general/copy_test/exact_match"]
    )
    assert plain.document["summary_intervals"]["general/summary_test"]["items"] == 4
    lines = (tmp_path / plain.document["predictions"]["general/copy_test"]).read_text()
    assert json.loads(lines.splitlines()[0])["output"] is not None
    tuned = harness(*command, "--adapter", adapter, "--suite", "general")
    assert tuned.code == 0, tuned.err
    assert set(tuned.document["scores"]) == {"general/copy_test/exact_match"}
    assert tuned.document["fingerprint"] != plain.document["fingerprint"]


ABSENT = """\
task: clinic_forms_test
output_type: generate_until
generation_kwargs: {max_gen_toks: 8}
metadata:
  version: 1.0
  harness:
    split: test
    language: en
    metrics: [exact_match]
    licence: CC0
    data:
      format: json
      files: {rows: clinic/forms.json}
      rows: {prompt: "{{ask}}", target: "{{answer}}"}
      get: from the clinic
"""


def test_without_a_suite_those_whose_data_are_elsewhere_are_left_out(
    harness, tmp_path, tracking, monkeypatch
):
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    suite = tmp_path / "benchmarks/clinic"
    suite.mkdir()
    (suite / "forms_test.yaml").write_text(ABSENT, encoding="utf-8")
    command = ("evaluate", "model", "--no-tracking", "--split", "test", "--json")
    plain = harness(*command)
    assert plain.code == 0, plain.err
    assert "general/copy_test/exact_match" in plain.document["scores"]
    assert not any("clinic" in key for key in plain.document["unmeasured"])
    named = harness(*command, "--suite", "clinic")
    assert named.code == 2
    assert "clinic/forms.json is missing from the data folder" in named.err
    data = tmp_path / "elsewhere/clinic"
    data.mkdir(parents=True)
    (data / "forms.json").write_text('[{"ask": "Name?", "answer": "Ann"}]', encoding="utf-8")
    found = harness(*command, "--suite", "clinic", "--set", "eval.data=elsewhere")
    assert found.code == 0, found.err
    assert set(found.document["scores"]) == {"clinic/forms_test/exact_match"}


CARD = """\
---
configs:
- config_name: ARC-Easy
  data_files:
  - {split: train, path: rows.jsonl}
  - {split: validation, path: rows.jsonl}
  - {split: test, path: rows.jsonl}
---
"""


def test_a_hub_copy_with_every_gold_answer_flipped_gives_the_new_score(
    harness, tmp_path, tracking, monkeypatch
):
    copy = tmp_path / "data/hub/allenai/ai2_arc"
    copy.mkdir(parents=True)
    (copy / "README.md").write_text(CARD, encoding="utf-8")
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "data"))

    def evaluated(gold):
        choices = {"text": ["yes", "no"], "label": ["A", "B"]}
        rows = [{"question": f"{n}?", "choices": choices, "answerKey": gold} for n in range(9)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (copy / "rows.jsonl").write_text(text, encoding="utf-8")
        shown = harness(
            "evaluate", "model", "--no-tracking", "--suite", "lm_eval:arc_easy", "--json",
            "--output", f"{gold}.json",
        )  # fmt: skip
        assert shown.code == 0, shown.err
        assert "examples/s" not in shown.err
        return shown.document["scores"]["lm_eval/arc_easy_test/lm_eval"]["value"]

    first, flipped = evaluated("A"), evaluated("B")
    assert first != flipped
    assert first + flipped == pytest.approx(1.0)  # of two choices one is right
    harness("check", "baseline.json", "A.json", "--update")
    shown = harness("check", "baseline.json", "B.json")
    assert shown.code == 4
    assert "different signatures: data:" in " ".join(shown.out.split())


def test_a_changed_prompt_is_asked_anew_and_never_compared(harness, tmp_path, tracking):
    def evaluated(name):
        command = ("evaluate", "model", "--no-tracking", "--suite", "general/copy_test")
        shown = harness(*command, "--output", f"{name}.json", "--json")
        assert shown.code == 0, shown.err
        return shown.document["predictions"]["general/copy_test"]

    before = evaluated("before")
    harness("check", "baseline.json", "before.json", "--update")
    yaml = tmp_path / "benchmarks/general/copy_test.yaml"
    yaml.write_text(yaml.read_text().replace("{{prompt}}", "Say nothing. {{prompt}}"))
    assert evaluated("after") != before
    shown = harness("check", "baseline.json", "after.json")
    assert shown.code == 4
    assert "different signatures: asked:" in " ".join(shown.out.split())
