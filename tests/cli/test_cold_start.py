"""What must start at once imports nothing heavy: asserted, not measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.gate.baseline import read_baseline
from harness.storage.results import write_results

HEAVY = (
    "torch", "transformers", "peft", "accelerate", "datasets", "lm_eval", "mlflow", "optuna",
    "pandas", "numpy", "matplotlib", "plotly", "sklearn", "lingua",
)  # fmt: skip
ROOT = Path(__file__).parents[2]

PROBE = """
import json, sys
from click.testing import CliRunner
from harness.cli.main import main
result = CliRunner().invoke(main, json.loads(sys.argv[1]))
loaded = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"code": result.exit_code, "text": result.output, "loaded": loaded}))
"""


def start(*arguments: object) -> dict:
    asked = json.dumps([str(argument) for argument in arguments])
    done = subprocess.run(
        [sys.executable, "-c", PROBE, asked], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("sweep", "--help"),
        ("list", "variants", "--verbose"),
        ("list", "metrics"),
        ("list", "sweeps"),
    ],
)
def test_help_and_lists_load_nothing_heavy(arguments):
    started = start(*arguments)
    assert started["code"] == 0, started["text"]
    assert sorted(set(HEAVY) & set(started["loaded"])) == []


@pytest.mark.parametrize("command", ["sweep", "run"])
def test_a_configuration_error_loads_nothing_heavy(command, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("seeed: 1\n")
    started = start(command, broken, "--home", tmp_path / "home")
    assert started["code"] == 2, started["text"]
    assert "unknown option 'seeed'" in started["text"]
    assert sorted(set(HEAVY) & set(started["loaded"])) == []


def test_the_gate_compares_two_files_without_any_model_library(tmp_path):
    baseline = ROOT / "benchmarks" / "baselines" / "smoke.json"
    results = tmp_path / "results.json"
    write_results(results, read_baseline(baseline).results)
    started = start("check", baseline, results)
    assert started["code"] in (0, 4), started["text"]
    assert "general/" in started["text"]
    unneeded = {"torch", "transformers", "peft", "datasets", "lm_eval", "mlflow", "optuna"}
    assert unneeded.isdisjoint(started["loaded"])


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "harness", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.startswith("Usage: python -m harness")
