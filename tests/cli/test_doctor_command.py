import pytest

pytestmark = pytest.mark.slow


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
