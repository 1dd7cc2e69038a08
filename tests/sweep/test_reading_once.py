"""How often a sweep's check opens its benchmarks, counted by the interpreter itself."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROBE = """
import collections, json, os, sys
from click.testing import CliRunner
from harness.cli.main import main

opened = collections.Counter()

def count(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        opened[os.path.realpath(arguments[0])] += 1

sys.addaudithook(count)
command = ["sweep", "sweeps/pocket.yaml", "--dry-run", "--home", sys.argv[1]]
result = CliRunner().invoke(main, command)
print(json.dumps({"code": result.exit_code, "opened": opened}))
"""


def test_each_benchmark_of_a_sweep_is_opened_once_until_it_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROBE, str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    told = json.loads(done.stdout)
    assert told["code"] == 0
    folder = f"{ROOT / 'benchmarks'}/"
    opened = {name: times for name, times in told["opened"].items() if name.startswith(folder)}
    assert len([name for name in opened if "/pocket_" in name]) == 60
    assert {name: times for name, times in opened.items() if times > 1} == {}
