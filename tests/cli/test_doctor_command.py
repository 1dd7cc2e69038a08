from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def test_this_machine_is_healthy_and_a_note_is_no_failure(harness):
    shown = harness("doctor", "--json")
    assert shown.code == 0, shown.out
    states = {check["name"]: check["state"] for check in shown.document["checks"]}
    assert {"python", "libraries", "comet", "pocket", "mlflow", "disk"} <= set(states)
    assert states["benchmarks"] == "note"  # there are none in an empty folder


def test_a_store_that_cannot_be_reached_exits_with_1_and_says_what_to_do(harness):
    shown = harness("doctor", "--tracking-uri", "http://127.0.0.1:9")
    assert shown.code == 1
    assert "mlflow        missing" in shown.out
    assert "→ start the server" in shown.out
    assert "Something required is missing." in shown.out


def test_a_configuration_is_looked_at_too_and_its_faults_come_first(harness, tmp_path):
    file = tmp_path / "trial.yaml"
    file.write_text("name: t\nmodell: {path: m}\n")
    shown = harness("doctor", str(file))
    assert shown.code == 2
    assert "modell: unknown option" in shown.err


def test_a_sweep_is_looked_at_by_what_its_trials_share(harness, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    shown = harness("doctor", "sweeps/smoke.yaml", "--json", "--home", tmp_path)
    (check,) = [one for one in shown.document["checks"] if one["name"] == "configuration"]
    assert check["state"] == "ok"
