"""What results, sweeps and MLflow runs are found again by: it may not move with a new setting."""

import json
from pathlib import Path

import pytest

from harness.sweep.spec import load_sweep_spec
from tests.trial.test_stage_keys import ROOT, configurations

GOLDEN = Path(__file__).parents[1] / "golden" / "fingerprints.json"
"""Of the example configurations with and without their seed, and of the sweeps; at 24cfed7."""


@pytest.fixture(scope="module")
def golden():
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", configurations())
def test_fingerprints_of_example_configurations_stay(name, golden):
    config = configurations()[name]
    assert [config.fingerprint(), config.configuration_fingerprint()] == golden[name]


def test_fingerprints_of_sweeps_stay(golden):
    paths = sorted((ROOT / "sweeps").glob("*.yaml"))
    assert {f"sweeps/{path.stem}": load_sweep_spec(path).fingerprint() for path in paths} == {
        name: value for name, value in golden.items() if name.startswith("sweeps/")
    }
