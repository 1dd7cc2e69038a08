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
