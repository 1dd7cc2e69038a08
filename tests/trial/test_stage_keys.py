"""The keys under which everybody's stores hold what was made: a key that moves makes it anew."""

import json
from pathlib import Path

import pytest

from harness.settings.spec import load_spec
from harness.sweep.budget import planned
from harness.sweep.configurations import configure
from harness.sweep.spec import load_sweep_spec
from harness.trial.config import TrialConfig
from tests.planned import stage_keys

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "golden" / "stage_keys.json"
"""Computed at ae1a440 by ``keys_now`` below, on a CPU with one thread."""


def keys_now(home):
    return {name: stage_keys(config, home / name) for name, config in configurations().items()}


def configurations():
    trials = sorted((ROOT / "sweeps" / "trials").glob("*.yaml"))
    examples = {path.stem: load_spec(TrialConfig, path) for path in trials}
    sweep = load_sweep_spec(ROOT / "sweeps" / "smoke.yaml")
    points = {
        f"smoke/{number}": configure(sweep.base, params, seed=seed)
        for seed in sweep.seeds
        for number, params in enumerate(planned(sweep))
    }
    return examples | points


@pytest.mark.parametrize("name", configurations())
def test_keys_of_examples_adapters_and_predictions_stay(name, tmp_path):
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))[name]
    assert stage_keys(configurations()[name], tmp_path) == golden


def test_the_golden_file_has_every_example_configuration():
    assert set(json.loads(GOLDEN.read_text(encoding="utf-8"))) == set(configurations())
