import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.settings import plugins

HEAVY = ("torch", "transformers", "peft", "mlflow", "optuna", "lm_eval", "datasets", "openai")
LIGHT = (
    "harness",
    "harness.cli.main",
    "harness.trial.config",
    "harness.gate",
    "harness.sweep.spec",
    "harness.servers.chat",
)


def imported_by(modules: tuple[str, ...]) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(*sorted(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LIGHT)
def test_what_parses_and_prints_is_light_to_import(module):
    assert imported_by((module,)).isdisjoint(HEAVY)


def test_every_variant_is_light_to_import():
    variants = tuple(f"harness.variants.{name}" for name in plugins.names("variant"))
    assert imported_by(variants).isdisjoint(HEAVY)


def test_servers_are_reached_through_one_door():
    package = Path(harness.__file__).parent
    imports = re.compile(r"^\s*(?:from|import) (?:openai|httpx2?)\b", re.MULTILINE)
    doors = [path for path in package.rglob("*.py") if imports.search(path.read_text())]
    assert [str(path.relative_to(package)) for path in doors] == ["servers/client.py"]


def test_imports_go_down_the_floors_only():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stdout


def test_the_public_names_are_sorted_and_importable():
    assert harness.__all__ == sorted(harness.__all__)
    for name in harness.__all__:
        assert getattr(harness, name).__name__ == name


def test_one_place_knows_where_data_outside_the_project_are():
    tests = Path(__file__).parent
    named = [path for path in tests.rglob("*.py") if "shared/" + "data" in path.read_text()]
    assert [path.name for path in named] == ["outside.py"]


def test_package_files_are_empty_but_for_the_root():
    package = Path(harness.__file__).parent
    files = set(package.rglob("__init__.py")) - {package / "__init__.py"}
    assert [str(file) for file in files if file.read_text().strip()] == []
