"""What must start at once imports nothing heavy: asserted, not measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
