"""A new method is one new file: listed, run, swept and tested without touching another."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DUMMY = '''"""Plain fine-tuning under another name."""

from typing import ClassVar, Literal

from harness.variants.sft import Sft


class Dummy(Sft):
    """Trains on (x, y) as it stands."""

    name: Literal["dummy"] = "dummy"

    size: int = 3
    """Does nothing."""

    neutral: ClassVar[dict[str, object]] = {}


VARIANT = Dummy
'''


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("harness", "tests", "benchmarks", "sweeps", "pyproject.toml"):
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(source, tmp_path)
    (tmp_path / "harness" / "variants" / "dummy.py").write_text(DUMMY, encoding="utf-8")
    return tmp_path


def run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_new_variant_is_listed_swept_and_tested(copy: Path) -> None:
    listed = json.loads(run(copy, "-m", "harness.cli.main", "list", "variants", "--json"))
    (found,) = (one for one in listed["variants"] if one["name"] == "dummy")
    assert [option["name"] for option in found["options"]] == ["size"]

    sweep = ["-m", "harness.cli.main", "sweep", "sweeps/smoke.yaml", "--dry-run", "--json"]
    plan = run(
        copy, *sweep, "--set", "base.variant=sft", "--set", "space.variant.name=[sft, dummy]"
    )
    assert "dummy" in plan

    tested = run(
        copy, "-m", "pytest", "-q", "-m", "slow or not slow", "-k", "dummy", "tests/contract"
    )
    assert int(tested.strip().splitlines()[-1].split()[0]) >= 10
