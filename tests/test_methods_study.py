"""The study of all methods: equal budgets, and data that are unlike what is tested."""

import json
import subprocess
from pathlib import Path

import pytest

from harness.benchmarks.read import find_benchmarks
from harness.sweep.budget import planned, shares_of
from harness.sweep.spec import check_sweep
from sweeps.methods.unlike import SKILLS, unlike

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "sweeps/methods"
INSTRUCTIONS = ROOT / "harness/pocket/files/corpus/instructions.jsonl"


@pytest.mark.parametrize(("file", "num"), [("headline", 7), ("others", 10)])
def test_every_method_has_eight_configurations_and_five_fresh_seeds(file, num):
    spec = check_sweep(FOLDER / f"{file}.yaml").spec
    shares = shares_of(spec, planned(spec))
    assert shares is not None
    assert list(shares.counts.values()) == [8] * num
    assert spec.confirm is not None
    assert spec.confirm.members == "fronts"
    assert len(spec.confirm.seeds) == 5
    rates = {params["train.learning_rate"] for params in planned(spec)}
    assert len(rates) == 4


@pytest.mark.parametrize("file", ["headline", "others"])
def test_no_skill_is_both_rehearsed_and_tested(file):
    spec = check_sweep(FOLDER / f"{file}.yaml").spec
    tested = {
        benchmark.key.partition("/")[2].rpartition("_")[0]
        for benchmark in find_benchmarks(spec.base.eval)
        if benchmark.suite == "pocket_general"
    }
    assert len(tested) == 6
    assert tested.isdisjoint(SKILLS)
    kept = unlike(INSTRUCTIONS.read_text(encoding="utf-8").splitlines())
    assert {json.loads(line)["skill"] for line in kept} == set(SKILLS)
    assert len(kept) == 60 * len(SKILLS)


def test_the_command_is_a_program_of_the_shell_and_refuses_what_it_does_not_know():
    study = FOLDER / "study.sh"
    assert subprocess.run(["sh", "-n", study], check=False).returncode == 0
    done = subprocess.run([study, "world2"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "found world2, allowed: world1, world3, world4, others" in done.stderr
