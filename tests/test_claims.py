"""The study of `sft` against `radis`: equal budgets, set down beforehand, and its one command."""

import re
import subprocess
from pathlib import Path

import pytest

from harness.records import JSON
from harness.settings.yaml import parse_override
from harness.sweep.budget import planned, shares_of
from harness.sweep.spec import SweepSpec, load_sweep_spec

ROOT = Path(__file__).parents[1]
CLAIMS = ROOT / "sweeps/claims"
STUDY = CLAIMS / "study.sh"
POCKET = ROOT / "harness/pocket/files"


@pytest.fixture(scope="module")
def study() -> SweepSpec:
    return load_sweep_spec(CLAIMS / "sft_vs_radis.yaml")


def test_both_methods_are_tried_with_the_same_eight_configurations(study) -> None:
    shares = shares_of(study, planned(study))
    assert shares is not None
    assert shares.counts == {"sft": 8, "radis": 8}
    tried: dict[JSON, list[tuple[JSON, JSON]]] = {"sft": [], "radis": []}
    for params in planned(study):
        settings = (params["train.learning_rate"], params["train.steps"])
        tried[params["variant.name"]].append(settings)
    assert sorted(tried["sft"]) == sorted(tried["radis"])
    assert len({rate for rate, _ in tried["sft"]}) >= 4


def test_whole_fronts_get_ten_seeds_that_chose_nothing_and_margins_are_declared(study) -> None:
    assert study.confirm is not None
    assert study.confirm.members == "fronts"
    assert len(study.confirm.seeds) == 10
    assert not set(study.confirm.seeds) & set(study.seeds)
    assert {study.margins[axis] for axis in ("translation", "general", "safety")} == {0.02}


def test_each_control_differs_from_radis_in_one_setting() -> None:
    spec = load_sweep_spec(CLAIMS / "controls.yaml")
    tried = planned(spec)
    radis = {
        "variant.name": "radis",
        "variant.shuffle": False,
        "variant.fraction": 1.0,
        "variant.order": "after",
    }
    assert tried[0] == radis
    controls = [one for one in tried[1:] if one["variant.name"] == "radis"]
    changed = [{(name, x) for name, x in one.items() if radis[name] != x} for one in controls]
    assert sorted(changed, key=str) == [
        {("variant.fraction", 0.5)},
        {("variant.order", "before")},
        {("variant.shuffle", True)},
    ]
    steps = spec.base.train.steps
    plain = [one for one in tried if one["variant.name"] == "sft"]
    assert {one["train.steps"] for one in plain} == {steps, round(1.6 * steps)}


def test_the_command_changes_name_and_folders_of_a_world_and_nothing_else() -> None:
    script = STUDY.read_text(encoding="utf-8")
    function = script.partition("on_world() {")[2].partition("\n}")[0]
    changes = re.findall(r'--set ([a-z_.]+)="([^"]*)"', function)
    assert [path for path, _ in changes] == [
        "name",
        "base.model.path",
        "base.data.train.path",
        "base.data.validation.path",
        "base.eval.folder",
        "base.eval.metrics.comet.model",
    ]
    values = [
        parse_override(f"{path}={text.replace('$files', str(POCKET)).replace('$1', '3')}")
        for path, text in changes
    ]
    spec = load_sweep_spec(CLAIMS / "sft_vs_radis.yaml", values)
    assert spec.name == "claims_world3"
    assert Path(spec.base.model.path).resolve() == POCKET / "base"


def test_the_command_is_a_program_of_the_shell_and_refuses_what_it_does_not_know() -> None:
    assert subprocess.run(["sh", "-n", STUDY], check=False).returncode == 0
    done = subprocess.run(
        [STUDY, "world2"], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 2
    assert "found world2, allowed: world1, world3, world4, controls" in done.stderr
