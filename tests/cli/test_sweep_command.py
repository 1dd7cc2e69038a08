import csv
import json

import pytest

from harness.tracking.tracker import MlflowTracker
from tests.cli import toy
from tests.synthetic import make_record


@pytest.fixture
def folder(tmp_path, tiny_model_dir):
    return toy.make(tmp_path, tiny_model_dir)


def test_a_dry_run_shows_the_plan_and_writes_nothing(harness, folder):
    before = sorted(folder.rglob("*"))
    shown = harness("sweep", "sweep.yaml", "--dry-run")
    assert shown.code == 0, shown.err
    assert "2: 2 new" in shown.out
    assert "2 to search (1 seed a trial)" in shown.out
    plan = harness("sweep", "sweep.yaml", "--dry-run", "--json", "--trials", "1").document
    assert (plan["trials"], plan["configurations"]) == (1, [{"lora.rank": 1}])
    assert sorted(folder.rglob("*")) == before


SHOWING = (
    "--set", "space.variant.name=[sft, icl]",
    "--set", "space.variant.examples={values: [1, 2], when: {variant.name: icl}}",
    "--set", "space.lora.rank={values: [1], when: {variant.name: sft}}",
)  # fmt: skip


def test_a_dry_run_refuses_more_examples_than_there_are_pairs(harness, folder):
    assert "3: 3 new" in harness("sweep", "sweep.yaml", "--dry-run", *SHOWING).out
    many = "space.variant.examples={values: [1, 9], when: {variant.name: icl}}"
    shown = harness("sweep", "sweep.yaml", "--dry-run", *SHOWING, "--set", many)
    assert shown.code == 2
    assert "variant.examples: found 9, allowed at most 5" in shown.err


@pytest.mark.slow
def test_showing_examples_is_swept_confirmed_and_reported_beside_training(harness, folder):
    command = ("sweep", "sweep.yaml", "--tracking-uri", f"sqlite:///{folder}/t.db", *SHOWING)
    compared = "confirm={seeds: [101, 102], members: all}"
    done = harness(*command, "--set", "seeds=[1, 2]", "--set", compared, "--json")
    assert done.code == 0, done.err
    runs = MlflowTracker(f"sqlite:///{folder}/t.db").find_runs("toy")
    assert {run.status for run in runs} == {"FINISHED"}
    report = (folder / ".harness/sweeps/toy/report/report.md").read_text(encoding="utf-8")
    assert "icl" in report
    assert "examples 2" in report


def test_a_dry_run_says_what_differences_the_seeds_will_show(harness, folder):
    shown = harness("sweep", "sweep.yaml", "--dry-run")
    said = " ".join(shown.out.split())
    assert "seeds 1: fewer than 5 show little; not known before runs of two seeds;" in said
    assert harness("sweep", "sweep.yaml", "--dry-run", "--json").document["shows"] == []


def test_the_front_fits_80_columns_and_names_what_to_report(capsys, tmp_path):
    from harness.cli.fronts import print_front

    print_front(make_record(tmp_path, num_items=20))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "trial 4  radis" in shown
    assert "test, with seeds the sweep did not use, is to report" in " ".join(shown.split())
    assert "trial 9 failed: " in shown


def test_a_report_of_no_known_sweep_exits_with_2(harness):
    shown = harness("report", "pocket")
    assert shown.code == 2
    assert "unknown sweep 'pocket'" in shown.err


@pytest.mark.slow
def test_a_sweep_ends_with_its_front_its_report_and_the_way_to_mlflow(harness, folder):
    tracking = f"sqlite:///{folder}/tracking.db"
    command = ("sweep", "sweep.yaml", "--tracking-uri", tracking)
    document = harness(*command, "--json").document
    assert document["sweep"] == "toy"
    assert [(trial["number"], trial["state"]) for trial in document["trials"]] == [
        (0, "complete"),
        (1, "complete"),
    ]
    assert "general/copy_validation/exact_match" in document["trials"][0]["scores"]
    assert set(document["front"]) <= {0, 1}
    assert MlflowTracker(tracking).find_runs("toy")

    again = harness(*command)
    assert again.code == 0, again.err
    assert "Pareto front of toy" in again.out
    assert ".harness/sweeps/toy/report/report.html" in again.out
    assert f"harness ui --tracking-uri {tracking}" in again.out

    reported = harness("report", "toy", "--output", "elsewhere", "--json")
    assert reported.document["front"] == document["front"]
    assert (folder / "elsewhere/report.html").is_file()

    assert harness("check", "base.json", "sweep:toy", "--update").code == 0
    assert harness("check", "base.json", "sweep:toy").code == 0
    assert harness("check", "base.json", "sweep:toy:5").code == 2


@pytest.mark.slow
def test_a_test_benchmark_of_any_name_and_settings_of_its_own_are_scored_gated_and_swept_right(
    harness, folder
):
    dev, final = (folder / f"benchmarks/translation/{name}.yaml" for name in ("dev", "final"))
    for old, new in (("words_validation", dev), ("words_test", final)):
        file = new.with_stem(old)
        own = "    settings: {chrf: {char_order: 4}}\n    licence"
        new.write_text(file.read_text(encoding="utf-8").replace("    licence", own), "utf-8")
        file.unlink()
    command = ("evaluate", "model", "--no-tracking", "--suite", "translation")
    shown = harness(*command, "--output", "results.json")
    assert shown.code == 0, shown.err
    rows = [line.split() for line in shown.out.splitlines() if " chrf " in line]
    assert [(row[0], row[-1] == "—") for row in rows] == [("dev", True), ("final", False)]
    assert harness("check", "own.json", "results.json", "--update").code == 0
    assert harness("check", "own.json", "results.json").code == 0

    key = "translation/dev/chrf"
    objectives = json.dumps([{"key": key, "reference": 0, "scale": 100}])
    swept = harness("sweep", "sweep.yaml", "--set", f"objectives={objectives}")
    assert swept.code == 0, swept.err
    tables = folder / ".harness/sweeps/toy/report/tables"
    confirmed = (tables / "confirmed.csv").read_text(encoding="utf-8").splitlines()
    figures = [row["dev chrf ↑ confirmed"] for row in csv.DictReader(confirmed)]
    assert len(figures) > 1
    assert all(float(figure) >= 0 for figure in figures)
    assert "translation/final" in (tables / "scores_test.csv").read_text(encoding="utf-8")
    assert "translation/dev" in (tables / "scores_validation.csv").read_text(encoding="utf-8")
    assert harness("check", "swept.json", "sweep:toy", "--update").code == 0
    assert harness("check", "swept.json", "sweep:toy").code == 0
